"""Variable projection: what a curve's law is linear in is solved for, so that only its shape is searched.

References
----------
Golub, Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate, SIAM J. Numer. Anal. 10,
1973.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from curvefit.fitting.forecast_shapes import Shape

HUBER_AT = 1.5
LARGEST_EXPONENT = 6.0


def residual_scale(value: np.ndarray, value_se: np.ndarray) -> np.ndarray:
    """Return the scale of each mean: 2 % of the value and its standard error together."""
    known = np.where(np.isfinite(value_se), value_se, 0.0)
    floor = 0.02 * np.maximum(np.abs(value), 0.05 * np.abs(value).max())
    return np.hypot(floor, known)


def log_bounds(shape: Shape, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre, smallest and largest value of the log of every shape parameter that is searched (parameters,)."""
    anchors = {"": 0.0, "first": np.log(n[0]), "last": np.log(n[-1])}
    centre = np.array([anchors[prior.anchor] + prior.mean for prior in shape.priors])
    reach = 5 * np.array([prior.sd for prior in shape.priors])
    upper = np.where(
        [prior.name == "exponent" for prior in shape.priors], np.log(LARGEST_EXPONENT), centre + reach
    )
    return centre, np.minimum(centre - reach, upper - 1.0), upper


def search(
    n: np.ndarray,
    value: np.ndarray,
    scale: np.ndarray,
    shape: Shape,
    loss: str,
    fixed: dict[str, float],
    chance: float,
    near: dict[str, float] | None = None,
) -> tuple[float, float, dict[str, float], float]:
    """Return floor, height, shape parameters and cost of the best of three starts, or of one start that is given.

    Parameters
    ----------
    n, value, scale
        Sizes, mean errors and the scale of their residuals, shape (sizes,).
    shape
        What is searched, on the log scale within 5 prior standard deviations.
    loss
        ``"linear"``, ``"huber"`` or ``"soft-l1"``.
    fixed
        Shape parameters that are held.
    chance
        Error before any example; NaN where unknown: then the height is free.
    near
        Shape parameters to start from.
    """
    free = [i for i, prior in enumerate(shape.priors) if prior.name not in fixed]
    centre, lower, upper = (edge[free] for edge in log_bounds(shape, n))
    width = np.array([shape.priors[i].sd for i in free])

    def values_of(x: np.ndarray) -> dict[str, np.ndarray]:
        logs = dict(zip((shape.priors[i].name for i in free), np.exp(x)))
        return {name: np.array([fixed.get(name, logs.get(name, np.nan))]) for name in shape.names}

    def solve(x: np.ndarray) -> tuple[float, float, np.ndarray]:
        column = np.nan_to_num(shape.evaluate(n, values_of(x))[0])
        return _linear(column, value, scale, chance, robust=loss != "linear")

    kind = {"soft-l1": "soft_l1"}.get(loss, loss)
    best = (np.inf, centre)
    if not free:
        best = (float((solve(centre)[2] ** 2).sum() / 2), centre)
    if near is None:
        signs = np.where(np.arange(len(free)) % 2 == 0, 1, -1)
        starts = [centre + start * width * signs for start in (0.0, -0.8, 0.8)]
    else:
        starts = [np.log([near[shape.priors[i].name] for i in free])]
    for start in starts if free else ():
        x0 = np.clip(start, lower + 1e-6, upper - 1e-6)
        found = least_squares(
            lambda x: solve(x)[2], x0, bounds=(lower, upper), loss=kind, f_scale=HUBER_AT, max_nfev=60
        )
        if found.cost < best[0]:
            best = (float(found.cost), found.x)
    floor, height, _ = solve(best[1])
    return floor, height, {k: float(v[0]) for k, v in values_of(best[1]).items()}, best[0]


def _linear(
    column: np.ndarray, value: np.ndarray, scale: np.ndarray, chance: float, *, robust: bool
) -> tuple[float, float, np.ndarray]:
    """Return the best floor and height for a shape, neither below 0, and the residuals; robust: with Huber weights."""
    anchored, span = np.isfinite(chance), max(column[0], 1e-300)
    if anchored:
        design, target = (1 - column)[:, None] / scale[:, None], (value - chance * column) / scale
    else:
        design = np.column_stack([np.ones_like(value), column / span]) / scale[:, None]
        target = value / scale
    weight = np.ones_like(value)
    for _ in range(4 if robust else 1):
        linear = _not_negative(design * weight[:, None], target * weight)
        if anchored:
            linear = np.minimum(linear, chance)
        residual = design @ linear - target
        weight = np.sqrt(np.minimum(1.0, HUBER_AT / np.maximum(np.abs(residual), 1e-12)))
    floor = float(linear[0])
    return floor, chance - floor if anchored else float(linear[1] / span), residual


def _not_negative(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the least-squares coefficients of one or two columns (rows, columns), none below 0 (Lawson, Hanson, 1974)."""
    square, right = np.square(design).sum(axis=0), target @ design
    alone = np.maximum(right / np.maximum(square, 1e-300), 0.0)
    if len(right) == 1:
        return alone
    first, second = design.T
    slope = first @ second / square[0]
    apart = second - slope * first
    other = apart @ target / max(apart @ apart, 1e-300)
    both = np.array([right[0] / square[0] - slope * other, other])
    if (both >= 0).all():
        return both
    return np.where(np.arange(2) == (alone * right).argmax(), alone, 0.0)
