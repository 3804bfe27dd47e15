"""The bend: pieces of log n, the sizes at which the law is read."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from curvefit.fitting.bend import bend_edges, bend_notes, bent_size, bent_sizes_at, doublings_in_pieces


def read_at(n, edges, bend):
    return bent_size(np, np.log(n), doublings_in_pieces(n, edges), np.asarray(bend, float))


def test_pieces_are_alike_and_at_least_two_doublings_wide():
    np.testing.assert_allclose(bend_edges(np.array([16.0, 16384.0]), 4), [16384, 4096, 1024, 256, 64])
    edges = bend_edges(np.array([16.0, 3888.0]), 4)
    assert len(edges) == 3
    np.testing.assert_allclose(edges[:-1] / edges[1:], (3888 / 16) ** (1 / 3))


def test_sizes_over_less_than_two_pieces_have_no_bend():
    edges = bend_edges(np.array([64.0, 900.0]), 4)
    assert len(edges) == 1
    assert doublings_in_pieces(np.array([64.0, 900.0]), edges).shape == (2, 0)


def test_three_curves_have_no_bend():
    assert len(bend_edges(np.array([16.0, 16384.0]), 3)) == 1


def test_doublings_are_counted_piece_by_piece():
    found = doublings_in_pieces(np.array([4.0, 16.0, 128.0, 512.0]), np.array([1024.0, 256.0, 64.0]))
    np.testing.assert_allclose(found, [[2, 4], [2, 2], [1, 0], [0, 0]])  # the last piece has no lower end


def test_local_exponents_are_multiplied_by_exp_of_the_bend():
    edges, bend = bend_edges(np.array([16.0, 16384.0]), 4), np.array([0.1, -0.3, -0.7, 0.2])

    def local(n):
        at = read_at(np.array([n, 1.01 * n]), edges, bend)
        return -np.diff(np.log(at**-0.5))[0] / np.log(1.01)

    for n, factor in ((10_000, 0.0), (2000, 0.1), (500, -0.3), (100, -0.7), (20, 0.2)):
        assert local(n) == pytest.approx(0.5 * np.exp(factor), rel=1e-6)


def test_draws_inside_the_data_are_read_without_chance():
    edges = bend_edges(np.array([16.0, 16384.0]), 4)
    bend = np.random.default_rng(0).normal(0, 0.2, (5, 4))
    n = np.array([10.0, 16.0, 100.0, 16384.0])
    found = bent_sizes_at(n, edges, bend, 0.05, np.random.default_rng(1))
    for d in range(5):
        np.testing.assert_allclose(found[d], read_at(n, edges, bend[d]))
    np.testing.assert_allclose(found[:, -1], 16384.0)


def beyond(bend, *n):
    """Doublings beyond the largest size at which the law is read, shape (draws, len(n))."""
    edges = bend_edges(np.array([16.0, 16384.0]), 4)
    return np.log2(bent_sizes_at(np.array(n, float), edges, bend, 0.05, np.random.default_rng(1)) / 16384)


def test_the_bend_goes_on_beyond_the_data_alike_whatever_sizes_are_asked():
    bend = np.zeros((50, 4))
    far = beyond(bend, 32768, 2.0**20)
    np.testing.assert_allclose(far[:, 0], beyond(bend, 32768)[:, 0])
    np.testing.assert_allclose(far[:, 1], beyond(bend, 2.0**20, 100)[:, 0])


@pytest.mark.parametrize("steps", [(0.0, 0.0, 0.0, 0.0), (0.0, -0.3, -0.3, 0.1)])
def test_changes_beyond_are_of_the_size_of_those_seen(steps):
    bend = np.tile(np.cumsum(steps), (20_000, 1))
    change = np.log(beyond(bend, 32768)[:, 0])  # one doubling in the first piece beyond
    size = np.sqrt((4 * 0.05**2 * 2.0 + np.square(steps).sum()) / 8)
    expected = stats.t(4, scale=size).ppf([0.1, 0.5, 0.9])
    np.testing.assert_allclose(np.quantile(change, [0.1, 0.5, 0.9]), expected, atol=0.03 * expected[2])


def test_it_drifts_faster_than_a_walk():
    spread = [np.std(beyond(np.zeros((4000, 4)), 16384 * 2.0**k)) / k for k in (2, 6)]
    assert spread[1] > spread[0]


def test_a_bend_that_is_sure_is_said():
    edges, rng = bend_edges(np.array([16.0, 16384.0]), 4), np.random.default_rng(0)
    straight = rng.normal(0.0, 0.05, (500, 4))
    assert bend_notes(edges, straight) == ()
    (note,) = bend_notes(edges, straight + np.array([0.0, -0.3, -0.7, -0.6]))
    assert "below n = 256 their exponents are 0.50 (0.4" in note
    assert "above n = 4,096" in note
