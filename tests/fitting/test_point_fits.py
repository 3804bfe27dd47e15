"""Point fits recover what made the data, intervals contain it, and hopeless curves say so."""

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import (
    bootstrap,
    bootstrap_fits,
    log_regression,
    point_fit,
    point_fits,
    profile_interval,
)
from curvefit.fitting.forecast_shapes import get_shape
from curvefit.fitting.least_squares import least_squares
from curvefit.fitting.point_fits import fit_one
from curvefit.fitting.variable_projection import search
from curvefit.triplet import Triplet

N = 2.0 ** np.arange(4, 15)


def make(exponent=0.5, floor=0.03, noise=0.0, seeds=3, seed=0, chance_error=0.9, onset=60.0):
    rng = np.random.default_rng(seed)
    truth = floor + (0.9 - floor) * (1 + N / onset) ** -exponent
    value = truth * np.exp(noise * rng.standard_normal((seeds, len(N))))
    return LearningCurves.from_frame(
        [
            {"n": n, "seed": s, "error": value[s, i], "chance_error": chance_error}
            for s in range(seeds)
            for i, n in enumerate(N)
        ]
    )


@pytest.mark.parametrize("loss", ["linear", "huber", "soft-l1"])
def test_exact_curves_are_recovered(loss):
    fit = point_fit(make(), loss=loss).fits[0]
    assert fit.status == "ok"
    assert fit.exponent == pytest.approx(0.5, rel=0.02)
    assert fit.floor == pytest.approx(0.03, rel=0.1)
    assert fit.predict(1000)[0] == pytest.approx(0.03 + 0.87 * (1 + 1000 / 60) ** -0.5, rel=1e-3)


def test_a_chance_level_that_a_part_of_the_rows_lacks_is_that_of_the_curve():
    """As it is for `fit`: the level of a curve is the median of those that are given, not that of its smallest size."""
    curves = make()
    table = curves.table.assign(chance_error=curves.table["chance_error"].where(curves.table["n_train"] > 16))
    gaps = LearningCurves(table, curves.facts)
    triplet = curves.triplets[0]
    assert point_fit(gaps)[triplet] == point_fit(curves)[triplet]
    assert profile_interval(gaps, triplet) == profile_interval(curves, triplet)
    for alike in (log_regression, lambda c: bootstrap(c, replicates=3)):
        pd.testing.assert_frame_equal(alike(gaps), alike(curves))


def test_point_fits_of_a_frame_hold_its_curves(tmp_path):
    found = point_fit({"n": N, "error": 0.03 + 0.87 * (1 + N / 60) ** -0.5})
    assert isinstance(found.curves, LearningCurves)
    loaded = type(found).load(found.save(tmp_path / "points"))
    assert str(loaded) == str(found)
    assert loaded.summary().equals(found.summary())


def test_an_outlier_moves_the_robust_fit_less():
    curves = make()
    table = curves.table.copy()
    table.loc[table["n_train"] == 512, "value"] *= 2
    spoiled = LearningCurves(table, curves.facts)
    robust, plain = (
        abs(point_fit(spoiled, loss=loss).fits[0].exponent - 0.5) for loss in ("huber", "linear")
    )
    assert robust < 0.5 * plain


def test_hopeless_curves_say_so():
    short = LearningCurves.from_frame({"n": [16, 32], "error": [0.5, 0.4]})
    assert "2 sizes for 4 parameters" in point_fit(short).fits[0].status
    flat = LearningCurves.from_frame({"n": N, "error": np.full(len(N), 0.4)})
    assert np.isnan(point_fit(flat).fits[0].exponent)
    with pytest.raises(UnknownNameError, match="soft-l1"):
        point_fit(short, loss="soft_l2")


def test_profile_contains_the_truth_and_widens_with_noise():
    widths = []
    for noise in (0.01, 0.03):
        curves = make(noise=noise)
        low, high = profile_interval(curves, curves.triplets[0], probability=0.99)
        assert low < 0.5 < high
        widths.append(high - low)
    assert widths[0] < widths[1]


def test_a_known_chance_level_sharpens_the_exponent():
    """Forty curves that have left chance before the smallest size: without the level they scatter 1.9 times as much."""
    scatter = {}
    for level in (0.9, None):
        fits = [
            point_fit(
                make(0.4, 0.05, noise=0.03, seed=seed, chance_error=level, onset=10.0), loss="linear"
            ).fits[0]
            for seed in range(40)
        ]
        assert all(fit.status == "ok" for fit in fits)
        scatter[level] = np.sqrt(np.mean([np.log(fit.exponent / 0.4) ** 2 for fit in fits]))
    assert scatter[0.9] < 0.8 * scatter[None]
    assert fits[0].predict(1e-9)[0] != pytest.approx(0.9, abs=1e-3)
    anchored = point_fit(make(noise=0.03)).fits[0]
    assert anchored.predict(1e-9)[0] == pytest.approx(0.9)


def test_profile_intervals_cover_about_as_often_as_they_say():
    """Nominal 90 %: 15 or fewer of 24 would happen once in 170 tests at a true 85 %."""
    hits = 0
    for seed in range(24):
        curves = make(0.4, 0.05, noise=0.03, seed=seed, onset=30.0)
        low, high = profile_interval(curves, curves.triplets[0])
        hits += low <= 0.4 <= high
    assert hits > 15


def test_there_is_one_interval_of_the_power_law():
    curves = make(noise=0.03)
    n, value, se = (curves.means()[name].to_numpy(float) for name in ("n_train", "value", "value_se"))
    alone = least_squares(n, value, se, chance=0.9)
    assert profile_interval(curves, curves.triplets[0]) == (alone.lower, alone.upper)


@pytest.mark.parametrize("family", ["m4", "wbl4"])
def test_no_exponent_of_a_profile_is_searched_twice(family, monkeypatch):
    searched = []

    def counted(*args):
        searched.append(args[5].get("exponent"))
        return search(*args)

    monkeypatch.setattr(point_fits, "search", counted)
    curves = make(noise=0.03)
    low, high = profile_interval(curves, curves.triplets[0], family=family)
    assert low < point_fit(curves, family=family, loss="linear").fits[0].exponent < high
    assert len(searched) == len(set(searched)) + 1  # the fit itself, here and in the profile
    assert len(searched) < 25


@pytest.mark.parametrize("metric", ["loss", "mse"])
def test_losses_of_a_known_test_set_may_be_in_any_unit(metric):
    """Counting noise is that of error rates: one seed's loss on so many test points has no known standard error."""
    value = (0.03 + 0.87 * (1 + N / 60) ** -0.5) * np.exp(
        0.03 * np.random.default_rng(0).standard_normal(len(N))
    )
    found = []
    for unit in (0.1, 1.0, 10.0):
        curves = LearningCurves.from_frame({"n": N, "error": unit * value, "n_test": 1000}, metric=metric)
        assert curves.means()["value_se"].isna().all()
        fit = point_fit(curves).fits[0]
        found.append((fit.exponent, fit.floor / unit, *profile_interval(curves, curves.triplets[0])))
    np.testing.assert_allclose(found, [found[1]] * 3, rtol=1e-3)
    counted = LearningCurves.from_frame({"n": N, "error": value, "n_test": 1000}, metric="error-rate").means()
    np.testing.assert_allclose(counted["value_se"], np.sqrt(value * (1 - value) / 1000))


def test_a_profile_needs_more_sizes_than_parameters():
    short = LearningCurves.from_frame({"n": [16, 32, 64], "error": [0.5, 0.4, 0.35]}, chance_error=0.9)
    with pytest.raises(InvalidInputError, match="3 sizes for 3 parameters"):
        profile_interval(short, short.triplets[0])
    with pytest.raises(InvalidInputError, match="3 sizes for 4 parameters"):
        profile_interval(short, short.triplets[0], family="m4")
    with pytest.raises(InvalidInputError, match="'exponential' has no exponent"):
        profile_interval(make(), make().triplets[0], family="exponential")


def test_curves_that_do_not_fall_say_so():
    rising = LearningCurves.from_frame(
        {"n": N, "error": 0.5 + 0.02 * np.arange(len(N)) / len(N)}, chance_error=0.9
    )
    assert point_fit(rising).fits[0].status == "the error does not fall"
    with pytest.raises(UnknownNameError, match="data | model | inference"):
        profile_interval(rising, ("data", "model", "inferences"))


def test_a_curve_is_named_by_its_triplet_or_by_its_label():
    curves = make(noise=0.02)
    (triplet,) = curves.triplets
    found = point_fit(curves)
    assert found[str(triplet)] == found[triplet] == found[tuple(triplet)] == found.fits[0]
    assert profile_interval(curves, str(triplet)) == profile_interval(curves, triplet)
    for wrong in ("data | model | inferenze", ("data", "model")):
        with pytest.raises(UnknownNameError, match="unknown triplet 'data | model"):
            found[wrong]
        with pytest.raises(UnknownNameError, match="unknown triplet 'data | model"):
            profile_interval(curves, wrong)


def test_bootstraps():
    curves = make(noise=0.02, seeds=4)
    for kind in ("cluster", "wild"):
        row = bootstrap(curves, kind=kind, replicates=30).iloc[0]
        assert row["exponent_low"] < row["exponent"] < row["exponent_high"]
        assert row["exponent_high"] - row["exponent_low"] < 0.5
    with pytest.raises(InvalidInputError, match="use kind='wild'"):
        bootstrap(make(seeds=1), kind="cluster")


def test_refits_of_a_bootstrap_weigh_points_as_the_fit_does(monkeypatch):
    """With residuals as they were, each refit is the fit: seeds whose spread falls with n make weights matter."""

    class Unchanged:
        def choice(self, signs, size):
            return np.ones(size)

    rng = np.random.default_rng(0)
    law = 0.03 + 0.87 * (1 + N / 60) ** -0.5
    rows = [
        {"n": n, "seed": s, "error": e * np.exp(0.3 * n**-0.3 * rng.standard_normal()), "chance_error": 0.9}
        for s in range(4)
        for n, e in zip(N, law)
    ]
    monkeypatch.setattr(bootstrap_fits, "generator", lambda *_: Unchanged())
    row = bootstrap(LearningCurves.from_frame(rows), kind="wild", replicates=1).iloc[0]
    assert row["exponent_low"] == pytest.approx(row["exponent"], rel=1e-6)


@pytest.mark.parametrize("method", ["weighted", "robust", "binomial"])
def test_log_regressions_on_a_pure_power_law(method):
    rng = np.random.default_rng(1)
    n = 2 ** np.arange(6, 13)
    rows = [
        {"n": k, "seed": s, "n_errors": rng.binomial(20000, 2 * k**-0.4), "n_test": 20000}
        for k in n
        for s in (0, 1, 2)
    ]
    row = log_regression(LearningCurves.from_frame(rows), method=method, probability=0.999).iloc[0]
    assert row["exponent_low"] < 0.4 < row["exponent_high"]
    assert 0.0005 < row["exponent_se"] < 0.05


def test_a_regression_of_rising_errors_says_so():
    found = log_regression(LearningCurves.from_frame(RISING)).iloc[0]
    assert found["exponent"] < 0
    assert found["status"] == "the error does not fall"


def test_log_regression_needs_a_log_linear_range():
    curves = LearningCurves.from_frame(
        {"n": [16, 32, 64, 128], "error": [0.9, 0.89, 0.88, 0.5]}, chance_error=0.9
    )
    assert "in the log-linear range" in log_regression(curves).iloc[0]["status"]


RISING = {"n_train": [10, 100, 1000, 10_000, 100_000], "error": [0.1, 0.2, 0.3, 0.35, 0.4]}


@pytest.mark.parametrize(
    "curves",
    [
        LearningCurves.from_frame(RISING),
        LearningCurves.from_frame({"n": N, "error": 0.9 - 0.05 * N**-0.1}, chance_error=0.0),
        LearningCurves.from_frame({"n": N, "error": np.full(len(N), 0.4)}),
        LearningCurves.from_frame({"n": N[:2], "error": [0.5, 0.4]}),
    ],
    ids=["rising", "from a chance level of 0", "flat", "two sizes"],
)
def test_where_the_error_is_not_known_to_fall_no_estimate_is_a_number(curves):
    fitted = point_fit(curves)
    fit = fitted.fits[0]
    assert fit.status != "ok"
    assert np.isnan([fit.exponent, fit.floor, fit.height]).all()
    assert not fit.shape_values
    assert np.isfinite(fit.predict(1e6)).all()
    assert fitted.summary()[["exponent", "floor"]].isna().all(axis=None)
    assert f"{fit.status}; exponent and floor not known" in str(fitted)
    table = bootstrap(curves, kind="wild", replicates=3)
    assert table["status"].tolist() == [fit.status]
    assert table.filter(regex="exponent|floor").isna().all(axis=None)
    assert table["failed"].tolist() == [1.0]


def test_an_estimate_at_its_bound_says_so_and_has_no_ends():
    rows = [
        {"n": n, "seed": s, "error": 0.1 + 0.8 * np.exp(-n / (500 + s)), "chance_error": 0.9}
        for s in range(3)
        for n in N
    ]
    curves = LearningCurves.from_frame(rows)
    assert "exponent at its bound" in point_fit(curves).fits[0].status
    for kind in ("wild", "cluster"):
        row = bootstrap(curves, kind=kind, replicates=3).iloc[0]
        assert "exponent at its bound" in row["status"]
        assert row[["exponent_low", "exponent_high", "floor_low", "floor_high"]].isna().all()
    slow = LearningCurves.from_frame({"n": N, "error": 0.9 * (1 + N / 1e3) ** -0.012}, chance_error=0.9)
    assert "exponent at its lower bound" in point_fit(slow).fits[0].status


def test_refits_that_cannot_be_trusted_count_as_failed():
    curves = make(exponent=0.15, floor=0.0, noise=0.3, onset=2000.0)
    row = bootstrap(curves, kind="wild", replicates=40).iloc[0]
    assert row["status"] == "ok"
    assert 0 < row["failed"] < 1
    assert np.isfinite(row["exponent_high"])


def test_refits_start_from_the_estimate(monkeypatch):
    """One start each, and three more only where it leads to no good fit."""
    starts = []

    def counted(*args):
        starts.append(args[7])
        return search(*args)

    monkeypatch.setattr(point_fits, "search", counted)
    row = bootstrap(make(noise=0.02), kind="wild", replicates=20).iloc[0]
    assert row["failed"] == 0
    assert len(starts) == 21
    assert starts[1:] == [point_fit(make(noise=0.02)).fits[0].shape_values] * 20


def test_a_bootstrap_without_spare_sizes_says_so():
    short = LearningCurves.from_frame({"n": [16, 64, 256], "error": [0.7, 0.5, 0.35]}, chance_error=0.9)
    row = bootstrap(short, kind="wild", replicates=3).iloc[0]
    assert row["status"] == "no interval: 3 sizes for 3 parameters"
    assert np.isnan(row["exponent_low"])


def test_a_search_near_an_estimate_without_floor_finds_a_floor():
    """From floor 0 every step is uphill: residuals of the other sign have an optimum with a floor of .028."""
    shape, unknown = get_shape("power-law"), np.full(len(N), np.nan)
    value = 0.9 * (1 + N / 50) ** -0.35 * np.exp(0.04 * np.random.default_rng(17).standard_normal(len(N)))
    fit = fit_one(Triplet("d", "m", "i"), N, value, unknown, shape, chance=0.9)
    assert fit.floor == 0
    copy = 2 * fit.predict(N) - value
    found, usual = (
        fit_one(Triplet("d", "m", "i"), N, copy, unknown, shape, chance=0.9, near=near)
        for near in (fit.shape_values, None)
    )
    assert usual.floor > 0.02
    assert (found.exponent, found.floor) == pytest.approx((usual.exponent, usual.floor), rel=1e-3)


def test_intervals_of_losses_do_not_depend_on_their_unit():
    loss = np.exp(0.02 * np.random.default_rng(0).standard_normal(len(N))) * (0.1 + N**-0.5)
    rows = [
        bootstrap({"n": N, "loss": unit * loss}, kind="wild", replicates=5).iloc[0] for unit in (1.0, 1e-12)
    ]
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert rows[0]["exponent_low"] == pytest.approx(rows[1]["exponent_low"], rel=1e-4)
