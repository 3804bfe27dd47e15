"""Posterior draws in a few numbers: median, equal-tailed interval, probabilities of regions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curvefit.arguments import equal_tails
from curvefit.fitting.intervals import interval_columns

PROBABILITY = 0.9
ROPE = 0.1
"""Half-width of the region of practical equivalence, in log units: within a factor of about 1.1 of equality."""


def interval(draws: np.ndarray, probability: float = PROBABILITY) -> tuple[float, float, float]:
    """Return median and equal-tailed bounds of the draws that are not NaN, or three NaN when there is none.

    Infinite draws count, so that a bound is infinite where the draws are.

    Parameters
    ----------
    draws
        ``(draws,)``.
    probability
        Posterior probability between the bounds.

    Examples
    --------
    >>> interval(np.linspace(0, 1, 101))
    (0.5, 0.05, 0.95)
    """
    known = np.asarray(draws, dtype=float)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return (float("nan"),) * 3
    finite = bool(np.isfinite(known).all())
    ends = np.quantile(known, equal_tails(probability), method="linear" if finite else "nearest")
    low, median, high = (round(float(end), 12) for end in ends)
    return median, low, high


def columns(name: str, draws: np.ndarray, probability: float = PROBABILITY) -> dict[str, float]:
    """Return table entries ``name``, ``name_low``, ``name_high`` of one quantity's draws."""
    median, low, high = interval(draws, probability)
    return interval_columns(name, (low, median, high))


def probability_of(condition: np.ndarray, draws: np.ndarray) -> float:
    """Return the share of all `draws` for which `condition` holds, or NaN where every one of them is NaN.

    A draw that is NaN, such as a dimension off the end of a ruler, counts against every claim: what only few draws
    tell is not sure.

    Examples
    --------
    >>> draws = np.array([2.0, np.nan, 3.0, np.nan])
    >>> probability_of(draws > 1, draws), probability_of(draws < 1, draws)
    (0.5, 0.0)
    """
    known = ~np.isnan(draws)
    return float((condition & known).mean()) if known.any() else float("nan")


class GainProbabilities(NamedTuple):
    """Probabilities, of all draws, that a gain is above 1, equals 1 for practical purposes, and is below 1."""

    more: float
    same: float
    less: float


def gain_probabilities(gain: np.ndarray, rope: float = ROPE) -> GainProbabilities:
    """Return P(gain > 1), P(``|log gain| < rope``) and P(gain < 1) of the draws of a gain, a factor.

    Examples
    --------
    >>> tuple(gain_probabilities(np.array([0.7, 1.02, 1.05, 2.0, np.nan])))
    (0.6, 0.4, 0.2)
    """
    same = (gain > np.exp(-rope)) & (gain < np.exp(rope))
    return GainProbabilities(*(probability_of(where, gain) for where in (gain > 1, same, gain < 1)))


def number(value: float, digits: int = 2) -> str:
    """Return `value` with `digits` significant digits, without an exponent where it reads well.

    Examples
    --------
    >>> number(41.73), number(0.03456), number(1234567.0)
    ('42', '0.035', '1,200,000')
    """
    return _written(value, _decimals(value, digits))


def cell(middle: float, low: float, high: float) -> str:
    """Return ``median (low to high)`` with as many decimals as the interval deserves; empty where there is none.

    Examples
    --------
    >>> cell(1.12, 1.01, 1.26), cell(3.13, 2.8, 3.32), cell(22.3, 18.1, 27.9)
    ('1.12 (1.01 to 1.26)', '3.1 (2.8 to 3.3)', '22 (18 to 28)')
    """
    if np.isnan(middle):
        return ""
    width = high - low
    digits = 2 if width < 3.5 * 10.0 ** -_decimals(width, 1) else 1
    decimals = max(_decimals(middle, 2), _decimals(width, digits))
    return f"{_written(middle, decimals)} ({_written(low, decimals)} to {_written(high, decimals)})"


def spell(draws: np.ndarray, probability: float = PROBABILITY) -> str:
    """Return ``median (low to high)`` of draws in words, or ``unknown``."""
    return cell(*interval(draws, probability)) or "unknown"


def _decimals(value: float, digits: int) -> int:
    if not np.isfinite(value) or value == 0:
        return 0
    return digits - 1 - int(np.floor(np.log10(abs(value))))


def _written(value: float, decimals: int) -> str:
    if not np.isfinite(value):
        return "unknown" if np.isnan(value) else "beyond measure"
    if value == 0:
        return "0"
    if abs(value) < 1e-4 or abs(value) >= 1e9:
        return f"{value:.1e}"
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"
