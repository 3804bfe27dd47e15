"""Coordinates that follow the slowest one: an exact change of variables, learned from draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from curvefit.fitting.density import Density, Preconditioned, learned
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.sampling import Problem, sample
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.start import start_of_fit
from tests.calibration.scenarios import SCENARIOS, simulate


@lru_cache
def problem() -> Problem:
    curves = simulate(SCENARIOS["base"], 0, shape=(2, 2, 1), drop=0, n_sizes=5, seeds=2).curves
    settings = FitSettings(draws=400, tune=300)
    layout = lay_out(curves, family="power-law", likelihood="logit-gaussian")
    hierarchy = build_hierarchy(layout, settings)
    return Problem(layout, hierarchy, start_of_fit(layout, hierarchy, settings), settings)


@lru_cache
def density() -> Density:
    given = problem()
    return Density(given.layout, given.hierarchy, given.settings, given.start)


def bent_draws(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Draws around the start in which the grand mean of floors is slow, and everything else follows it along a bent line."""
    size, leader = len(density().centre), int(density().positions("mean_root_floor")[0])
    draws = 0.05 * rng.normal(size=(2, 500, size))
    for t in range(1, 500):
        draws[:, t, leader] += 0.98 * draws[:, t - 1, leader]
    slow = draws[..., [leader]]
    others = np.arange(size) != leader
    draws[..., others] = draws[..., others] * np.exp(2.0 * slow) + slow**2
    return density().centre + draws, leader


def test_the_slowest_coordinate_leads_and_the_others_become_straight():
    draws, leader = bent_draws(np.random.default_rng(0))
    found = learned(density(), draws)
    assert found.leader == leader
    np.testing.assert_allclose(found.to_x(found.to_u(draws)), draws)
    np.testing.assert_array_equal(found.to_u(draws)[..., leader], draws[..., leader])
    u = found.to_u(draws).reshape(-1, draws.shape[2])
    slow = u[:, leader] - u[:, leader].mean()
    for values in (u, np.abs(u - u.mean(axis=0))):
        related = [
            abs(np.corrcoef(powers, column)[0, 1]) for column in values.T for powers in (slow, slow**2)
        ]
        other = np.repeat(np.arange(u.shape[1]) != leader, 2)
        assert np.max(np.array(related)[other]) < 0.15
    before = np.corrcoef((draws[..., leader].ravel() - draws[..., leader].mean()) ** 2, draws[..., 0].ravel())
    assert before[0, 1] > 0.5


@pytest.mark.parametrize("apart", [0.0, 3.0])
def test_the_change_of_variables_is_exact(apart):
    """Inside the range of the draws that it was learned from, and beyond it."""
    draws, leader = bent_draws(np.random.default_rng(1))
    following = learned(density(), draws)
    native = Preconditioned(density(), draws[0, ::100], following)
    y = 0.3 * np.random.default_rng(2).normal(size=draws.shape[2])
    away = following.to_u(native.at(y))
    away[leader] += apart
    y = np.linalg.lstsq(native._to_u.toarray(), away - native._middle, rcond=None)[0]
    x, value_and_slope = native.at(y), native(y)
    level = np.clip((away[leader] - following.centre) / following.width, -1.0, 1.0)
    assert (abs(level) == 1.0) == (apart > 0)
    volume = (level ** np.arange(following.log_factor.shape[1]) @ following.log_factor.T).sum()
    assert value_and_slope[0] == pytest.approx(density()(x)[0] + volume)
    step = 1e-5
    slopes = [(native(y + step * e)[0] - native(y - step * e)[0]) / (2 * step) for e in np.eye(len(y))]
    np.testing.assert_allclose(value_and_slope[1], slopes, rtol=1e-4, atol=1e-3)


def test_a_rerun_in_learned_coordinates_finds_the_same_posterior():
    first = sample(problem(), seed=0)
    again = sample(problem(), seed=1, earlier=first)
    assert again["unconstrained_posterior"]["x"].shape == first["unconstrained_posterior"]["x"].shape
    for name in ("theta", "mean", "log_noise", "bend"):
        one, other = (found["posterior"][name].values.reshape(1600, -1) for found in (first, again))
        apart = (one.mean(axis=0) - other.mean(axis=0)) / one.std(axis=0)
        assert np.abs(apart).max() < 0.35
        assert np.abs(np.log(one.std(axis=0) / other.std(axis=0))).max() < 0.35
