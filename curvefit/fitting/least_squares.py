"""Least squares with the law of the fit, one curve at a time: the smallest cost for every exponent, by search on a grid.

Everything but exponent and onset is linear and solved exactly, so that no start and no local minimum enters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from curvefit.fitting.variable_projection import residual_scale

EXPONENTS = np.geomspace(0.01, 10.0, 240)
#: Onsets tried for every exponent, and how many between the neighbours of the best, so many times over; exponents likewise, once.
ONSETS, FINER, TIMES = 80, 11, 3
#: A law that leaves more than this share of a constant's sum of squares does not fall.
LEAST_GAIN = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """Least-squares exponent of one curve.

    Parameters
    ----------
    exponent
        The estimate; NaN where there is none.
    lower, upper
        Profile interval; 0 or infinite where the sizes set no end.
    status
        ``"ok"``, or why there is no estimate.
    """

    exponent: float
    lower: float
    upper: float
    status: str = "ok"


def least_squares(
    n: np.ndarray, value: np.ndarray, value_se: np.ndarray, *, chance: float | None, probability: float = 0.9
) -> LeastSquares:
    """Fit ``floor + height * (1 + n / onset) ** -exponent``, or ``floor + amplitude * n ** -exponent``.

    Parameters
    ----------
    n, value, value_se
        Sizes, means over seeds and their standard errors (NaN where unknown), shape (sizes,).
    chance
        Error before any example, floor and height together; NaN to estimate the height; None for the law without an onset.
    probability
        Confidence of the interval: it holds the exponents whose smallest cost exceeds the smallest of all by no more than the
        quantile of Fisher's F with 1 and sizes less parameters degrees of freedom allows.

    References
    ----------
    Bates, Watts, Nonlinear regression analysis and its applications, 1988, section 6.1 (profile t).
    """
    parameters = 4 if chance is not None and np.isnan(chance) else 3
    spare = len(n) - parameters
    if spare < 1 or np.ptp(value) == 0:
        why = f"{len(n)} sizes for {parameters} parameters" if spare < 1 else "every value is the same"
        return LeastSquares(np.nan, np.nan, np.nan, why)
    weight = 1 / residual_scale(value, value_se)

    def smallest(exponents: np.ndarray) -> np.ndarray:
        if chance is None:
            return _free(value, weight, (n / n.min()) ** -exponents[:, None])

        def costs(onset: np.ndarray) -> np.ndarray:
            shape = (1 + n / onset[..., None]) ** -exponents[:, None, None]
            free = parameters == 4
            return _free(value, weight, shape) if free else _anchored(value, weight, shape, chance)

        return _lowest(costs, np.geomspace(n.min() / 300, 3 * n.max(), ONSETS), len(exponents))

    logs = np.log(EXPONENTS)
    cost = smallest(EXPONENTS)
    best = int(cost.argmin())
    near = np.linspace(logs[max(best - 1, 0)], logs[min(best + 1, len(logs) - 1)], FINER)
    near_cost = smallest(np.exp(near))
    if near_cost.min() >= LEAST_GAIN * _constant(value, weight, chance):
        return LeastSquares(np.nan, np.nan, np.nan, "the error does not fall")
    exponent = float(np.exp(_vertex(near, near_cost)))
    logs, cost = np.r_[logs, near], np.r_[cost, near_cost]
    logs, cost = logs[logs.argsort()], cost[logs.argsort()]
    # In the root of the excess, profiles are all but straight lines.
    excess = np.sqrt(spare * np.maximum(cost / max(near_cost.min(), 1e-12) - 1, 0))
    excess -= np.sqrt(f_distribution.ppf(probability, 1, spare))
    inside = np.flatnonzero(excess <= 0)
    first, last = int(inside[0]), int(inside[-1])
    lower = 0.0 if first == 0 else np.exp(_crossing(logs, excess, first - 1, first))
    upper = np.inf if last == len(logs) - 1 else np.exp(_crossing(logs, excess, last + 1, last))
    return LeastSquares(exponent, min(float(lower), exponent), max(float(upper), exponent))


def _constant(value: np.ndarray, weight: np.ndarray, chance: float | None) -> float:
    """Return the smallest weighted sum of squares around one level, from 0 to the chance level where that is known."""
    highest = np.inf if chance is None or np.isnan(chance) else chance
    level = np.clip(np.average(value, weights=weight**2), 0, highest)
    return float(np.square(weight * (value - level)).sum())


def _anchored(value: np.ndarray, weight: np.ndarray, shape: np.ndarray, chance: float) -> np.ndarray:
    """Return the smallest weighted sum of squares of every shape, shapes (..., sizes) and (...,), over floors."""
    design, target = weight * (1 - shape), weight * (value - chance * shape)
    floor = np.clip((design * target).sum(-1) / np.square(design).sum(-1), 0, chance)
    return np.square(target - design * floor[..., None]).sum(-1)


def _free(value: np.ndarray, weight: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the smallest weighted sum of squares of every shape over heights and floors of 0 and more."""
    design, target = weight * shape, weight * value
    slope = (weight * design).sum(-1) / np.square(weight).sum()
    apart = design - slope[..., None] * weight
    height = np.maximum((apart * target).sum(-1) / np.maximum(np.square(apart).sum(-1), 1e-300), 0)
    floor = (weight * (target - height[..., None] * design)).sum(-1) / np.square(weight).sum()
    alone = np.maximum((design * target).sum(-1) / np.square(design).sum(-1), 0)
    height, floor = np.where(floor < 0, alone, height), np.maximum(floor, 0)
    return np.square(target - floor[..., None] * weight - height[..., None] * design).sum(-1)


def _lowest(costs: Callable[[np.ndarray], np.ndarray], onsets: np.ndarray, rows: int) -> np.ndarray:
    """Return the smallest of the costs (rows, onsets) in every row: at one of the onsets, then finer and finer around it."""
    tried, ratio = np.tile(onsets, (rows, 1)), onsets[1] / onsets[0]
    found = costs(tried)
    for _ in range(TIMES):
        best = tried[np.arange(rows), found.argmin(axis=1)]
        tried = best[:, None] * ratio ** np.linspace(-1, 1, FINER)
        found, ratio = costs(tried), ratio ** (2 / (FINER - 1))
    return found.min(axis=1)


def _crossing(logs: np.ndarray, excess: np.ndarray, outside: int, inside: int) -> float:
    """Return where the excess is 0 between a grid point outside the interval and its neighbour inside."""
    share = excess[outside] / (excess[outside] - excess[inside])
    return float(logs[outside] + share * (logs[inside] - logs[outside]))


def _vertex(logs: np.ndarray, cost: np.ndarray) -> float:
    """Return where the parabola through the best three points is lowest."""
    best = int(cost.argmin())
    if best in (0, len(logs) - 1):
        return float(logs[best])
    before, middle, after = cost[best - 1 : best + 2]
    bend = before - 2 * middle + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(logs[best] + shift * (logs[1] - logs[0]))
