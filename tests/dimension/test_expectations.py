"""What theory says of a pair, from the facts alone, and that the alignment table says the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.dimension import Pair, alignment_table, expect, symmetry_gain
from curvefit.dimension.expectations import Expectation
from curvefit.fitting import CurveFit
from tests.dimension.studies import power_laws

IMAGE, TORUS = (6, 6, 2), (1, 3, 2)


def _fit(
    functions: tuple[str, str],
    data: str,
    *,
    transform: str = "trivial",
    algorithms: tuple[str, str] = ("o-c-shared", "o-c-shared"),
    shape: tuple[int, int, int] | None = IMAGE,
    exponents: tuple[float, float] = (0.4, 0.4),
) -> CurveFit:
    fit = power_laws({"old": exponents[0], "new": exponents[1]}, {"old": 1.0, "new": 1.0})
    facts = pd.DataFrame(
        {
            "data": "task",
            "model": ["old", "new"],
            "inference": "kernel",
            "shape": [shape, shape],
            "transform": transform,
            "data_symmetry": data,
            "model_symmetry": algorithms,
            "function_symmetry": functions,
        }
    )
    return dataclasses.replace(fit, curves=dataclasses.replace(fit.curves, facts=facts))


def _expect(*args: object, **settings: object) -> Expectation:
    curves: LearningCurves = _fit(*args, **settings).curves  # type: ignore[arg-type]
    old, new = sorted(curves.triplets, key=lambda triplet: triplet.model, reverse=True)
    return expect(curves, Pair(old, new))


@pytest.mark.parametrize(
    ("old", "new", "data", "kind", "group"),
    [
        ("scrambled-shifts", "cyclic-shifts", "cyclic-shifts", "wrong-group-of-baseline", "scrambled-shifts"),
        ("cyclic-shifts", "flips", "d4", "wrong-group-of-baseline", "cyclic-shifts"),
        ("scrambled-shifts", "trivial", "cyclic-shifts", "wrong-group-of-baseline", "scrambled-shifts"),
        ("cyclic-shifts", "scrambled-shifts", "cyclic-shifts", "wrong-group", "scrambled-shifts"),
        ("cyclic-shifts", "scrambled-shifts", "trivial", "unknown", None),
        ("cyclic-shifts", "flips", "s-p", "unknown", None),
        ("d4", "flips", "d4", "unknown", None),
        ("flips", "d4", "d4", "finite-group", "d4"),
        ("trivial", "cyclic-shifts", "cyclic-shifts", "finite-group", "cyclic-shifts"),
    ],
)
def test_both_functions_are_asked_whether_the_data_has_their_group(old, new, data, kind, group) -> None:
    found = _expect((old, new), data)
    assert (found.kind, found.group) == (kind, group)
    if kind == "finite-group":
        assert found.order == {"d4": 2, "cyclic-shifts": 36}[new]


def test_a_baseline_with_the_wrong_group_contradicts_nothing() -> None:
    fit = _fit(("scrambled-shifts", "cyclic-shifts"), "cyclic-shifts", exponents=(0.2, 0.4))
    gain = symmetry_gain(fit, "old")
    assert gain.agreement(0) == "allowed"
    (sentence,) = gain.sentences()
    assert "doing without scrambled-shifts, which this data is not known to have, lowers" in sentence
    draws = np.exp(0.5 * np.random.default_rng(0).standard_normal(500))
    assert gain.expectations[0].agreement(draws, np.full(500, 0.1)) == "allowed", (
        "the baseline's floor is higher"
    )
    assert gain.expectations[0].agreement(draws, np.full(500, -0.1)) == "open"


@pytest.mark.parametrize("transform", ["flips", "d4", "cyclic-shifts", "s-c-shared"])
def test_a_transform_that_carries_the_datas_group_to_itself_leaves_it_there(transform) -> None:
    functions = ("trivial", "cyclic-shifts")
    found = _expect(functions, "cyclic-shifts", transform=transform, algorithms=("signed-s-c-shared",) * 2)
    assert (found.kind, found.order) == ("finite-group", 36)
    table = alignment_table(_fit(functions, "cyclic-shifts", transform=transform)).set_index("model")
    assert table["alignment"].to_dict() == {"old": "none", "new": "exact"}


@pytest.mark.parametrize("transform", ["s-p", "o-c-per-pixel", "o-cp"])
def test_any_other_transform_takes_it_away(transform) -> None:
    functions = ("trivial", "cyclic-shifts")
    assert _expect(functions, "cyclic-shifts", transform=transform).kind == "wrong-group"
    table = alignment_table(_fit(functions, "cyclic-shifts", transform=transform)).set_index("model")
    assert table["alignment"].to_dict() == {"old": "none", "new": "mismatched"}


def test_part_of_the_datas_group_may_survive_a_transform() -> None:
    """A permutation of pixels carries S_p to itself, so all of its subgroups are still within it."""
    table = alignment_table(_fit(("cyclic-shifts", "flips"), "s-p", transform="s-p")).set_index("model")
    assert table["alignment"].to_dict() == {"old": "partial", "new": "partial"}


def test_gain_and_table_see_the_same_coincidences_of_a_shape() -> None:
    """With one channel O(1) is a sign, which the signed permutations of channels contain: nothing has moved."""
    one = {"transform": "o-c-shared", "algorithms": ("signed-s-c-shared",) * 2, "shape": (6, 6, 1)}
    functions = ("trivial", "cyclic-shifts")
    assert _expect(functions, "cyclic-shifts", **one).kind == "finite-group"
    table = alignment_table(_fit(functions, "cyclic-shifts", **one)).set_index("model")  # type: ignore[arg-type]
    assert not table["moved"].any()
    assert table.loc["new", "alignment"] == "exact"


@pytest.mark.parametrize(("shape", "kind"), [(IMAGE, "fewer-copies"), (None, "fewer-copies")])
def test_equal_functions_are_told_by_their_algorithms(shape, kind) -> None:
    algorithms = ("o-cp", "o-c-shared")
    functions = ("trivial", "trivial")
    assert _expect(functions, "trivial", algorithms=algorithms, shape=shape).kind == kind
    assert _expect(functions, "trivial", algorithms=algorithms[::-1], shape=shape).kind == "unknown"
    rotated = _expect(functions, "trivial", transform="o-cp", algorithms=algorithms, shape=shape)
    assert rotated.kind == kind


def test_more_copies_beside_a_gained_group_leave_theory_silent() -> None:
    functions = ("trivial", "cyclic-shifts")
    found = _expect(functions, "cyclic-shifts", algorithms=("signed-s-c-shared", "o-c-shared"))
    assert found.kind == "unknown"


def test_the_torus_is_predicted_and_its_fall_confirmed() -> None:
    """Full student O(cp) against one of the relevant coordinate alone: T^3 to 1, and fewer copies besides."""
    settings = {"algorithms": ("o-cp", "o-c-per-pixel"), "shape": TORUS}
    found = _expect(("trivial", "o-c-tail-1"), "o-c-tail-1", **settings)
    assert (found.kind, found.orbit_dimension) == ("continuous-group-and-fewer-copies", 2)
    assert found.dimension == "falls by at least 2"
    fit = _fit(("trivial", "o-c-tail-1"), "o-c-tail-1", exponents=(1 / 3, 1.0), **settings)  # type: ignore[arg-type]
    gain = symmetry_gain(fit, "old", link="noiseless")
    assert gain.agreement(0) == "confirmed"
    assert "theory of o-c-tail-1: dimension falls by at least 2" in gain.sentences()[0]
    same = _expect(("trivial", "o-c-tail-1"), "o-c-tail-1", algorithms=("o-cp", "o-cp"), shape=TORUS)
    assert (same.kind, same.dimension) == ("continuous-group", "falls by 2")
