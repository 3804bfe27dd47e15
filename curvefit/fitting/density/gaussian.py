"""The Gaussian likelihood with its derivatives: chains of sizes given their two predecessors (see `likelihoods.add_gaussian`)."""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.scalars import LOG_2PI, compiled


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
    for p in range(len(cell)):
        i, j, k = cell[p, 0], cell[p, 1], cell[p, 2]
        runs = count[p, 0]
        one0, one1, one2 = seed[i] + counting[i], seed[j] + counting[j], seed[k] + counting[k]
        rest0, rest1, rest2 = observed[p, 0] - mean[i], observed[p, 1] - mean[j], observed[p, 2] - mean[k]
        w1, w2, scatter, squares = 0.0, 0.0, one0, cross[p, 0]
        b01 = b02 = b12 = 0.0  # covariances between the cells of one seed
        if correlated and mask[p, 0] > 0:
            b01 = math.sqrt(seed[i] * seed[j]) * math.exp(gap[p, 0] * log_correlation)
            if mask[p, 1] > 0:
                b02 = math.sqrt(seed[i] * seed[k]) * math.exp(gap[p, 1] * log_correlation)
                b12 = math.sqrt(seed[j] * seed[k]) * math.exp(gap[p, 2] * log_correlation)
            w1, w2, scatter = _conditional(one0, one1, one2, b01, b02, b12)
            squares += w1 * w1 * cross[p, 1] + w2 * w2 * cross[p, 2]
            squares += 2.0 * (w1 * w2 * cross[p, 5] - w1 * cross[p, 3] - w2 * cross[p, 4])
        per_scatter = 1.0 / scatter
        total -= 0.5 * ((runs - 1.0) * (LOG_2PI + math.log(scatter)) + squares * per_scatter)
        to_scatter = -0.5 * ((runs - 1.0) - squares * per_scatter) * per_scatter
        to_w1 = -(w1 * cross[p, 1] - cross[p, 3] + w2 * cross[p, 5]) * per_scatter
        to_w2 = -(w2 * cross[p, 2] - cross[p, 4] + w1 * cross[p, 5]) * per_scatter
        to0 = to1 = to2 = to01 = to02 = to12 = 0.0  # derivatives by variances and covariances of one seed
        if square > 0:
            c0, c1, c2 = count[p, 0], count[p, 1], count[p, 2]
            m0, m1, m2 = (
                one0 / c0 + square * walked[p, 0],
                one1 / c1 + square * walked[p, 1],
                one2 / c2 + square * walked[p, 2],
            )
            m01, m02, m12 = (
                b01 / c0 + square * walked[p, 3],
                b02 / c0 + square * walked[p, 4],
                b12 / c0 + square * walked[p, 5],
            )
            v1, v2, own = _conditional(m0, m1, m2, m01, m02, m12)
            apart = rest0 - v1 * rest1 - v2 * rest2
            to_apart = -apart / own
            to_own = -0.5 * (1.0 + apart * to_apart) / own
            g0, g1, g2, g01, g02, g12 = _conditional_back(
                m1, m2, m01, m02, m12, v1, v2, -to_apart * rest1, -to_apart * rest2, to_own
            )
            to0, to1, to2, to01, to02, to12 = g0 / c0, g1 / c1, g2 / c2, g01 / c0, g02 / c0, g12 / c0
            to_step += 2.0 * square * (
                g0 * walked[p, 0] + g1 * walked[p, 1] + g2 * walked[p, 2]
                + g01 * walked[p, 3] + g02 * walked[p, 4] + g12 * walked[p, 5]
            )  # fmt: skip
        else:
            v1, v2, own = w1, w2, scatter / runs
            apart = rest0 - v1 * rest1 - v2 * rest2
            to_apart = -apart / own
            to_scatter -= 0.5 * (1.0 + apart * to_apart) * per_scatter
            to_w1 -= to_apart * rest1
            to_w2 -= to_apart * rest2
        total -= 0.5 * (LOG_2PI + math.log(own * runs) - apart * to_apart)
        if b01 > 0:
            g0, g1, g2, g01, g02, g12 = _conditional_back(
                one1, one2, b01, b02, b12, w1, w2, to_w1, to_w2, to_scatter
            )
            to0, to1, to2 = to0 + g0, to1 + g1, to2 + g2
            back01, back02, back12 = (to01 + g01) * b01, (to02 + g02) * b02, (to12 + g12) * b12
            to_seed[i] += 0.5 * (back01 + back02) / seed[i]
            to_seed[j] += 0.5 * (back01 + back12) / seed[j]
            to_seed[k] += 0.5 * (back02 + back12) / seed[k]
            to_correlation += back01 * gap[p, 0] + back02 * gap[p, 1] + back12 * gap[p, 2]
        else:
            to0 += to_scatter
        to_mean[i] -= to_apart
        to_mean[j] += v1 * to_apart
        to_mean[k] += v2 * to_apart
        to_seed[i] += to0
        to_seed[j] += to1
        to_seed[k] += to2
        to_counting[i] += to0
        to_counting[j] += to1
        to_counting[k] += to2
    return total, to_correlation, to_step


@compiled
def _conditional(v0, v1, v2, c01, c02, c12):
    """Return the weights of two predecessors and the variance that they leave, from variances and covariances."""
    per_determinant = 1.0 / (v1 * v2 - c12 * c12)
    w1, w2 = (c01 * v2 - c02 * c12) * per_determinant, (c02 * v1 - c01 * c12) * per_determinant
    return w1, w2, v0 - w1 * c01 - w2 * c02


@compiled
def _conditional_back(v1, v2, c01, c02, c12, w1, w2, to_w1, to_w2, to_left):
    """Return derivatives by v0, v1, v2, c01, c02, c12, given those by what `_conditional` returns."""
    per_determinant = 1.0 / (v1 * v2 - c12 * c12)
    to_w1, to_w2 = (to_w1 - to_left * c01) * per_determinant, (to_w2 - to_left * c02) * per_determinant
    to_determinant = -(to_w1 * w1 + to_w2 * w2)
    return (
        to_left,
        to_w2 * c02 + to_determinant * v2,
        to_w1 * c01 + to_determinant * v1,
        to_w1 * v2 - to_w2 * c12 - to_left * w1,
        to_w2 * v1 - to_w1 * c12 - to_left * w2,
        -(to_w1 * c02 + to_w2 * c01 + 2.0 * c12 * to_determinant),
    )
