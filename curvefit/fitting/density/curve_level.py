"""Curve level, forward and backward: from whitened coordinates to every row's parameters.

What `curvefit.fitting.whitening` says in pytensor, as loops with their derivatives written out.
"""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.scalars import compiled, level_at, normal, polynomial
from curvefit.fitting.ridge import DEGREE


@compiled
def all_but(pivot, size):
    """Return the numbers below `size` other than `pivot`."""
    found = np.empty(size - (pivot >= 0), np.int64)
    for i in range(len(found)):
        found[i] = i + (0 <= pivot <= i)
    return found


@compiled
def of_row(rate, by_mode, walk, known):
    """Fill what the data say about a row's parameters, whatever the mode (see `Ridge.at_walk`): information and score side by side."""
    known[:] = 0.0
    for m in range(len(rate)):
        certainty = 1.0 / (1.0 + rate[m] * walk * walk)
        for i in range(known.shape[0]):
            for j in range(known.shape[1]):
                known[i, j] += certainty * by_mode[m, i, j]


@compiled
def of_row_back(rate, by_mode, walk, to_known):
    """Return the derivative by the log of the walk, given those by what `of_row` fills."""
    to_log_walk = 0.0
    for m in range(len(rate)):
        certainty, back = 1.0 / (1.0 + rate[m] * walk * walk), 0.0
        for i in range(to_known.shape[0]):
            for j in range(to_known.shape[1]):
                back += to_known[i, j] * by_mode[m, i, j]
        to_log_walk -= 2.0 * back * certainty * (1.0 - certainty)
    return to_log_walk


@compiled
def curve_level(z, eta, sd, walk, rate, by_mode, centre, width, pivot, theta, known, factor, solved):
    """Fill every row's parameters `theta` from whitened coordinates; return their log prior density, Jacobian included.

    Parameters
    ----------
    z, eta
        Coordinates and expected parameters, shape (rows, parameters).
    sd
        Standard deviation of each parameter around eta, shape (parameters,).
    walk
        Step of the curves' walk.
    rate, centre, width, pivot
        See `Ridge`.
    by_mode
        Information and score of every mode side by side, shape (rows, modes, parameters, parameters + DEGREE + 1).
    theta, known, factor, solved
        Written: parameters; what the data say of them, shape as `by_mode` without the modes, Cholesky factors of the others, and
        their solved centres (kept for `curve_level_back`).
    """
    rows, n_own = z.shape
    log_density = 0.0
    others = all_but(pivot, n_own)
    size = len(others)
    total = np.empty(size)
    for r in range(rows):
        of_row(rate[r], by_mode[r], walk, known[r])
        table = known[r]
        at = 0.0
        if pivot >= 0:
            precision = 1.0 / sd[pivot] ** 2
            both = precision + table[pivot, pivot]
            theta[r, pivot] = (precision * eta[r, pivot] + table[pivot, n_own]) / both
            theta[r, pivot] += z[r, pivot] / math.sqrt(both)
            log_density -= 0.5 * math.log(both)
            at, _ = level_at(theta[r, pivot], centre[r], width[r])
        for i in range(size):
            a = others[i]
            for j in range(i + 1):
                value = table[a, others[j]]
                if i == j:
                    value += 1.0 / sd[a] ** 2
                for k in range(j):
                    value -= factor[r, i, k] * factor[r, j, k]
                factor[r, i, j] = math.sqrt(value) if i == j else value / factor[r, j, j]
            value = eta[r, a] / sd[a] ** 2
            value += polynomial(table[a], n_own, at)[0] if pivot >= 0 else table[a, n_own]
            for k in range(i):
                value -= factor[r, i, k] * solved[r, k]
            solved[r, i] = value / factor[r, i, i]
            total[i] = solved[r, i] + z[r, a]
            log_density -= math.log(factor[r, i, i])
        for i in range(size - 1, -1, -1):
            value = total[i]
            for k in range(i + 1, size):
                value -= factor[r, k, i] * theta[r, others[k]]
            theta[r, others[i]] = value / factor[r, i, i]
        for k in range(n_own):
            log_density += normal(theta[r, k] - eta[r, k], sd[k])
    return log_density


@compiled
def curve_level_back(z, eta, sd, walk, rate, by_mode, centre, width, pivot, theta, known, factor, solved, to_theta, to_z, to_eta, to_log_sd):  # fmt: skip
    """Add derivatives by coordinates, `eta` and log sd, given those of the log likelihood by `theta` (which are changed); return that by the log of the walk."""
    rows, n_own = z.shape
    others = all_but(pivot, n_own)
    size, to_log_walk = len(others), 0.0
    to_factor, to_total, to_value = np.empty((size, size)), np.empty(size), np.empty(size)
    to_table = np.zeros(by_mode.shape[2:])
    for r in range(rows):
        table = known[r]
        for k in range(n_own):
            apart = (theta[r, k] - eta[r, k]) / sd[k] ** 2
            to_theta[r, k] -= apart
            to_eta[r, k] += apart
            to_log_sd[k] += (theta[r, k] - eta[r, k]) * apart - 1.0
        lower = factor[r]
        for i in range(size):
            value = to_theta[r, others[i]]
            for k in range(i):
                value -= lower[i, k] * to_total[k]
            to_total[i] = value / lower[i, i]
            to_z[r, others[i]] += to_total[i]
        for i in range(size - 1, -1, -1):
            value = to_total[i]
            for k in range(i + 1, size):
                value -= lower[k, i] * to_value[k]
            to_value[i] = value / lower[i, i]
        for i in range(size):
            for j in range(i + 1):
                to_factor[i, j] = -theta[r, others[i]] * to_total[j] - to_value[i] * solved[r, j]
            to_factor[i, i] -= 1.0 / lower[i, i]
        at, slope = 0.0, 0.0
        if pivot >= 0:
            at, slope = level_at(theta[r, pivot], centre[r], width[r])
        for i in range(size - 1, -1, -1):  # Cholesky's algorithm backwards
            a = others[i]
            for j in range(i, -1, -1):
                if i == j:
                    back = to_factor[i, i] / (2.0 * lower[i, i])
                    for k in range(i):
                        to_factor[i, k] -= 2.0 * back * lower[i, k]
                    to_log_sd[a] -= 2.0 * back / sd[a] ** 2
                else:
                    back = to_factor[i, j] / lower[j, j]
                    to_factor[j, j] -= back * lower[i, j]
                    for k in range(j):
                        to_factor[i, k] -= back * lower[j, k]
                        to_factor[j, k] -= back * lower[i, k]
                to_table[a, others[j]] = back
            to_eta[r, a] += to_value[i] / sd[a] ** 2
            to_log_sd[a] -= 2.0 * to_value[i] * eta[r, a] / sd[a] ** 2
            to_table[a, n_own] = to_value[i]
            if pivot >= 0:
                for power in range(n_own, n_own + DEGREE):
                    to_table[a, power + 1] = to_table[a, power] * at
                to_theta[r, pivot] += to_value[i] * polynomial(table[a], n_own, at)[1] * slope
        if pivot >= 0:
            precision = 1.0 / sd[pivot] ** 2
            both = precision + table[pivot, pivot]
            middle = (precision * eta[r, pivot] + table[pivot, n_own]) / both
            back = to_theta[r, pivot] / both
            to_z[r, pivot] += back * math.sqrt(both)
            to_eta[r, pivot] += back * precision
            to_both = -0.5 * back * z[r, pivot] / math.sqrt(both) - back * middle - 0.5 / both
            to_log_sd[pivot] -= 2.0 * (to_both + back * eta[r, pivot]) * precision
            to_table[pivot, pivot], to_table[pivot, n_own] = to_both, back
        to_log_walk += of_row_back(rate[r], by_mode[r], walk, to_table)
    return to_log_walk
