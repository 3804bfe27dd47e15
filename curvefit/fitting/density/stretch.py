"""A monotone change of one coordinate that makes its draws normal: what is far apart or rarely visited comes within reach of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

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
    """``x = g(z)``, where log g' is linear between knots and constant beyond them, so that g and its inverse have a closed form.

    Parameters
    ----------
    value, log_slope
        x and log g' at the knots, shape (knots,).
    """

    value: np.ndarray
    log_slope: np.ndarray

    def to_x(self, z: np.ndarray) -> np.ndarray:
        """Return x at normal scores `z`, in their shape."""
        k, rise = self._piece(np.searchsorted(_KNOTS, z))
        length = z - _KNOTS[k]
        return self.value[k] + np.exp(self.log_slope[k]) * _grown(rise, length)

    def to_z(self, x: np.ndarray) -> np.ndarray:
        """Return the normal scores of `x`, in its shape."""
        k, rise = self._piece(np.searchsorted(self.value, x))
        grown = (x - self.value[k]) * np.exp(-self.log_slope[k])
        bent = rise != 0.0
        return _KNOTS[k] + np.where(bent, np.log1p(rise * grown) / np.where(bent, rise, 1.0), grown)

    def _piece(self, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the knot that pieces begin at, given how many knots lie below, and how log g' rises in them."""
        rise = np.r_[0.0, np.diff(self.log_slope) / _APART, 0.0]
        return np.maximum(above - 1, 0), rise[above]


#: Of a coordinate that stays as it is.
NO_STRETCH = Stretch(*np.zeros((2, 0)))


def normalising(draws: np.ndarray) -> Stretch:
    """Return the change of a coordinate after which `draws` of it, shape (draws,), are about normal."""
    at = np.quantile(draws, ndtr(_KNOTS))
    slope = np.diff(at) / _APART
    slope = np.log(np.maximum(slope, _FLATTEST * slope.mean()))
    log_slope = 0.5 * (np.r_[slope[0], slope] + np.r_[slope, slope[-1]])
    grown = np.exp(log_slope[:-1]) * _grown(np.diff(log_slope) / _APART, _APART)
    value = np.r_[0.0, np.cumsum(grown)]
    middle = len(value) // 2
    return Stretch(value - value[middle] + at[middle], log_slope)


def _grown(rise: Any, length: Any) -> Any:
    """Return the integral of ``exp(rise t)`` for t from 0 to `length`."""
    bent = rise != 0.0
    return np.where(bent, np.expm1(rise * length) / np.where(bent, rise, 1.0), length)


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
