"""Coordinates that follow the slowest one: an exact change of variables, learned from draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from curvefit.fitting.density import Density, round_along
from curvefit.fitting.density.leader import places, slowest, widths
from curvefit.fitting.density.stretch import normalising, stretched
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.ridge import DEGREE
from curvefit.fitting.sampling import Problem, sample
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.start import start_of_fit
from tests.calibration.scenarios import SCENARIOS, simulate


@lru_cache
def problem(likelihood: str = "logit-gaussian") -> Problem:
    curves = simulate(SCENARIOS["base"], 0, shape=(2, 2, 1), drop=0, n_sizes=5, seeds=2).curves
    settings = FitSettings(draws=400, tune=300)
    layout = lay_out(curves, family="power-law", likelihood=likelihood)
    hierarchy = build_hierarchy(layout, settings)
    return Problem(layout, hierarchy, start_of_fit(layout, hierarchy, settings), settings)


@lru_cache
def density(likelihood: str = "logit-gaussian") -> Density:
    given = problem(likelihood)
    return Density(given.layout, given.hierarchy, given.settings, given.start)


def bent_draws(of: Density, rng: np.random.Generator, name: str, bent: float = 1.0) -> tuple[np.ndarray, int]:
    """Draws around the start in which one coordinate is slow, and everything else follows it along a bent line."""
    size, leader = len(of.centre), int(of.positions(name)[0])
    draws = 0.05 * rng.normal(size=(2, 500, size))
    for t in range(1, 500):
        draws[:, t, leader] += 0.98 * draws[:, t - 1, leader]
    slow = draws[..., [leader]]
    others = np.arange(size) != leader
    draws[..., others] = draws[..., others] * np.exp(2.0 * slow) + bent * slow**2
    return of.centre + draws, leader


def test_the_slowest_coordinate_leads_and_the_others_become_straight():
    draws, leader = bent_draws(density(), np.random.default_rng(0), "mean_root_floor")
    found = slowest(density(), draws)
    assert found.position == leader
    x = draws.reshape(-1, draws.shape[2])
    level = found.level(x)
    place_of_level = places(found, x)
    place = level[:, None] ** np.arange(DEGREE + 1) @ place_of_level.T
    wide = np.exp(level[:, None] ** [0, 1] @ widths(found, x, place_of_level).T)
    u = np.delete((x - place) / wide, leader, axis=1)
    for values in (u, np.abs(u - u.mean(axis=0))):
        related = [abs(np.corrcoef(p, column)[0, 1]) for column in values.T for p in (level, level**2)]
        assert np.max(related) < 0.15
    assert np.corrcoef(level**2, x[:, 0])[0, 1] > 0.5


@pytest.mark.parametrize("likelihood", ["logit-gaussian", "beta-binomial"])
@pytest.mark.parametrize("name", ["mean_root_floor", "log_scale"])
@pytest.mark.parametrize("score", [-0.3, 1.7, 5.0])
def test_the_change_of_variables_is_exact(score, name, likelihood):
    """Inside the range of the draws that it was learned from, at its edge, and beyond it."""
    draws, leader = bent_draws(density(likelihood), np.random.default_rng(1), name, bent=0.3)
    native = round_along(density(likelihood), draws)
    assert native.coordinates.leader.position == leader
    y = 0.3 * np.random.default_rng(2).normal(size=draws.shape[2])
    y[leader] = score
    x, (value, slope) = native.at(y), native(y)
    assert (abs(native.coordinates.leader.level(x)) == 1.0) == (score > 3.0)
    moved = 1e-6 * np.eye(len(y))
    by_y = [(native.at(y + step) - native.at(y - step)) / 2e-6 for step in moved]
    assert value == pytest.approx(density(likelihood)(x)[0] + np.linalg.slogdet(by_y)[1], abs=1e-5)
    moved = 1e-5 * np.eye(len(y))
    slopes = [(native(y + step)[0] - native(y - step)[0]) / 2e-5 for step in moved]
    np.testing.assert_allclose(slope, slopes, rtol=1e-4, atol=1e-3)


def test_a_rerun_in_learned_coordinates_finds_the_same_posterior():
    first = sample(problem(), seed=0)
    again = sample(problem(), seed=1, earlier=first)
    assert again["unconstrained_posterior"]["x"].shape == first["unconstrained_posterior"]["x"].shape
    for name in ("theta", "mean", "log_noise", "bend"):
        one, other = (found["posterior"][name].values.reshape(1600, -1) for found in (first, again))
        apart = (one.mean(axis=0) - other.mean(axis=0)) / one.std(axis=0)
        assert np.abs(apart).max() < 0.35
        assert np.abs(np.log(one.std(axis=0) / other.std(axis=0))).max() < 0.35


@pytest.mark.parametrize("rare", [0.0, 0.03])
def test_a_normal_is_stretched_to_what_the_draws_are(rare):
    """Also to those that have a second, wider region of little mass far from the first."""
    rng = np.random.default_rng(0)
    draws = np.where(rng.uniform(size=20_000) < rare, rng.normal(-12.0, 3.0, 20_000), rng.normal(size=20_000))
    stretch = normalising(draws)

    def to_x(scores):
        return np.array([stretched.py_func(z, stretch.value, stretch.log_slope)[0] for z in scores])

    assert stats.ks_2samp(to_x(rng.normal(size=20_000)), draws).statistic < 0.05
    edge = np.linspace(-4.0, 4.0, 41)  # knots and ends among them
    slopes = [np.diff(to_x(edge + e)) for e in (0.0, 1e-9)]
    assert (slopes[0] > 0).all()
    np.testing.assert_allclose(*slopes, atol=1e-6)
