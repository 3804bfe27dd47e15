"""Point fits recover what made the data, intervals contain it, and hopeless curves say so."""

import numpy as np
import pytest

from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting.bnsl import BrokenFit, bnsl_fit
from curvefit.fitting.bootstrap_fits import bootstrap
from curvefit.fitting.point_fits import point_fit, profile_interval
from curvefit.fitting.published_estimators import PublishedFit, published_fit
from curvefit.fitting.robust_fits import log_regression

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


def test_curves_that_do_not_fall_say_so():
    rising = LearningCurves.from_frame(
        {"n": N, "error": 0.5 + 0.02 * np.arange(len(N)) / len(N)}, chance_error=0.9
    )
    assert point_fit(rising).fits[0].status == "the error does not fall"
    with pytest.raises(UnknownNameError, match="data | model | inference"):
        profile_interval(rising, ("data", "model", "inferences"))


def test_bootstraps():
    curves = make(noise=0.02, seeds=4)
    for kind in ("cluster", "wild"):
        row = bootstrap(curves, kind=kind, replicates=30).iloc[0]
        assert row["exponent_low"] < row["exponent"] < row["exponent_high"]
        assert row["exponent_high"] - row["exponent_low"] < 0.5
    with pytest.raises(InvalidInputError, match="use kind='wild'"):
        bootstrap(make(seeds=1), kind="cluster")


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


def test_log_regression_needs_a_log_linear_range():
    curves = LearningCurves.from_frame(
        {"n": [16, 32, 64, 128], "error": [0.9, 0.89, 0.88, 0.5]}, chance_error=0.9
    )
    assert "in the log-linear range" in log_regression(curves).iloc[0]["status"]


@pytest.mark.parametrize("name", ["m1", "m2", "m3", "m4"])
def test_published_estimators_interpolate_their_own_law(name):
    n = np.geomspace(1e6, 1e9, 20)
    made = {
        "m1": PublishedFit("m1", 20.0, 0.3),
        "m2": PublishedFit("m2", 20.0, 0.25, floor=0.1),
        "m3": PublishedFit("m3", 60.0, 0.3, gamma=2e-9),
        "m4": PublishedFit("m4", 300.0, 0.35, floor=0.05, ceiling=0.999, alpha=0.5),
    }[name]
    value = made.predict(n)
    found = published_fit(name, n, value).predict(n)
    assert np.sqrt(np.mean(np.log(found / value) ** 2)) < 0.03


def test_one_break_law_extrapolates_its_own_law():
    made = BrokenFit(0.05, 3.0, 0.1, 0.4, 1e4, 0.5)
    n = np.geomspace(1e2, 1e6, 30)
    found = bnsl_fit(n, made.predict(n))
    np.testing.assert_allclose(found.predict(np.array([4e6])), made.predict(np.array([4e6])), rtol=0.02)
    with pytest.raises(InvalidInputError, match="six or more"):
        bnsl_fit(n[:5], made.predict(n[:5]))


def test_published_estimators_are_checked():
    with pytest.raises(UnknownNameError, match="m4"):
        published_fit("m5", N, 1 / N)
    with pytest.raises(InvalidInputError):
        published_fit("m1", N, -N)


def _runs(noise: float, seed: int = 0):
    """Simulated runs around the published surface: floor 1.82, A 482, B 2085, alpha .348, beta .366."""
    rng = np.random.default_rng(seed)
    parameters = np.exp(rng.uniform(np.log(5e7), np.log(1.6e10), 240))
    tokens = np.exp(rng.uniform(np.log(1e9), np.log(5e11), 240))
    loss = 1.82 + 482.0 * parameters**-0.348 + 2085.0 * tokens**-0.366
    return parameters, tokens, loss * np.exp(noise * rng.standard_t(3, size=240))


def test_a_loss_surface_without_noise_is_found_exactly():
    from curvefit.fitting import loss_surface_fit

    parameters, tokens, loss = _runs(0.0)
    found = loss_surface_fit(parameters, tokens, loss)
    assert (found.alpha, found.beta, found.floor) == pytest.approx((0.348, 0.366, 1.82), rel=1e-3)
    np.testing.assert_allclose(found.predict(parameters, tokens), loss, rtol=1e-4)


def test_bootstrap_intervals_of_a_loss_surface_hold_the_truth():
    from curvefit.fitting import loss_surface_fit

    held = []
    for seed in range(6):
        found = loss_surface_fit(*_runs(0.003, seed), replicates=40, seed=seed)
        held += [
            low <= truth <= high
            for (low, high), truth in (
                (found.interval("alpha"), 0.348),
                (found.interval("beta"), 0.366),
                (found.interval("floor"), 1.82),
            )
        ]
    assert np.mean(held) > 0.6  # 18 intervals at .90, correlated within a fit


def test_a_loss_surface_needs_variation():
    from curvefit.fitting import loss_surface_fit

    parameters, tokens, loss = _runs(0.0)
    with pytest.raises(InvalidInputError, match="different numbers of parameters"):
        loss_surface_fit(np.full_like(parameters, 1e9), tokens, loss)
    with pytest.raises(InvalidInputError, match="loss must be positive"):
        loss_surface_fit(parameters, tokens, -loss)
