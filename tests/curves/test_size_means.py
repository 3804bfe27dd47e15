"""Means over seeds that are known to different accuracy."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.bands import seed_means
from curvefit.fitting.bootstrap_fits import bootstrap
from curvefit.fitting.point_fits import point_fit

N = np.array([10, 100, 1_000, 10_000, 100_000])
LAW = 0.05 + 0.8 * (1 + N / 20) ** -0.5


def seeds_of(values, errors):
    rows = [
        pd.DataFrame({"n_train": N, "seed": seed, "value": value, "value_se": error})
        for seed, (value, error) in enumerate(zip(values, errors))
    ]
    return LearningCurves.from_frame(pd.concat(rows), metric="loss", training_sets="independent")


def test_a_vague_seed_moves_a_sure_one_by_little():
    curves = seeds_of([LAW, LAW + 0.1], [0.001, 0.2])
    means = curves.means()
    np.testing.assert_allclose(means["value"], LAW, atol=1e-5)
    np.testing.assert_allclose(means["value_se"], 0.001, rtol=1e-3)
    assert point_fit(curves).fits[0].floor == pytest.approx(0.05, abs=1e-3)


@pytest.mark.parametrize("between", [0.0, 0.1])
def test_weights_are_those_of_dersimonian_and_laird(between):
    rng = np.random.default_rng(3)
    errors = np.array([0.01, 0.03, 0.06, 0.02])
    values = 1 + LAW + rng.normal(0, np.hypot(errors, between)[:, None], (4, len(N)))
    means = seeds_of(values, errors).means()
    for k, row in enumerate(means.itertuples()):
        with np.errstate(invalid="ignore"):  # it leaves a negative variance between runs as it is
            found = combine_effects(values[:, k], errors**2, method_re="dl")
        mean, sd = (
            (found.mean_effect_re, found.sd_eff_w_re)
            if found.tau2 > 0
            else (found.mean_effect_fe, found.sd_eff_w_fe)
        )
        assert row.value == pytest.approx(mean, rel=1e-9)
        assert row.value_se >= sd * (1 - 1e-9)


def test_runs_known_alike_count_alike():
    values = [LAW, LAW + 0.02, LAW - 0.01]
    np.testing.assert_allclose(seeds_of(values, [0.03] * 3).means()["value"], np.mean(values, axis=0))


def test_counts_on_test_sets_of_different_sizes_are_pooled_where_seeds_do_not_differ():
    tests = np.array([50, 50, 20_000])
    frame = pd.DataFrame(
        [
            {"n_train": n, "seed": seed, "n_errors": round(error * m), "n_test": m}
            for n, error in zip(N, LAW)
            for seed, m in enumerate(tests)
        ]
    )
    means = LearningCurves.from_frame(frame).means()
    np.testing.assert_allclose(means["value"], means["n_errors"] / means["n_test"], atol=1e-4)


def test_plots_and_bootstraps_take_the_mean_that_fits_take():
    rng = np.random.default_rng(5)
    errors = np.array([0.002] * 6 + [0.2] * 3)
    values = 1 + LAW + rng.normal(0, errors[:, None], (9, len(N)))
    sure, all_of_them = seeds_of(values[:6], errors[:6]), seeds_of(values, errors)
    np.testing.assert_allclose(seed_means(all_of_them.usable)["error"], all_of_them.means()["value"])
    reach, of_sure = (
        bootstrap(curves, replicates=60).eval("exponent_high / exponent_low").item()
        for curves in (all_of_them, sure)
    )
    assert reach < 2 * of_sure


def test_a_curve_has_one_chance_level():
    frame = pd.DataFrame({"n_train": N, "error": LAW, "chance_error": [0.9, 0.9, 0.5, 0.5, 0.5]})
    with pytest.raises(InvalidInputError, match=r"data \| model \| inference is 0\.5 in some rows and 0\.9"):
        LearningCurves.from_frame(frame)
    once = LearningCurves.from_frame(frame.assign(chance_error=[0.9, None, None, None, None]))
    assert set(once.usable["chance_error"]) == {0.9}
    two = LearningCurves.from_frame(frame.assign(model=["a", "a", "b", "b", "b"]))
    assert set(two.usable["chance_error"]) == {0.9, 0.5}


def test_sizes_that_no_whole_number_holds_are_refused():
    frame = pd.DataFrame({"flops": 1e16 * N.astype(float), "loss": LAW})
    with pytest.raises(InvalidInputError, match=r"1e\+21, and sizes are whole numbers up to 4\.6e\+18"):
        LearningCurves.from_frame(frame, n_train="flops")
