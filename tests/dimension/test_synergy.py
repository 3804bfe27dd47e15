"""Synergy and alignment: parts, wholes, holes and slopes."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.dimension import alignment_slope, alignment_table, double_difference, synergy
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import CurveFit
from curvefit.triplet import AXES, Triplet
from tests.dimension.studies import posterior, rotation_study


def _grid(log_exponent, levels: tuple[int, int, int], *, drop: int = 0, keep=None) -> CurveFit:
    cells = [(d, m, i) for d in range(levels[0]) for m in range(levels[1]) for i in range(levels[2])]
    cells = cells[: len(cells) - drop] if keep is None else keep
    rows = [
        {"data": f"d{d}", "model": f"m{m}", "inference": f"i{i}", "n_train": n, "seed": 0, "value": 1 / n}
        for d, m, i in cells
        for n in (16, 32, 64, 128)
    ]
    curves = LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))
    exponent = np.exp(np.array([[log_exponent(*cell) for cell in cells]] * 3))
    return CurveFit.from_draws(curves, exponent=exponent, amplitude=exponent * 0 + 1, floor=exponent * 0)


def test_additive_exponents_have_no_synergy() -> None:
    found = synergy(_grid(lambda d, m, i: 0.3 * d - 0.2 * m + 0.1 * i, (2, 3, 2)))
    assert found.interaction_share == pytest.approx(0, abs=1e-12)
    assert found.complete
    sd = found.summary().set_index("term")["sd"]
    assert sd["data"] == pytest.approx(np.std([0, 0.3], ddof=1))
    assert sd["model"] == pytest.approx(np.std([0, -0.2, -0.4], ddof=1))


def test_effects_sum_to_the_parameter_and_shares_to_one() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((3, 3, 2))
    fit = _grid(lambda d, m, i: noise[d, m, i], (3, 3, 2))
    found = synergy(fit)
    assert sum(found.effects.values()) == pytest.approx(np.log(fit.parameter("exponent")))
    table = found.summary().set_index("term")
    assert table["share"].sum() == pytest.approx(1)
    assert table["degrees"].sum() == 17
    assert table.loc["data:model:inference", "degrees"] == 4


def test_a_pure_interaction_is_all_synergy() -> None:
    fit = _grid(lambda d, m, i: 0.4 * (-1) ** (d + m), (2, 2, 2))
    found = synergy(fit)
    assert found.interaction_share == pytest.approx(1)
    assert found.triplet_summary()["factor"].iloc[0] == pytest.approx(np.exp(0.4))
    assert double_difference(fit, data=("d0", "d1"), model=("m0", "m1")) == pytest.approx(1.6)


def test_holes_understate_synergy_and_are_said() -> None:
    fit = _grid(lambda d, m, i: 0.3 * d - 0.2 * m, (2, 2, 2), drop=1)
    found = synergy(fit)
    assert not found.complete
    assert "holes" in str(found)
    assert found.interaction_share == pytest.approx(0, abs=1e-12)
    assert found.summary()["degrees"].sum() == 6
    interacting = synergy(_grid(lambda d, m, i: 0.4 * (-1) ** (d + m), (2, 2, 1), drop=1))
    assert interacting.summary().set_index("term").loc["data:model", "degrees"] == 0
    assert np.isnan(interacting.summary().set_index("term").loc["data:model", "sd"])


def _renamed(fit: CurveFit, axes: dict[str, str]) -> CurveFit:
    """Return the same draws with axes of the grid exchanged."""
    curves = dataclasses.replace(
        fit.curves, table=fit.curves.table.rename(columns=axes), facts=fit.curves.facts.rename(columns=axes)
    )
    where = [
        fit.triplets.index(Triplet(**{old: getattr(t, axes[old]) for old in axes})) for t in curves.triplets
    ]
    exponent = fit.parameter("exponent")[:, where]
    return CurveFit.from_draws(curves, exponent=exponent, amplitude=exponent * 0 + 1, floor=exponent * 0)


@pytest.mark.parametrize("kept", [
    [(0, 0), (1, 1), (1, 2)],  # a model of its own for the first data: data and model alias each other
    [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)],
])  # fmt: skip
def test_the_table_does_not_depend_on_the_order_of_the_axes(kept: list[tuple[int, int]]) -> None:
    noise = np.random.default_rng(0).standard_normal((3, 3, 2))
    fit = _grid(lambda d, m, i: noise[d, m, i], (3, 3, 2), keep=[(*cell, i) for cell in kept for i in (0, 1)])
    table = synergy(fit).summary()
    for order in itertools.permutations(AXES):
        axes = dict(zip(AXES, order))
        again = synergy(_renamed(fit, axes))
        back = {new: old for old, new in axes.items()}
        names = [{frozenset(back[axis] for axis in term) for term in terms} for terms in again.degrees]
        assert again.interaction_share == pytest.approx(synergy(fit).interaction_share)
        for terms, row in zip(synergy(fit).degrees, table.itertuples()):
            other = again.summary().iloc[names.index({frozenset(term) for term in terms})]
            assert other["degrees"] == row.degrees
            assert [other["sd"], other["share"]] == pytest.approx([row.sd, row.share], nan_ok=True)


def test_terms_that_holes_alias_are_told_together() -> None:
    cells = [(d, m, i) for d, m in ((0, 0), (1, 1), (1, 2)) for i in (0, 1)]
    value = {(0, 0): 0.2, (1, 1): 0.4, (1, 2): 0.9}
    found = synergy(_grid(lambda d, m, i: value[d, m] + 0.1 * i, (2, 3, 2), keep=cells))
    table = found.summary().set_index("term")
    assert table["degrees"].to_dict() == {
        "inference": 1, "data + model": 2, "data:model": 0,
        "data:inference + model:inference": 2, "data:model:inference": 0,
    }  # fmt: skip
    assert table.loc["data + model", "sd"] == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert table["share"].sum() == pytest.approx(1)
    assert "cannot tell data, model apart" in str(found)
    assert "data + model" in found.draws.posterior["term"].values


def test_the_study_shows_its_synergy() -> None:
    fit = posterior(rotation_study())
    found = synergy(fit)
    assert 0.2 < np.median(found.interaction_share) < 0.9
    best = found.triplet_summary().set_index(["data", "model"])
    assert best.loc[("shifted trivial", "gap"), "p_above"] > 0.99
    assert synergy(fit, "log_error").interaction_share.mean() > 0.1
    assert synergy(fit, "log_onset").interaction_share.size == fit.n_draws
    table = found.summary().set_index("term")
    assert table.loc["data:model", "p_matters"] > 0.95
    assert "times the exponent that the main effects" in str(found)


def test_nothing_to_interact_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="two axes"):
        synergy(_grid(lambda d, m, i: 0.1 * m, (1, 3, 1)))
    with pytest.raises(UnknownNameError, match="log_exponent"):
        synergy(_grid(lambda d, m, i: 0.1 * m, (2, 3, 1)), "log_exponents")
    with pytest.raises(InvalidInputError, match="all four"):
        double_difference(
            _grid(lambda d, m, i: 0.0, (2, 2, 1), drop=1), data=("d0", "d1"), model=("m0", "m1")
        )
    with pytest.raises(InvalidInputError, match=r"two labels of model; got \('m0',\)"):
        double_difference(_grid(lambda d, m, i: 0.0, (2, 2, 1)), data=("d0", "d1"), model=("m0",))
    with pytest.raises(InvalidInputError, match="two labels of data; got 'd0'"):
        double_difference(_grid(lambda d, m, i: 0.0, (2, 2, 1)), data="d0", model=("m0", "m1"))


def test_alignment_table_knows_what_a_rotation_takes_away() -> None:
    table = alignment_table(posterior(rotation_study(seeds=1))).set_index(["data", "model"])
    assert table.loc[("shifted trivial", "gap"), "effective_symmetry"] == "o-c-shared"
    assert table.loc[("shifted o-cp", "gap"), "effective_symmetry"] == "o-cp"
    assert table.loc[("shifted o-cp", "fcn"), "effective_symmetry"] == "o-cp"
    assert table.loc[("shifted trivial", "fcn"), "lie_dimension"] == pytest.approx(np.log1p(784 * 783 / 2))
    expected = {
        ("shifted trivial", "gap"): "exact",
        ("shifted trivial", "vec"): "none",
        ("shifted o-cp", "fcn"): "none",
        ("shifted o-cp", "gap"): "mismatched",
        ("plain trivial", "vec"): "exact",
        ("plain o-cp", "gap"): "excess",
    }
    assert {key: table.loc[key, "alignment"] for key in expected} == expected
    assert table["moved"].sum() == 4


def test_exponents_fall_with_the_spurious_group() -> None:
    fit = posterior(rotation_study())
    slope = alignment_slope(fit)
    assert (slope.here < 0).mean() > 0.95
    assert slope.slope.std() > slope.here.std()
    assert "P(falls)" in str(slope)
    assert "Alignment exact" in str(slope)
    assert np.median(slope.class_factors["exact"]) > np.median(slope.class_factors["mismatched"])
    assert (
        "wrong group"
        in slope.summary().set_index("quantity").loc["exponent factor, alignment mismatched", "theory"]
    )
    flat = posterior(rotation_study())
    exponent = np.full_like(flat.parameter("exponent"), 0.4)
    even = CurveFit.from_draws(
        flat.curves, exponent=exponent, amplitude=flat.parameter("amplitude"), floor=flat.parameter("floor")
    )
    assert alignment_slope(even).here == pytest.approx(0, abs=1e-9)


def test_a_measurement_under_two_names_counts_once() -> None:
    curves = rotation_study()
    fit = posterior(curves)
    table, facts = (
        pd.concat([whole, whole[whole["model"] == "vec"].assign(model="lcn")], ignore_index=True)
        for whole in (curves.table, curves.facts)
    )
    copied = dataclasses.replace(curves, table=table, facts=facts)
    where = [fit.index(t._replace(model=t.model.replace("lcn", "vec"))) for t in copied.triplets]
    again = CurveFit.from_draws(
        copied, **{name: fit.parameter(name)[:, where] for name in ("exponent", "amplitude", "floor")}
    )
    once, twice = alignment_slope(fit), alignment_slope(again)
    assert len(twice.table) == len(once.table) + 4
    assert twice.table["measured_as"].nunique() == 12
    assert twice.here == pytest.approx(once.here)
    assert twice.slope == pytest.approx(once.slope)
    assert twice.class_factors == {name: pytest.approx(factor) for name, factor in once.class_factors.items()}
    assert twice.summary()["curves"].tolist() == once.summary()["curves"].tolist()
    assert str(twice) == str(once)


def test_alignment_needs_facts_and_variation() -> None:
    fit = posterior(rotation_study(seeds=1))
    recorded_as_moved = fit.curves.facts.assign(
        data_symmetry=[
            "cyclic-shifts" if d == "shifted trivial" else "trivial" for d in fit.curves.facts["data"]
        ]
    )
    moved = dataclasses.replace(fit, curves=dataclasses.replace(fit.curves, facts=recorded_as_moved))
    assert alignment_table(moved)["alignment"].tolist() == alignment_table(fit)["alignment"].tolist()
    bare = dataclasses.replace(fit.curves, facts=fit.curves.facts[["data", "model", "inference"]])
    with pytest.raises(InvalidInputError, match="no model_symmetry"):
        alignment_table(dataclasses.replace(fit, curves=bare))
    same = dataclasses.replace(fit.curves, facts=fit.curves.facts.assign(model_symmetry="o-cp"))
    with pytest.raises(InvalidInputError, match="no slope"):
        alignment_slope(dataclasses.replace(fit, curves=same))
