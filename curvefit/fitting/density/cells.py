"""Cells, forward and backward: natural parameters, the law's error on the likelihood's scale, and the noise around it."""

from __future__ import annotations

import math

from curvefit.fitting.density.scalars import compiled, softplus
from curvefit.fitting.scale import EDGE

POSITIVE, FRACTION = 0, 1
_LOG_2 = math.log(2.0)


@compiled
def natural(estimated, support, in_units, row, unit, value, slope):
    """Fill natural parameters per cell and their derivatives by the estimated ones, shape (parameters, cells).

    Parameters
    ----------
    estimated
        Shape (rows, parameters).
    support, in_units
        Per parameter: a code of this module, and whether it is a fraction of the curve's unit.
    row, unit
        Per cell.
    """
    for k in range(len(support)):
        for c in range(len(row)):
            at, factor = estimated[row[c], k], unit[c] if in_units[k] else 1.0
            if support[k] == POSITIVE:
                value[k, c] = slope[k, c] = math.exp(at) * factor
            else:
                soft, rise = softplus(at)
                value[k, c], slope[k, c] = soft * soft * factor, 2.0 * soft * rise * factor


@compiled
def bent(size, doublings, scale, step, bend, found):
    """Fill the bend of every piece and the sizes at which the law is read (see `curvefit.fitting.bend.bent_size`)."""
    at = 0.0
    for k in range(len(step)):
        at += scale * step[k]
        bend[k] = at
    for c in range(len(size)):
        found[c] = size[c]
        if len(step):
            away = 0.0
            for k in range(len(step)):
                away += doublings[c, k] * math.expm1(bend[k])
            found[c] *= math.exp(-_LOG_2 * away)


@compiled
def bent_back(doublings, scale, bend, to_error, by_size, size, to_step):
    """Add derivatives by the bend's steps, given those by errors, and the law's by the sizes at which it is read."""
    later = 0.0
    for k in range(len(bend) - 1, -1, -1):
        to_bend = 0.0
        for c in range(len(size)):
            to_bend -= to_error[c] * by_size[c] * size[c] * doublings[c, k]
        later += _LOG_2 * math.exp(bend[k]) * to_bend
        to_step[k] += scale * later


@compiled
def on_points(error, of_set, unit, shift, correlation, found):
    """Keep errors inside (0, 1); fill those on the test points that all runs share (see `curvefit.fitting.noise.on_test_points`).

    Parameters
    ----------
    of_set, unit
        Test set, and standard deviation of the angle of a share of its points, per cell.
    shift, correlation
        Of every test set, and of the counting noise of two runs on it.
    """
    for c in range(len(error)):
        error[c] = min(max(error[c], EDGE), 1.0 - EDGE)
        away = unit[c] * math.sqrt(correlation) * shift[of_set[c]]
        found[c] = math.sin(math.asin(math.sqrt(error[c])) + away) ** 2


@compiled
def on_points_back(error, of_set, unit, shift, correlation, to_error, to_shift):
    """Turn derivatives by the errors on shared points into those by the errors; add those by shifts, return that by the log of the correlation."""
    to_log_correlation = 0.0
    for c in range(len(error)):
        angle, size = math.asin(math.sqrt(error[c])), unit[c] * math.sqrt(correlation)
        away = size * shift[of_set[c]]
        steep = math.sin(2.0 * (angle + away))
        to_shift[of_set[c]] += to_error[c] * steep * size
        to_log_correlation += 0.5 * to_error[c] * steep * away
        inside = EDGE < error[c] < 1.0 - EDGE
        to_error[c] = to_error[c] * steep / math.sin(2.0 * angle) if inside else 0.0
    return to_log_correlation


@compiled
def to_scale(log_link, error, scaled):
    """Keep errors inside (0, 1) where the link needs it; fill the law on the likelihood's scale."""
    for c in range(len(error)):
        if log_link:
            scaled[c] = math.log(error[c])
        else:
            error[c] = min(max(error[c], EDGE), 1.0 - EDGE)
            scaled[c] = math.log(error[c]) - math.log1p(-error[c])


@compiled
def from_scale(log_link, scaled, error):
    """Fill errors from the law on the likelihood's scale."""
    for c in range(len(error)):
        if log_link:
            error[c] = math.exp(scaled[c])
        else:
            error[c] = 1.0 / (1.0 + math.exp(-scaled[c]))


@compiled
def noise(log_link, error, test, known, relative, group, log_noise, slope, floor, fresh, seed, counting):
    """Fill the variance between seeds and the fresh share of that of counting, per cell (see `curvefit.fitting.noise`)."""
    for c in range(len(error)):
        seed[c] = math.exp(2.0 * (log_noise[group[c]] - slope * relative[c])) + floor * floor
        counting[c] = known[c]
        if not log_link and test[c] > 0:
            counting[c] = fresh / (test[c] * error[c] * (1.0 - error[c]))


@compiled
def noise_back(relative, group, floor, seed, to_seed, to_log_noise):
    """Add derivatives by log noise; return those by the slope and by the floor."""
    to_slope, to_floor = 0.0, 0.0
    for c in range(len(to_seed)):
        back = 2.0 * to_seed[c] * (seed[c] - floor * floor)
        to_log_noise[group[c]] += back
        to_slope -= back * relative[c]
        to_floor += 2.0 * to_seed[c] * floor
    return to_slope, to_floor


@compiled
def error_back(log_link, counted, error, counting, to_scaled, to_counting, to_error):
    """Fill derivatives by the errors, given those by the law on the likelihood's scale and by the counting variance."""
    for c in range(len(error)):
        if log_link:
            to_error[c] = to_scaled[c] / error[c]
            continue
        spread = error[c] * (1.0 - error[c])
        back = to_scaled[c]
        if counted:
            back -= to_counting[c] * counting[c] * (1.0 - 2.0 * error[c])
        inside = EDGE < error[c] < 1.0 - EDGE
        to_error[c] = back / spread if inside else 0.0


@compiled
def natural_back(to_error, partial, slope, row, to_estimated):
    """Add derivatives by the estimated parameters, given the law's partial derivatives by the natural ones."""
    for k in range(len(partial)):
        for c in range(len(row)):
            to_estimated[row[c], k] += to_error[c] * partial[k, c] * slope[k, c]
