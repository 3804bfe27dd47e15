"""A monotone change of one coordinate that makes its draws normal: what is far apart or rarely visited comes within reach of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from curvefit.fitting.density.scalars import compiled

#: Normal scores of the knots: the first, how far apart they are, and all of them.
_FIRST, _APART = -3.0, 0.5
_KNOTS = _FIRST + _APART * np.arange(13)
#: Least slope between knots, as a share of that of a straight line through the ends: draws that stay where they are have none.
_FLATTEST = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """``x = g(z)``, where log g' is linear between knots and constant beyond them, so that g has a closed form (`stretched`).

    Parameters
    ----------
    value, log_slope
        x and log g' at the knots, shape (knots,).
    """

    value: np.ndarray
    log_slope: np.ndarray


#: Of a coordinate that stays as it is.
NO_STRETCH = Stretch(*np.zeros((2, 0)))


def normalising(draws: np.ndarray) -> Stretch:
    """Return the change of a coordinate after which `draws` of it, shape (draws,), are about normal."""
    at = np.quantile(draws, ndtr(_KNOTS))
    slope = np.diff(at) / _APART
    slope = np.log(np.maximum(slope, _FLATTEST * slope.mean()))
    log_slope = 0.5 * (np.r_[slope[0], slope] + np.r_[slope, slope[-1]])
    rise = np.diff(log_slope) / _APART
    bent = rise != 0.0
    grown = np.where(bent, np.expm1(rise * _APART) / np.where(bent, rise, 1.0), _APART)
    value = np.r_[0.0, np.cumsum(np.exp(log_slope[:-1]) * grown)]
    middle = len(value) // 2
    return Stretch(value - value[middle] + at[middle], log_slope)


@compiled
def stretched(z, value, log_slope):
    """Return x at a normal score, log g' there, and how that changes with the score (see `Stretch`)."""
    place, last = (z - _FIRST) / _APART, len(value) - 1
    k, rise = int(min(max(math.floor(place), 0), last)), 0.0
    if 0.0 <= place < last:
        rise = (log_slope[k + 1] - log_slope[k]) / _APART
    length = z - _FIRST - _APART * k
    grown = math.expm1(rise * length) / rise if rise != 0.0 else length
    return value[k] + math.exp(log_slope[k]) * grown, log_slope[k] + rise * length, rise
