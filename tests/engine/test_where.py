"""Conditions: what is written after ``--where``, and which runs meet it."""

from __future__ import annotations

import pytest

from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.study import Study
from runners.engine.where import matches, parse_conditions

LABELS = ("vec filter=[2, 2]", "vec filter=[3, 3]", "a, b", "2")
STUDY = Study.from_dict(
    {
        "study": {"name": "s", "sizes": [16, 32], "replicates": 2},
        "data": [{"name": "d"}],
        "model": [{"name": "m", "label": label, "a": label} for label in LABELS],
        "inference": [{"name": "i"}],
    }
)


@pytest.mark.parametrize(
    ("text", "labels", "runs"),
    [
        ("model=vec filter=[2, 2]", LABELS[:1], 4),
        ("model=vec filter=[2, 2], n_train<=16", LABELS[:1], 2),
        ("seed=0,model=vec*3],n_train>16", LABELS[1:2], 1),
        ("model=a, b", LABELS[2:3], 4),
        ("model!=a, b,model!=vec*", LABELS[3:], 4),
        ("model=*[*", LABELS[:2], 8),
    ],
)
def test_labels_with_brackets_and_commas_are_meant_as_written(text, labels, runs):
    found = [spec for spec in STUDY.specs() if matches(spec, parse_conditions([text]))]
    assert {spec.model.label for spec in found} == set(labels)
    assert len(found) == runs


def test_what_is_no_condition_is_named():
    with pytest.raises(InvalidInputError, match="'gap' is no condition"):
        parse_conditions(["gap"])
    with pytest.raises(InvalidInputError, match="seed is a whole number, not 'a'"):
        parse_conditions(["model=x, seed=a"])
    with pytest.raises(UnknownNameError, match="Did you mean 'model'"):
        parse_conditions(["modle=x"])
