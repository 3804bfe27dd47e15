"""Log densities of forecasts: counts by their probabilities, all else by a kernel, both in units of the error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, betabinom, binom, lognorm

import curvefit
from curvefit.curves import LearningCurves
from curvefit.fitting import Forecast, forecast
from curvefit.fitting.counted_runs import CountedRuns
from curvefit.triplet import Triplet

TEST = 2000


def made(rate: np.ndarray, *, n_test: int = TEST, counted: bool = True) -> Forecast:
    """Return a forecast of one curve at one size from draws of its runs' error rate."""
    rates = rate[:, None, None]
    runs = CountedRuns(rates, np.array([n_test]))
    seeds, counts = runs.draw([np.random.default_rng(0)]), runs if counted else None
    one = np.ones(1)
    return Forecast(
        (Triplet("d", "m", "i"),), one, rates, seeds, one, one, pd.DataFrame(), (), counts, first_n=one
    )


def density(predicted: Forecast, value: float, **kind: str) -> float:
    return float(predicted.log_density(np.full((1, 1), value), **kind)[0, 0])


@pytest.mark.parametrize("rate", [0.0005, 0.002, 0.01, 0.4])
def test_counts_have_the_binomial_density_zero_counts_too(rate):
    predicted = made(np.full(500, rate))
    for k in (0, 1, 2, 9, TEST):
        expected = binom.logpmf(k, TEST, rate) + np.log(TEST)
        assert density(predicted, k / TEST) == pytest.approx(expected, abs=1e-8)
    assert density(predicted, 1e-12) == pytest.approx(density(predicted, 0.0), abs=1e-6)
    assert density(predicted, 1.1) == density(predicted, -0.1) == -np.inf
    assert np.isnan(density(predicted, np.nan))


def test_uncertain_rates_average_probabilities():
    """Rates at evenly spaced quantiles of a beta: the counts are beta-binomial, and probabilities sum to one."""
    predicted = made(beta.ppf((np.arange(4000) + 0.5) / 4000, 2.0, 500.0), n_test=200)
    found = np.array([density(predicted, k / 200) for k in range(201)]) - np.log(200)
    np.testing.assert_allclose(found[:6], betabinom.logpmf(np.arange(6), 200, 2.0, 500.0), atol=1e-3)
    assert np.exp(found).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.002, 0.03, 0.4])
def test_counts_on_shared_points_are_drawn_from_their_density(rate):
    """Half of the binomial variance: probabilities sum to one, have that variance, and are those of the draws."""
    n_test, draws = 300, 40_000
    shares = np.full(draws, 0.5)
    runs = CountedRuns(np.full((draws, 1, 1), rate), np.array([n_test]), shares)
    one = CountedRuns(np.full((1, 1, 1), rate), np.array([n_test]), shares[:1])
    counts = np.arange(n_test + 1)
    mass = np.exp(one.log_density(counts[None] / n_test)[0]) / n_test
    assert mass.sum() == pytest.approx(1.0)
    if rate * n_test > 5:
        variance = mass @ (counts - mass @ counts) ** 2
        assert variance == pytest.approx(0.5 * n_test * rate * (1 - rate) + 1 / 12, rel=0.05)
    drawn = np.round(runs.draw([np.random.default_rng(0)])[:, 0, 0] * n_test).astype(int)
    found = np.bincount(drawn, minlength=n_test + 1) / draws
    assert (abs(found - mass) < 4.5 * np.sqrt(mass / draws) + 1e-4).all()
    assert one.log_density(np.array([[1.2]])) == -np.inf
    assert np.isfinite(one.log_density(np.array([[0.9]])))  # far out, but no less possible


def test_the_curve_itself_is_no_count():
    """2,000 draws of a log-normal curve: the kernel is near its density."""
    rate = lognorm.ppf((np.arange(2000) + 0.5) / 2000, 0.3, scale=0.02)
    found = density(made(rate), 0.02, kind="curve")
    assert found == pytest.approx(lognorm.logpdf(0.02, 0.3, scale=0.02), abs=0.05)
    assert density(made(rate), 0.0, kind="curve") == -np.inf


def test_draws_of_zero_do_not_widen_the_kernel_above_zero():
    """A tenth of the draws is 0: above it the density is nine tenths of that of the others."""
    rate = lognorm.ppf((np.arange(2000) + 0.5) / 2000, 0.3, scale=0.02)
    some = np.concatenate([np.zeros(222), rate])
    without, with_zeros = density(made(rate), 0.02, kind="curve"), density(made(some), 0.02, kind="curve")
    assert with_zeros - without == pytest.approx(np.log(0.9), abs=0.01)


def test_forecasts_of_counted_fits_know_the_density_of_no_error():
    """A ninth of 2,000 draws is 0: the log of their share has a standard error of 0.06, four of them are 0.25."""
    rng = np.random.default_rng(0)
    rows = [
        {"n": n, "seed": s, "n_errors": rng.binomial(500, 0.0005 + 0.03 * (1 + n / 60) ** -0.7), "n_test": 500,
         "model": m, "chance_error": 0.5}
        for n in 2.0 ** np.arange(4, 12) for s in range(3) for m in "ab"
    ]  # fmt: skip
    curves = LearningCurves.from_frame(rows, training_sets="independent")
    predicted = forecast(curvefit.fit(curves, method="approximate"), [8192.0], draws=2000)
    share = np.log((predicted.seed_draws[:, :, 0] == 0).mean(axis=0) * 500)
    np.testing.assert_allclose(predicted.log_density(0.0)[:, 0], share, rtol=0, atol=0.25)
    assert predicted.counts.n_test.tolist() == [500, 500]
