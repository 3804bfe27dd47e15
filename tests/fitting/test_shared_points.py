"""Shared test points: what runs scored on them have in common, in the noise, in intervals and in new runs."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import curvefit
from curvefit.curves import LearningCurves
from curvefit.fitting import CurveFit, forecast
from curvefit.fitting.criticism import check_predictions
from curvefit.fitting.layout import lay_out
from curvefit.fitting.noise import on_test_points, shared_shift
from curvefit.fitting.saved import load_fit
from tests.calibration.scenarios import SCENARIOS, simulate

LAST = 16384
#: Small, with hard test points: seeds agree by more than counting errors afresh would let them.
SCENARIO = replace(SCENARIOS["shared"], agreement=0.9)


@lru_cache
def fits() -> tuple[CurveFit, CurveFit]:
    """Return fits of one table of eight curves whose test points are shared, and said to be, or not said to be."""
    curves = simulate(SCENARIO, 1, shape=(2, 4, 1), drop=0).curves
    chosen = {"draws": 800, "cores": 2, "likelihood": "logit-gaussian"}
    unsaid = replace(curves, shared_test_set=None)
    return curvefit.fit(curves, **chosen), curvefit.fit(unsaid, **chosen)


def log_width(draws: np.ndarray) -> np.ndarray:
    low, high = np.quantile(np.log(draws), [0.05, 0.95], axis=0)
    return high - low


def test_shares_of_shared_points_are_the_rate_moved_with_the_correlation_that_was_asked():
    """Runs with binomial variance in all, half of it shared: as angles both parts are normal."""
    rng, rate, n_test, correlation = np.random.default_rng(0), 0.2, 2000, 0.5
    shift = shared_shift(np, rng.standard_normal(100_000), correlation, n_test)
    moved = on_test_points(np, np.full(shift.shape, rate), shift)
    assert moved.mean() == pytest.approx(rate, abs=1e-4)
    assert moved.var() == pytest.approx(correlation * rate * (1 - rate) / n_test, rel=0.02)


def test_intervals_of_curves_hold_the_test_points_that_could_have_been_drawn():
    said, unsaid = fits()
    wider, old = (log_width(fit.expected_error([LAST])[..., 0]) for fit in (said, unsaid))
    correlation = said.draws.posterior["test_correlation"].values.mean()
    assert correlation > 0.5
    error = unsaid.expected_error([LAST])[..., 0].mean(axis=0)
    sampling = 3.29 * np.sqrt(correlation * (1 - error) / (error * SCENARIO.n_test))
    # Narrower by what counting noise is no longer, wider by all of what the points share.
    assert (wider > 0.85 * sampling).all()
    assert np.median(wider / old) > 1.2


def test_curves_on_one_test_set_move_together():
    said, unsaid = fits()
    same = [t.data == said.triplets[0].data for t in said.triplets]
    angle = [np.arcsin(np.sqrt(fit.expected_error([LAST])[:, same, 0])) for fit in (said, unsaid)]
    together, apart = ((np.corrcoef(a.T).sum() - len(a.T)) / (len(a.T) * (len(a.T) - 1)) for a in angle)
    assert together > 0.4
    assert apart < 0.3
    differences = [np.std(a[:, 1:] - a[:, :1], axis=0) for a in angle]
    assert (differences[0] < 1.1 * differences[1]).all()


def test_errors_on_the_test_set_are_known_better_and_as_measured():
    said, _ = fits()
    anywhere, here = (said.expected_error([LAST], on_test_set=on)[..., 0] for on in (False, True))
    assert (log_width(here) < 0.8 * log_width(anywhere)).all()
    means = said.curves.means()
    seen = means[means["n_train"] == LAST].set_index(["data", "model", "inference"])["value"]
    low, high = np.quantile(here, [0.005, 0.995], axis=0)
    for i, triplet in enumerate(said.triplets):
        assert 0.95 * low[i] < seen[tuple(triplet)] < 1.05 * high[i]
    np.testing.assert_array_equal(
        said.expected_error([64, LAST], at=[5], on_test_set=True)[..., 1], here[:, [5]]
    )


def test_seeds_that_agree_are_no_surprise():
    """Seeds of the largest sizes lie nearer to each other than binomial counts would."""
    tables = [check_predictions(fit) for fit in fits()]
    said, unsaid = (table[table["n_train"] >= 2048]["p_spread"].mean() for table in tables)
    assert unsaid < 0.35 < said < 0.65


def test_new_runs_are_scored_on_the_points_that_those_seen_share():
    said, unsaid = fits()
    runs = [forecast(fit, [LAST], draws=1600) for fit in (said, unsaid)]
    spread = [np.sqrt(run.seed_draws[..., 0]).std(axis=0) for run in runs]  # some have no error
    assert (spread[0] < spread[1]).mean() > 0.8
    wider = log_width(runs[0].curve_draws[..., 0]) > log_width(runs[1].curve_draws[..., 0])
    assert wider.mean() > 0.8
    counts = runs[0].seed_draws[..., 0] * SCENARIO.n_test
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    assert any("new runs are scored on those that the runs seen share" in note for note in runs[0].notes)


def test_what_is_shared_is_said_once_it_is_known():
    said, unsaid = fits()
    assert any(note.startswith("runs share the test points of their data") for note in said.notes)
    assert not any("test points" in note for note in unsaid.notes)
    assert "test_shift" not in unsaid.draws.posterior
    assert unsaid.fresh_counting is None
    assert said.fresh_counting.shape == (said.n_draws,)
    frame = said.curves.usable[["data", "model", "inference", "n_train", "seed", "value", "chance_error"]]
    rates = LearningCurves.from_frame(frame, shared_test_set=True)
    uncounted = curvefit.fit(rates, method="approximate", likelihood="logit-gaussian")
    assert "all runs share their test points: intervals are for errors on those" in uncounted.notes
    assert "test_shift" not in uncounted.draws.posterior


def test_saved_fits_keep_their_test_sets(tmp_path):
    said, _ = fits()
    said.save(tmp_path / "fit")
    again = load_fit(tmp_path / "fit")
    for on in (False, True):
        np.testing.assert_array_equal(
            again.expected_error([LAST], on_test_set=on), said.expected_error([LAST], on_test_set=on)
        )
    np.testing.assert_array_equal(again.fresh_counting, said.fresh_counting)


def test_an_approximate_fit_takes_counting_noise_as_its_own_and_says_so():
    curves = simulate(SCENARIO, 1, shape=(2, 2, 1), drop=0).curves
    fit, unsaid = (
        curvefit.fit(replace(curves, shared_test_set=said), method="approximate") for said in (True, None)
    )
    assert "all runs share their test points: intervals are for errors on those" in fit.notes
    np.testing.assert_array_equal(fit.expected_error([64], on_test_set=True), unsaid.expected_error([64]))


def test_a_data_set_is_a_test_set_unless_runs_have_different_numbers_of_points():
    curves = simulate(SCENARIO, 1, shape=(3, 1, 1), drop=0, n_sizes=4).curves
    assert lay_out(curves, family="power-law").test_sets == ("d0", "d1", "d2")
    table = curves.table.assign(n_test=np.where(curves.table["seed"] == 0, 400.0, 300.0))
    mixed = lay_out(replace(curves, table=table), family="power-law")
    assert mixed.test_sets == ()
    assert any("different numbers of test points" in note for note in mixed.notes)


def test_counts_of_few_errors_keep_binomial_noise_and_say_so():
    """One curve down to a few errors in 200; beta-binomial."""
    n = np.array([64, 128, 256, 512, 1024, 2048])
    rng = np.random.default_rng(0)
    hard = np.sqrt(0.9) * rng.standard_normal(200)
    point = norm.cdf((norm.ppf(0.5 * (n / 64) ** -0.7)[:, None, None] + hard) / np.sqrt(0.1))
    wrong = (rng.random((len(n), 4, 200)) < point).sum(axis=-1)
    frame = pd.DataFrame(
        {"n": size, "seed": s, "n_errors": wrong[i, s], "n_test": 200}
        for i, size in enumerate(n) for s in range(4)
    )  # fmt: skip
    curves = LearningCurves.from_frame(frame, shared_test_set=True, training_sets="independent")
    fit = curvefit.fit(curves, likelihood="beta-binomial", draws=300, tune=300, chains=2, reruns=0)
    assert fit.fresh_counting is None
    anywhere, here = (fit.expected_error(n[-1:], on_test_set=on)[:, 0, 0] for on in (False, True))
    moved = np.arcsin(np.sqrt(here)) - np.arcsin(np.sqrt(anywhere))
    shift = fit.draws.posterior["test_shift"].values.ravel()
    ordinary = anywhere > 0.02  # where the angle does not turn back
    np.testing.assert_allclose(moved[ordinary], (shift * np.sqrt(0.5 / 800))[ordinary], atol=0.02)
    assert np.corrcoef(moved[ordinary], shift[ordinary])[0, 1] > 0.95
    assert any("a beta-binomial is never narrower than binomial" in note for note in fit.notes)
