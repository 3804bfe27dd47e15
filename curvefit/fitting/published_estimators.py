"""M1 to M4 as published, so that others' tables can be repeated: alternating regressions on logarithms.

References
----------
I. Alabdulmohsin, B. Neyshabur, X. Zhai, Revisiting neural scaling laws in language and vision, NeurIPS 2022,
arXiv:2209.06640. The published estimator alternates a linear regression for amplitude, exponent (and alpha) with
small descent steps in the limits. The steps are part of what the estimator is, since they stop short of the optimum;
they are kept: 100 rounds of plain gradient descent, then damped Newton steps, 10,000 rounds in all at most. That is what the
authors' released code does; for M1 to M3 it gives the values of their tables, for M4 other ones on noisy or short curves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import nnls

from curvefit.arguments import positive_points
from curvefit.errors import unknown_name
from curvefit.fitting.saveable import Saveable

MARGIN = 1e-3
DESCENT_ROUNDS, DESCENT_STEPS, DESCENT_RATE = 100, 1000, 1e-8
NEWTON_STEPS, NEWTON_RATE = 100, 0.1
ROUNDS, STOP = 10_000, 1e-10
CEILING = 1.0


@dataclass(frozen=True, slots=True)
class PublishedFit(Saveable):
    """A published estimator's answer for one curve.

    Parameters
    ----------
    name
        ``"m1"`` to ``"m4"``.
    amplitude, exponent
        Of ``amplitude * n ** -exponent`` (for M3 of ``amplitude * (1/n + gamma) ** exponent``).
    floor, ceiling
        Limits at many and at few examples (M2 and M4; M4).
    gamma, alpha
        M3's offset, and M4's power of the distance from the ceiling.
    """

    name: str
    amplitude: float
    exponent: float
    floor: float = 0.0
    ceiling: float = 1.0
    gamma: float = 0.0
    alpha: float = 0.0

    def predict(self, n: np.ndarray) -> np.ndarray:
        """Return the fitted values at sizes `n`."""
        n = np.asarray(n, float)
        if self.name == "m3":
            return self.amplitude * (1.0 / n + self.gamma) ** self.exponent
        law = self.amplitude * n**-self.exponent
        if abs(self.alpha) < 1e-5:
            return self.floor + law
        span = self.ceiling - self.floor
        low, high = np.zeros_like(law), np.full_like(law, span)
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = middle < law * (span - middle) ** self.alpha
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return self.floor + 0.5 * (low + high)


def published_fit(name: str, n: np.ndarray, value: np.ndarray) -> PublishedFit:
    """Fit M1, M2, M3 or M4 as published.

    Parameters
    ----------
    name
        ``"m1"``, ``"m2"``, ``"m3"`` or ``"m4"``.
    n, value
        Sizes and positive errors or losses, of one length, in any order.
    """
    n, value = positive_points(n, value, fewest=2, of="a published estimator")
    if name not in _ESTIMATORS:
        raise unknown_name("published estimator", name, _ESTIMATORS)
    return _ESTIMATORS[name](n, value)


def _m1(n: np.ndarray, value: np.ndarray) -> PublishedFit:
    slope, intercept = np.polyfit(np.log(n), np.log(value), 1)
    return PublishedFit("m1", float(np.exp(intercept)), float(-slope))


def _m2(n: np.ndarray, value: np.ndarray) -> PublishedFit:
    logs, top = np.log(n), value.min() - MARGIN
    floor, amplitude, slope, ceiling = max(top, 0.0), 1.0, -0.5, float(value.max()) + 1.0
    for k in range(ROUNDS):
        slope, intercept = np.polyfit(logs, np.log(value - floor), 1)
        law = intercept + slope * logs
        newton = k >= DESCENT_ROUNDS
        steps, rate = (NEWTON_STEPS, NEWTON_RATE) if newton else (DESCENT_STEPS, DESCENT_RATE)
        floor, _ = _limit_steps()(value, law, floor, ceiling, 0.0, top, ceiling, steps, rate, newton)
        change, amplitude = abs(np.exp(intercept) - amplitude), np.exp(intercept)
        if change < STOP and k > DESCENT_ROUNDS + 1:
            break
    return PublishedFit("m2", float(amplitude), float(-slope), float(floor))


def _m3(n: np.ndarray, value: np.ndarray) -> PublishedFit:
    gamma, amplitude, exponent = 0.0, 1.0, 0.5
    logs = np.log(value)
    for _ in range(ROUNDS):
        size = np.log(1 / n + gamma)
        exponent, intercept = np.polyfit(size, logs, 1)
        exponent = max(exponent, 0.0)
        old, amplitude = amplitude, np.exp(intercept)
        if exponent > 0:
            offsets = np.append((value / amplitude) ** (1 / exponent) - 1 / n, gamma)
            offsets = offsets[offsets >= 0]
            misfit = logs - intercept - exponent * np.log(1 / n + offsets[:, None])
            gamma = float(offsets[np.argmin((misfit**2).sum(axis=1))])
        if abs(amplitude - old) < STOP:
            break
    return PublishedFit("m3", float(amplitude), float(exponent), gamma=gamma)


def _m4(n: np.ndarray, value: np.ndarray) -> PublishedFit:
    top, least = value.min() - MARGIN, value.max() + MARGIN
    floor, ceiling = max(top, 0.0), CEILING
    if ceiling <= value.max():
        ceiling = least
    # As published, the regression keeps the ceiling it began with.
    design = np.column_stack([np.ones_like(n), -np.log(n), np.log(ceiling - value)])
    amplitude, exponent, alpha = 1.0, 0.5, 0.0
    for k in range(ROUNDS):
        intercept, exponent, alpha = _positive_regression(design, np.log(value - floor))
        law = intercept - exponent * np.log(n)
        newton = k >= DESCENT_ROUNDS
        steps, rate = (NEWTON_STEPS, NEWTON_RATE) if newton else (DESCENT_STEPS, DESCENT_RATE)
        floor, ceiling = _limit_steps()(value, law, floor, ceiling, alpha, top, least, steps, rate, newton)
        change, amplitude = abs(np.exp(intercept) - amplitude), np.exp(intercept)
        if change < STOP and k > DESCENT_ROUNDS + 1:
            break
    return PublishedFit(
        "m4", float(amplitude), float(exponent), float(floor), float(ceiling), alpha=float(alpha)
    )


@cache
def _limit_steps() -> Callable[..., tuple[float, float]]:
    """Compile the steps in floor and ceiling: 10**5 of them a curve make Python too slow."""
    import numba

    @numba.njit
    def step(value, law, floor, ceiling, alpha, top, least, steps, rate, newton):
        for _ in range(steps):
            low = high = curve_low = curve_high = 0.0
            for i in range(len(value)):
                excess, room = value[i] - floor, ceiling - value[i]
                residual = np.log(excess) - alpha * np.log(room) - law[i]
                low -= residual / excess
                high -= alpha * residual / room
                curve_low += (1 - residual) / excess**2
                curve_high += alpha * (alpha + residual) / room**2
            if newton:
                low = low / curve_low if abs(curve_low) > 1e-5 * len(value) else 0.0
                high = high / curve_high if abs(curve_high) > 1e-5 * len(value) else 0.0
            else:
                low, high = low / len(value), high / len(value)
            new_floor = min(max(floor - rate * low, 0.0), top)
            new_ceiling = max(ceiling - rate * high, least)
            if new_floor == floor and new_ceiling == ceiling:
                break
            floor, ceiling = new_floor, new_ceiling
        return floor, ceiling

    return step


def _positive_regression(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares with all coefficients at or above zero, the published constraint (log amplitude included)."""
    return nnls(design, target)[0]


_ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray], PublishedFit]] = {
    "m1": _m1,
    "m2": _m2,
    "m3": _m3,
    "m4": _m4,
}
