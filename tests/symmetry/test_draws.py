"""Draws are uniform: Haar measure, determinant -1 included, or every element of a finite group equally often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp

from curvefit.seeding import seed_for
from curvefit.symmetry import GROUPS, get_group
from curvefit.symmetry.orthogonal import AbstractRotations, draw_haar

CONTINUOUS = [name for name, group in GROUPS.items() if issubclass(group, AbstractRotations)]
FINITE = [name for name in GROUPS.names() if name not in (*CONTINUOUS, "d4")]


@pytest.mark.parametrize(
    ("name", "shape"), [*((name, (1, 2, 2)) for name in FINITE), ("d4", (3, 3, 1)), ("flips", (2, 3, 2))]
)
def test_finite_groups_draw_every_element_equally_often(name, shape):
    """As many different draws as the order says, and chi-squared p above 1e-5 (the false-alarm rate)."""
    group, rng = get_group(name, shape=shape), np.random.default_rng(0)
    draws = [group.sample(rng) for _ in range(20 * group.order)]
    keys = [(draw.source * draw.signs + 0.5 * draw.signs).tobytes() for draw in draws]
    _, counts = np.unique(keys, return_counts=True)
    assert len(counts) == group.order
    assert group.order == 1 or chisquare(counts).pvalue > 1e-5


def moments(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.trace(matrices, axis1=1, axis2=2), np.linalg.det(matrices)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_rotations_are_drawn_from_haar_measure(name):
    """Of a block: trace has mean 0 and mean square 1, half the determinants are -1, and a fixed element times a
    draw is distributed as a draw. Limits of 4.5 standard errors, or p above 1e-5: false alarms below 1e-4."""
    group, rng = get_group(name, shape=(2, 2, 3)), np.random.default_rng(0)
    fixed, draws = group.sample(rng), [group.sample(rng) for _ in range(3000)]
    last = draws[0].blocks[-1]
    blocks = np.stack([draw.matrix()[np.ix_(last, last)] for draw in draws])
    moved = np.stack([fixed.after(draw).matrix()[np.ix_(last, last)] for draw in draws[1500:]])
    trace, determinant = moments(blocks)
    assert abs(trace.mean()) < 4.5 * trace.std() / 3000**0.5
    assert abs(np.mean(trace**2) - 1) < 4.5 * np.std(trace**2) / 3000**0.5
    assert abs(determinant.mean()) < 4.5 / 3000**0.5
    np.testing.assert_allclose(np.abs(determinant), 1)
    for first, second in zip(moments(blocks[:1500]), moments(moved)):
        assert ks_2samp(first.round(9), second.round(9), method="asymp").pvalue > 1e-5


def test_independent_blocks_are_independent():
    """Correlation of the traces of two pixels' rotations, limit 4.5 standard errors."""
    group, rng = get_group("o-c-per-pixel", shape=(1, 2, 3)), np.random.default_rng(0)
    traces = np.array([np.trace(group.sample(rng).matrices, axis1=1, axis2=2) for _ in range(2000)])
    assert abs(np.corrcoef(traces.T)[0, 1]) < 4.5 / 2000**0.5


def test_plain_qr_is_not_haar():
    """Negative control: without moving signs the trace is biased, and the moments above would say so."""
    trace, _ = moments(np.linalg.qr(np.random.default_rng(0).standard_normal((3000, 3, 3)))[0])
    assert abs(trace.mean()) > 4.5 * trace.std() / 3000**0.5
    trace, _ = moments(draw_haar(3000, 3, np.random.default_rng(0)))
    assert abs(trace.mean()) < 4.5 * trace.std() / 3000**0.5


def test_seeds_follow_values_not_types():
    assert seed_for(1, "a", (2, 3)) == seed_for(np.int64(1), "a", np.array([2, 3]))
    with pytest.raises(TypeError, match="a seed's path holds <object"):
        seed_for(object())
