"""Least squares with the law of the fit, one curve at a time: the smallest cost for every exponent, by search on a grid.

Everything but exponent and onset is linear and solved exactly, so that no start and no local minimum enters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from curvefit.fitting.variable_projection import residual_scale

EXPONENTS = np.geomspace(0.01, 10.0, 240)
ONSETS = 160


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
    if chance is None:
        cost = _free(value, weight, (n / n.min()) ** -EXPONENTS[:, None])
    else:
        shape = (1 + n / np.geomspace(n.min() / 300, 3 * n.max(), ONSETS)[:, None]) ** -EXPONENTS[
            :, None, None
        ]
        free = parameters == 4
        cost = _lowest(_free(value, weight, shape) if free else _anchored(value, weight, shape, chance))
    best = int(cost.argmin())
    excess = spare * (cost / max(cost[best], 1e-12) - 1) - f_distribution.ppf(probability, 1, spare)
    logs = np.log(EXPONENTS)
    inside = np.flatnonzero(excess <= 0)
    first, last = int(inside[0]), int(inside[-1])
    lower = 0.0 if first == 0 else np.exp(_crossing(logs, excess, first - 1, first))
    upper = np.inf if last == len(logs) - 1 else np.exp(_crossing(logs, excess, last + 1, last))
    exponent = float(np.exp(_vertex(logs, cost, best)))
    return LeastSquares(exponent, min(float(lower), exponent), max(float(upper), exponent))


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


def _lowest(cost: np.ndarray) -> np.ndarray:
    """Return the smallest value of every row, between grid points by the parabola through the best three."""
    best = np.clip(cost.argmin(axis=1), 1, cost.shape[1] - 2)
    before, middle, after = (cost[np.arange(len(cost)), best + step] for step in (-1, 0, 1))
    bend = before - 2 * middle + after
    gain = np.divide(np.square(before - after), 8 * bend, out=np.zeros_like(bend), where=bend > 0)
    return np.clip(middle - gain, 0, cost.min(axis=1))


def _crossing(logs: np.ndarray, excess: np.ndarray, outside: int, inside: int) -> float:
    share = excess[outside] / (excess[outside] - excess[inside])
    return float(logs[outside] + share * (logs[inside] - logs[outside]))


def _vertex(logs: np.ndarray, cost: np.ndarray, best: int) -> float:
    """Return where the parabola through the best three points is lowest."""
    if best in (0, len(logs) - 1):
        return float(logs[best])
    before, middle, after = cost[best - 1 : best + 2]
    bend = before - 2 * middle + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(logs[best] + shift * (logs[1] - logs[0]))
