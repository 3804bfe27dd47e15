"""Shipped studies are valid, say what they expect, and name the symmetry of every member."""

from __future__ import annotations

from pathlib import Path

import pytest

import runners.studies
from curvefit.study import Study
from runners.runs import prepare_study

STUDIES = sorted(Path(runners.studies.__path__[0]).glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_shipped_studies_are_valid_and_start_with_a_hypothesis(path):
    assert path.read_text().startswith("# Hypothesis: ")
    study = Study.from_toml(path)
    assert study.name == path.stem
    assert study.hypothesis
    specs, _ = prepare_study(study)
    assert len({spec.id for spec in specs}) == len(specs) > 100


def test_the_default_study_covers_the_rotation_experiment():
    study = Study.from_toml(next(path for path in STUDIES if path.stem == "fashion-rotations"))
    assert len(study.triplets()) == 8 * 4 * 3
    assert study.replicates >= 3
    assert study.sizes[-1] >= 1024
