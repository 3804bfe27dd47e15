"""The walk beyond the data: one function of n whatever is asked, with a walk's variance at every size."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.fitting.discrepancy import walk_ahead, walk_at
from curvefit.seeding import generator

SIZES = np.array([16.0, 64.0, 256.0])
WALK = np.random.default_rng(0).normal(size=(5, 2, 3))
STEP = np.linspace(0.1, 0.5, 5)


def at(*n: float) -> np.ndarray:
    """Return walks of two curves at sizes `n`, from the same random numbers at every call."""
    streams = [generator(0, "walk", curve) for curve in "ab"]
    return walk_at(np.array(n), SIZES, WALK, STEP, np.array([256.0, 256.0]), streams)


class Unit:
    """A stream whose numbers are 1 in turn, each in a draw of its own: sums over draws are then covariances."""

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.eye(shape[-1])[: np.prod(shape[:-1])].reshape(shape)


def test_the_walk_at_a_size_does_not_depend_on_the_other_sizes_asked():
    alone = at(8192.0)[..., 0]
    for others in ([4096.0], [300.0, 1e6], [16.0, 8193.0, 8191.0]):
        np.testing.assert_array_equal(at(*others, 8192.0)[..., -1], alone)
        np.testing.assert_array_equal(at(8192.0, *others)[..., 0], alone)


def test_inside_the_data_it_is_interpolated_and_it_leaves_the_last_size_without_a_jump():
    np.testing.assert_allclose(at(32.0)[..., 0], WALK[..., :2].mean(axis=-1))
    np.testing.assert_allclose(at(8.0, 256.0), WALK[..., [0, 2]])
    np.testing.assert_allclose(at(256.0 * (1 + 1e-12))[..., 0], WALK[..., 2], atol=1e-5)
    doubling = at(1024.0 * (1 - 1e-12), 1024.0)
    np.testing.assert_allclose(doubling[..., 0], doubling[..., 1], atol=1e-5)


def test_beyond_its_own_end_a_curve_walks_on_whatever_sizes_others_have():
    ends, ahead = np.array([64.0, 256.0]), np.array([64.0, 128.0, 256.0, 512.0])

    def walked(walk: np.ndarray) -> np.ndarray:
        streams = [generator(0, "walk", curve) for curve in "ab"]
        return walk_at(ahead, SIZES, walk, STEP, ends, streams)

    elsewhere = WALK.copy()
    elsewhere[:, 0, 2] = 1e3
    np.testing.assert_array_equal(walked(WALK), walked(elsewhere))
    stream = generator(0, "walk", "a")
    expected = WALK[:, 0, [1]] + STEP[:, None] * walk_ahead(np.arange(4.0), 5, stream)
    np.testing.assert_allclose(walked(WALK)[:, 0], expected, rtol=1e-12)


def test_variances_are_a_walks_at_every_size_and_so_are_covariances_from_doubling_to_doubling():
    where = np.array([0.0, 0.01, 0.5, 0.9, 1.0, 1.3, 2.0, 3.75, 7.5])
    walk = walk_ahead(where, 40, Unit())
    covariance, expected = walk.T @ walk, np.minimum.outer(where, where)
    np.testing.assert_allclose(np.diagonal(covariance), where, atol=1e-12)
    apart = np.not_equal.outer(np.floor(where), np.floor(where))
    np.testing.assert_allclose(covariance[apart], expected[apart], atol=1e-12)


def test_steps_are_normal_and_as_large_as_said():
    """20,000 draws: the standard error of a variance is 1 %; false alarms below 1 in 10,000 (four standard errors)."""
    walk = walk_ahead(np.array([0.4, 2.7]), 20_000, np.random.default_rng(1))
    assert walk.var(axis=0) / [0.4, 2.7] == pytest.approx(1.0, abs=0.04)
    assert abs((walk**4).mean(axis=0) / walk.var(axis=0) ** 2 - 3).max() < 0.14
