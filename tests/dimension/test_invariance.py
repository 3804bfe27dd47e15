"""Which rotations leave a curve unchanged: verdicts from data, beside theory."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from curvefit.curves import LearningCurves
from curvefit.dimension import compare_curves, describe_invariance, invariance_table
from curvefit.dimension.difference import summarise_ratios
from curvefit.dimension.pairs import reference_data
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.triplet import Triplet
from tests.dimension.studies import doubtful_study, posterior, relabelled, rotation_study


def test_verdicts_agree_with_the_truth_and_theory_is_beside_them() -> None:
    curves = rotation_study()
    table = invariance_table(posterior(curves))
    assert len(table) == 6
    rows = {(row.model, row.reference): row for row in table.itertuples()}
    assert rows["fcn", "shifted trivial"].verdict == "unchanged"
    assert rows["fcn", "shifted trivial"].agreement == "confirmed"
    assert rows["gap", "shifted trivial"].verdict == "changed"
    assert rows["gap", "shifted trivial"].theory == "may change"
    assert rows["gap", "shifted trivial"].agreement == "allowed"  # no outcome could refute it
    assert rows["gap", "shifted trivial"].error_ratio_low > 1.1
    assert rows["gap", "plain trivial"].agreement == "allowed"
    assert rows["gap", "shifted trivial"].exponent_ratio == pytest.approx(0.6, abs=0.05)
    sentences = describe_invariance(table)
    assert len(sentences) == 3
    assert "theory: unchanged, confirmed" in sentences[0]


def test_curves_alone_suffice() -> None:
    table = invariance_table(rotation_study(seeds=2))
    assert table["exponent_ratio"].isna().all()
    assert table["p_unchanged"].between(0, 1).all()


def test_equal_curves_are_called_changed_hardly_ever() -> None:
    """Null studies: 160 comparisons of curves with one law; at most 2 % may be called changed."""
    verdicts = []
    for seed in range(40):
        table = invariance_table(rotation_study(seeds=3, noise=0.08, seed=seed))
        null = (table["reference"] == "plain trivial") | (table["model"] == "fcn")
        verdicts += table.loc[null, "verdict"].tolist()
    assert len(verdicts) == 160
    assert np.mean([v == "changed" for v in verdicts]) <= 0.02
    assert np.mean([v == "unchanged" for v in verdicts]) > 0.3


@pytest.mark.parametrize("seeds", [3, 4])
def test_noise_that_nested_training_sets_share_changes_no_curve(seeds: int) -> None:
    """Null studies as above, noise correlated along n: 160 comparisons, at most 2 % may be called changed."""
    verdicts = []
    for seed in range(40):
        curves = rotation_study(seeds=seeds, noise=0.2, seed=seed, nested=0.7)
        table = invariance_table(curves.select(data=["plain trivial", "plain o-cp"]))
        fcn = invariance_table(curves.select(model="fcn", data=["shifted trivial", "shifted o-cp"]))
        verdicts += [*table["verdict"], *fcn["verdict"]]
    assert len(verdicts) == 160
    assert np.mean([v == "changed" for v in verdicts]) <= 0.02


def test_level_and_bend_are_covered_however_sizes_go_together() -> None:
    """600 intervals of nominal 90 % each; errors that took the sizes for independent missed 16 % of bends."""
    rng, sizes = np.random.default_rng(0), 2 ** np.arange(5, 11)
    share = np.tril(0.5 ** np.subtract.outer(np.arange(6), np.arange(6))) * np.r_[1, np.full(5, 0.75**0.5)]
    missed = []
    for _ in range(600):
        value = 0.2 * rng.standard_normal((4, 6)) @ share.T
        rows = pd.DataFrame(
            {"seed": np.repeat(range(4), 6), "n_train": np.tile(sizes, 4), "ratio": value.ravel()}
        )
        found = summarise_ratios(rows, paired=True)
        reach = student.ppf(0.95, found.degrees)
        missed.append([abs(found.level) > reach * found.level_se, abs(found.bend) > reach * found.bend_se])
    assert (np.mean(missed, axis=0) < 0.14).all()


def test_identical_runs_are_certainly_unchanged() -> None:
    curves = rotation_study(seeds=2)
    one = curves.triplets[0]
    difference = compare_curves(curves, one, one)
    assert difference.level == 0
    assert difference.probability_equal() == pytest.approx(1)


def _pair_of_curves(ratio: np.ndarray, seeds: int, other_seeds: int = 0, seed: int = 0) -> LearningCurves:
    rng = np.random.default_rng(seed)
    sizes = 2 ** np.arange(5, 5 + len(ratio))
    rows = [
        {"data": d, "model": "m", "inference": "i", "n_train": n, "seed": s + other_seeds * (d == "b"),
         "value": n**-0.5 * (r if d == "b" else 1) * np.exp(0.02 * rng.standard_normal())}
        for d in "ab" for n, r in zip(sizes, ratio) for s in range(seeds)
    ]  # fmt: skip
    return LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))


def test_crossing_curves_are_not_equal() -> None:
    curves = _pair_of_curves(np.exp(np.linspace(-0.5, 0.5, 6)), seeds=3)
    difference = compare_curves(curves, Triplet("b", "m", "i"), Triplet("a", "m", "i"))
    assert abs(difference.level) < 0.05
    assert difference.bend == pytest.approx(0.5, abs=0.05)
    assert difference.probability_equal() < 0.01


@pytest.mark.parametrize("other_seeds", [0, 100])
def test_a_known_ratio_is_found_paired_and_unpaired(other_seeds: int) -> None:
    """20 intervals of nominal 90 %; fewer than 15 inside has probability 0.01 if they are just right."""
    held = []
    for seed in range(20):
        curves = _pair_of_curves(np.full(6, 1.5), seeds=4, other_seeds=other_seeds, seed=seed)
        difference = compare_curves(curves, Triplet("b", "m", "i"), Triplet("a", "m", "i"))
        ratio, low, high = difference.ratio()
        assert difference.paired == (other_seeds == 0)
        assert ratio == pytest.approx(1.5, abs=0.05)
        held.append(low < 1.5 < high)
    assert sum(held) >= 15


def test_single_runs_are_judged_by_their_scatter_around_a_line() -> None:
    curves = _pair_of_curves(np.full(6, 2.0), seeds=1)
    difference = compare_curves(curves, Triplet("b", "m", "i"), Triplet("a", "m", "i"))
    assert difference.degrees == 4
    assert difference.probability_equal() < 0.01


def test_references_are_found_by_label_and_can_be_given() -> None:
    curves = rotation_study(seeds=1)
    assert reference_data(curves) == {"plain o-cp": "plain trivial", "shifted o-cp": "shifted trivial"}
    given = reference_data(curves, {"plain o-cp": "shifted trivial"})
    assert given["plain o-cp"] == "shifted trivial"
    with pytest.raises(UnknownNameError, match="plain trivial"):
        reference_data(curves, {"plain o-cp": "plain"})


def test_doubtful_references_and_missing_transforms_are_errors() -> None:
    curves = rotation_study(seeds=1)
    with pytest.raises(InvalidInputError, match="say which by"):
        invariance_table(doubtful_study())
    plain = dataclasses.replace(curves, facts=curves.facts.assign(transform="trivial"))
    with pytest.raises(InvalidInputError, match="no data in these curves is a transform"):
        invariance_table(plain)


def test_a_label_that_begins_with_its_references_label_needs_no_help():
    names = {
        "plain trivial": "plain",
        "shifted trivial": "shifted",
        "plain o-cp": "plain, full rotation",
        "shifted o-cp": "shifted, full rotation",
    }
    curves = relabelled(rotation_study(seeds=1), names)
    curves.facts.loc[curves.facts["transform"] == "o-cp", "data_symmetry"] = "trivial"
    assert reference_data(curves) == {
        "plain, full rotation": "plain",
        "shifted, full rotation": "shifted",
    }
