"""Likelihoods of single runs with their derivatives: Student-t and beta-binomial, around a law that walks."""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.rows import compiled, normal
from curvefit.fitting.noise import SMALLEST_VARIANCE, STUDENT_FREEDOM

_HALF = 0.5 * (STUDENT_FREEDOM + 1.0)
_STUDENT = math.lgamma(_HALF) - math.lgamma(0.5 * STUDENT_FREEDOM) - 0.5 * math.log(STUDENT_FREEDOM * math.pi)


@compiled
def student(run_cell, run_value, mean, variance, to_mean, to_variance):
    """Return the Student-t log likelihood of runs; add derivatives by the cells' law and variance."""
    total = 0.0
    for run in range(len(run_cell)):
        at = run_cell[run]
        square = variance[at] * (STUDENT_FREEDOM - 2.0) / STUDENT_FREEDOM
        apart = run_value[run] - mean[at]
        ratio = apart * apart / (STUDENT_FREEDOM * square)
        total += _STUDENT - 0.5 * math.log(square) - _HALF * math.log1p(ratio)
        pull = 2.0 * _HALF / (1.0 + ratio)
        to_mean[at] += pull * apart / (STUDENT_FREEDOM * square)
        to_variance[at] += 0.5 * (pull * ratio - 1.0) / variance[at]
    return total


@compiled
def beta_binomial(run_cell, run_errors, run_test, error, seed, to_error, to_seed):
    """Return the beta-binomial log likelihood of counts; add derivatives by the cells' error and variance between seeds."""
    total = 0.0
    cells = len(error)
    alpha, beta, base = np.empty(cells), np.empty(cells), np.empty(cells)
    at_alpha, at_beta, at_both = np.empty(cells), np.empty(cells), np.empty(cells)
    for c in range(cells):
        variance = max(seed[c], SMALLEST_VARIANCE)
        alpha[c], beta[c] = 1.0 / (variance * (1.0 - error[c])), 1.0 / (variance * error[c])
        base[c] = math.lgamma(alpha[c] + beta[c]) - math.lgamma(alpha[c]) - math.lgamma(beta[c])
        at_alpha[c], at_beta[c], at_both[c] = digamma(alpha[c]), digamma(beta[c]), digamma(alpha[c] + beta[c])
    for run in range(len(run_cell)):
        c, wrong, test = run_cell[run], run_errors[run], run_test[run]
        right = test - wrong
        total += base[c] + math.lgamma(test + 1.0) - math.lgamma(wrong + 1.0) - math.lgamma(right + 1.0)
        total += math.lgamma(wrong + alpha[c]) + math.lgamma(right + beta[c])
        total -= math.lgamma(test + alpha[c] + beta[c])
        both = at_both[c] - digamma(test + alpha[c] + beta[c])
        to_alpha = digamma(wrong + alpha[c]) - at_alpha[c] + both
        to_beta = digamma(right + beta[c]) - at_beta[c] + both
        to_error[c] += to_alpha * alpha[c] / (1.0 - error[c]) - to_beta * beta[c] / error[c]
        if seed[c] > SMALLEST_VARIANCE:
            to_seed[c] -= (to_alpha * alpha[c] + to_beta * beta[c]) / seed[c]
    return total


@compiled
def digamma(x):
    """Return the derivative of the log gamma function for x > 0 (Abramowitz & Stegun 6.3.5 and 6.3.18)."""
    total = 0.0
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * 691 / 32760)))))
    return total + math.log(x) - 0.5 / x - series


@compiled
def walk_steps(x, walk, known, step, width):
    """Fill standardised steps and their widths, in which coordinates x are measured; return their log prior density."""
    total = 0.0
    for c in range(len(x)):
        width[c] = 1.0 / math.sqrt(1.0 + walk * walk * known[c])
        step[c] = x[c] * width[c]
        total += normal(step[c], 1.0) + math.log(width[c])
    return total


@compiled
def walk_steps_back(step, width, to_step, to_x):
    """Add derivatives by the coordinates, given those of the log likelihood by the steps; return that by the log of the walk."""
    to_log_walk = 0.0
    for c in range(len(step)):
        back = to_step[c] - step[c]
        to_x[c] += back * width[c]
        to_log_walk -= (back * step[c] + 1.0) * (1.0 - width[c] * width[c])
    return to_log_walk


@compiled
def walk_path(doublings, first, walk, step, path, length):
    """Fill every cell's walk and the roots of the doublings stepped; each curve starts at 0 at its first cell."""
    for c in range(len(doublings)):
        length[c] = 0.0
        if c > 0 and first[c] == first[c - 1]:
            length[c] = math.sqrt(max(doublings[c] - doublings[c - 1], 0.0))
        path[c] = (
            path[c - 1] if length[c] > 0 or (c > 0 and first[c] == first[c - 1]) else 0.0
        ) + walk * length[c] * step[c]


@compiled
def walk_back(first, walk, step, length, to_path, to_step):
    """Add derivatives by the steps, given those by the path; return that by the log of the walk."""
    to_log_walk, later = 0.0, 0.0
    for c in range(len(step) - 1, -1, -1):
        later += to_path[c]
        to_step[c] += later * walk * length[c]
        to_log_walk += later * walk * length[c] * step[c]
        if first[c] == c:
            later = 0.0
    return to_log_walk
