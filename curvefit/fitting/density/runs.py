"""Likelihoods of single runs with their derivatives: Student-t and beta-binomial."""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.scalars import compiled
from curvefit.fitting.noise import SMALLEST_VARIANCE, STUDENT_FREEDOM

_HALF = 0.5 * (STUDENT_FREEDOM + 1.0)
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
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
def beta_binomial(run_cell, run_errors, cell_test, error, seed, to_error, to_seed):
    """Return the beta-binomial log likelihood of counts less their log binomial coefficients; add derivatives by the cells' error and variance between seeds."""
    total, cells = 0.0, len(error)
    alpha, beta, own = np.empty(cells), np.empty(cells), np.empty(cells)
    at_alpha, at_beta = np.empty(cells), np.empty(cells)
    for c in range(cells):
        variance = max(seed[c], SMALLEST_VARIANCE)
        alpha[c], beta[c] = 1.0 / (variance * (1.0 - error[c])), 1.0 / (variance * error[c])
        log_alpha, slope_alpha = log_gamma(alpha[c])
        log_beta, slope_beta = log_gamma(beta[c])
        log_both, slope_both = log_gamma(alpha[c] + beta[c])
        log_all, slope_all = log_gamma(cell_test[c] + alpha[c] + beta[c])
        own[c] = log_both - log_alpha - log_beta - log_all
        at_alpha[c] = slope_both - slope_all - slope_alpha
        at_beta[c] = slope_both - slope_all - slope_beta
    for run in range(len(run_cell)):
        c, wrong = run_cell[run], run_errors[run]
        log_wrong, slope_wrong = log_gamma(wrong + alpha[c])
        log_right, slope_right = log_gamma(cell_test[c] - wrong + beta[c])
        total += own[c] + log_wrong + log_right
        to_alpha, to_beta = slope_wrong + at_alpha[c], slope_right + at_beta[c]
        to_error[c] += to_alpha * alpha[c] / (1.0 - error[c]) - to_beta * beta[c] / error[c]
        if seed[c] > SMALLEST_VARIANCE:
            to_seed[c] -= (to_alpha * alpha[c] + to_beta * beta[c]) / seed[c]
    return total


@compiled
def log_gamma(x):
    """Return the log gamma function for x > 0 and its derivative (Abramowitz & Stegun 6.1.41 and 6.3.18, by recurrence from x below 10)."""
    product, slope = 1.0, 0.0
    while x < 10.0:
        product *= x
        slope -= 1.0 / x
        x += 1.0
    log, z = math.log(x), 1.0 / x
    y = z * z
    value = z * (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * 691 / 360360)))))
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * 691 / 32760)))))
    if product != 1.0:
        value -= math.log(product)
    return (x - 0.5) * log - x + _HALF_LOG_2PI + value, slope + log - 0.5 * z - series
