"""Shipped studies are valid, say what they expect, and name the symmetry of every member."""

from __future__ import annotations

from pathlib import Path

import pytest

import runners.studies
from curvefit.errors import MissingDatasetError
from curvefit.study import Study
from runners.datasets import DATASETS
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


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_shipped_studies_run_on_their_stand_ins_where_data_are_not_installed(path, monkeypatch):
    study = Study.from_toml(path)

    def missing(dataset):
        raise MissingDatasetError("nothing is installed")

    for name in study.fallback:
        monkeypatch.setattr(DATASETS[name], "facts", missing)
    specs, notices = prepare_study(study)
    assert len(specs) > 100
    for name, stand_in in study.fallback.items():
        assert any(f"NOT {name}" in notice and repr(stand_in.name) in notice for notice in notices)
        assert all(spec.data.name != name for spec in specs)


def test_the_default_study_covers_the_rotation_experiment():
    study = Study.from_toml(next(path for path in STUDIES if path.stem == "fashion-rotations"))
    assert len(study.triplets()) == 8 * 4 * 3
    assert study.replicates >= 3
    assert study.sizes[-1] >= 1024
