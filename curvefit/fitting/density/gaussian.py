"""The Gaussian likelihood with its derivatives: chains of sizes given their two predecessors (see `likelihoods.add_gaussian`)."""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.rows import LOG_2PI, compiled

_PAIRS = ((0, 1), (0, 2), (1, 2))


@compiled
def gaussian(cell, gap, mask, count, observed, cross, walked, mean, seed, counting, log_correlation, walk, to_mean, to_seed, to_counting):  # fmt: skip
    """Return the log likelihood and its derivatives by log correlation and log walk; add those by the cells' moments.

    Parameters
    ----------
    cell, gap, mask, count, observed, cross
        See the patterns of `Layout`.
    walked
        Doublings walked by the three cells and shared by pairs of them, shape (patterns, 6).
    mean, seed, counting
        Law, variance between seeds and from counting, per cell, on the likelihood's scale.
    log_correlation
        Log correlation of seed noise a doubling; -inf for none.
    walk
        Step of the walk a doubling; 0 for none.
    to_mean, to_seed, to_counting
        Written: derivatives by the three before.
    """
    total, to_correlation, to_step = 0.0, 0.0, 0.0
    correlated, square = log_correlation > -np.inf, walk * walk
    one, between, rest, to_rest = np.empty(3), np.zeros(3), np.empty(3), np.empty(3)
    averaged, joint, to_one, to_between = np.empty(3), np.zeros(3), np.empty(3), np.empty(3)
    to_averaged, to_joint = np.empty(3), np.empty(3)
    for p in range(len(cell)):
        runs = count[p, 0]
        for a in range(3):
            at = cell[p, a]
            one[a] = seed[at] + counting[at]
            rest[a] = observed[p, a] - mean[at]
            to_one[a] = to_between[a] = to_rest[a] = 0.0
        w1, w2, scatter, squares = 0.0, 0.0, one[0], cross[p, 0]
        if correlated:
            for k in range(3):
                a, b = _PAIRS[k]
                between[k] = 0.0
                if mask[p, b - 1] > 0:
                    between[k] = math.sqrt(seed[cell[p, a]] * seed[cell[p, b]]) * math.exp(
                        gap[p, k] * log_correlation
                    )
            w1, w2, scatter = _conditional(one, between)
            squares += w1 * w1 * cross[p, 1] + w2 * w2 * cross[p, 2]
            squares += 2.0 * (w1 * w2 * cross[p, 5] - w1 * cross[p, 3] - w2 * cross[p, 4])
        total -= 0.5 * ((runs - 1.0) * (LOG_2PI + math.log(scatter)) + squares / scatter)
        to_scatter = -0.5 * ((runs - 1.0) - squares / scatter) / scatter
        to_w1 = to_w2 = 0.0
        if correlated:
            to_w1 = -(w1 * cross[p, 1] - cross[p, 3] + w2 * cross[p, 5]) / scatter
            to_w2 = -(w2 * cross[p, 2] - cross[p, 4] + w1 * cross[p, 5]) / scatter
        if square > 0:
            for a in range(3):
                averaged[a] = one[a] / count[p, a] + square * walked[p, a]
                joint[a] = between[a] / runs + square * walked[p, 3 + a]
                to_averaged[a] = to_joint[a] = 0.0
            v1, v2, own = _conditional(averaged, joint)
            apart = rest[0] - v1 * rest[1] - v2 * rest[2]
            to_own = -0.5 * (1.0 - apart * apart / own) / own
            to_apart = -apart / own
            _conditional_back(
                averaged,
                joint,
                v1,
                v2,
                -to_apart * rest[1],
                -to_apart * rest[2],
                to_own,
                to_averaged,
                to_joint,
            )
            for a in range(3):
                to_one[a] += to_averaged[a] / count[p, a]
                to_between[a] += to_joint[a] / runs
                to_step += 2.0 * square * (to_averaged[a] * walked[p, a] + to_joint[a] * walked[p, 3 + a])
        else:
            v1, v2, own = w1, w2, scatter / runs
            apart = rest[0] - v1 * rest[1] - v2 * rest[2]
            to_apart = -apart / own
            to_scatter -= 0.5 * (1.0 - apart * apart / own) / own / runs
            to_w1 -= to_apart * rest[1]
            to_w2 -= to_apart * rest[2]
        total -= 0.5 * (LOG_2PI + math.log(own * runs) + apart * apart / own)
        to_rest[0], to_rest[1], to_rest[2] = to_apart, -v1 * to_apart, -v2 * to_apart
        if correlated:
            _conditional_back(one, between, w1, w2, to_w1, to_w2, to_scatter, to_one, to_between)
            for k in range(3):
                a, b = cell[p, _PAIRS[k][0]], cell[p, _PAIRS[k][1]]
                back = to_between[k] * between[k]
                if back != 0.0:
                    to_seed[a] += 0.5 * back / seed[a]
                    to_seed[b] += 0.5 * back / seed[b]
                    to_correlation += back * gap[p, k]
        else:
            to_one[0] += to_scatter
        for a in range(3):
            to_mean[cell[p, a]] -= to_rest[a]
            to_seed[cell[p, a]] += to_one[a]
            to_counting[cell[p, a]] += to_one[a]
    return total, to_correlation, to_step


@compiled
def _conditional(variance, between):
    """Return the weights of two predecessors and the variance that they leave."""
    determinant = variance[1] * variance[2] - between[2] ** 2
    w1 = (between[0] * variance[2] - between[1] * between[2]) / determinant
    w2 = (between[1] * variance[1] - between[0] * between[2]) / determinant
    return w1, w2, variance[0] - w1 * between[0] - w2 * between[1]


@compiled
def _conditional_back(variance, between, w1, w2, to_w1, to_w2, to_left, to_variance, to_between):
    """Add the derivatives of `_conditional`."""
    determinant = variance[1] * variance[2] - between[2] ** 2
    to_w1, to_w2 = (to_w1 - to_left * between[0]) / determinant, (to_w2 - to_left * between[1]) / determinant
    to_determinant = -(to_w1 * w1 + to_w2 * w2)
    to_variance[0] += to_left
    to_variance[1] += to_w2 * between[1] + to_determinant * variance[2]
    to_variance[2] += to_w1 * between[0] + to_determinant * variance[1]
    to_between[0] += to_w1 * variance[2] - to_w2 * between[2] - to_left * w1
    to_between[1] += to_w2 * variance[1] - to_w1 * between[2] - to_left * w2
    to_between[2] -= to_w1 * between[1] + to_w2 * between[0] + 2.0 * between[2] * to_determinant
