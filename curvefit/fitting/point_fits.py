"""Point fits: least squares without priors, in well under a second, with intervals that need no sampler.

Every family is ``floor + height * shape(n)``, with a shape that is 1 before any example. Where the chance level is known, the
curve starts there: ``height = chance - floor``. What is linear (the floor, or floor and height) is solved for at each step
(variable projection), so that only the shape's parameters are searched, from several starts, with a robust loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import f as f_distribution

from curvefit.arguments import equal_tails
from curvefit.curves.chance import chance_levels
from curvefit.curves.fittable import as_curves, curve_means
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.forecast_shapes import Shape, get_shape
from curvefit.fitting.least_squares import least_squares
from curvefit.fitting.saveable import Saveable
from curvefit.fitting.variable_projection import LARGEST_EXPONENT, log_bounds, residual_scale, search
from curvefit.triplet import Triplet

LOSSES = ("linear", "huber", "soft-l1")
#: A fitted curve that falls by less than this share of the mean error over all sizes does not fall.
SMALLEST_FALL = 1e-3
#: A search may stay where the floor reaches 0; another that starts at an exponent so many times as large comes from above 0.
STEEPER = 1.3
#: First step outward from an exponent, on its log, to the end of its profile interval.
FIRST_STEP = 0.1


@dataclass(frozen=True, slots=True)
class CurvePointFit(Saveable):
    """Least-squares fit of one curve.

    Parameters
    ----------
    triplet, family
        What was fitted, and by what.
    exponent, floor, height
        ``error = floor + height * shape(n)``, where height is the chance level less the floor if that level is known; exponent
        NaN where the family has none. All NaN where the error does not fall, or sizes are too few.
    shape_values
        All shape parameters; none likewise.
    sizes
        Number of sizes fitted.
    residual_sd
        Relative residual standard deviation, corrected for the parameters.
    cost
        Half the (robust) sum of squared scaled residuals.
    status
        ``"ok"``, or why the fit is not to be trusted.
    level
        What is predicted at every size where no law was found; NaN where one was.
    """

    triplet: Triplet
    family: str
    exponent: float
    floor: float
    height: float
    shape_values: dict[str, float]
    sizes: int
    residual_sd: float
    cost: float
    status: str = "ok"
    level: float = float("nan")

    def predict(self, n: Any) -> np.ndarray:
        """Return the fitted error at sizes `n`."""
        sizes = np.atleast_1d(np.asarray(n, float))
        if np.isfinite(self.level):
            return np.full(len(sizes), self.level)
        values = {name: np.array([value]) for name, value in self.shape_values.items()}
        return self.floor + self.height * get_shape(self.family).evaluate(sizes, values)[0]


@dataclass(frozen=True, slots=True, eq=False)
class PointFit(Saveable):
    """Least-squares fits of all curves; a table beside a posterior, never instead of one."""

    curves: LearningCurves
    fits: tuple[CurvePointFit, ...]
    loss: str

    def summary(self) -> pd.DataFrame:
        """Return one row a curve."""
        return pd.DataFrame(
            [
                {
                    **fit.triplet._asdict(),
                    "exponent": fit.exponent,
                    "floor": fit.floor,
                    "residual_sd": fit.residual_sd,
                    "sizes": fit.sizes,
                    "status": fit.status,
                }
                for fit in self.fits
            ]
        )

    def __getitem__(self, triplet: tuple[str, str, str] | str) -> CurvePointFit:
        fits = {fit.triplet: fit for fit in self.fits}
        return fits[Triplet.of(triplet, fits)]

    def __str__(self) -> str:
        return "\n".join(
            f"{fit.triplet}: {fit.status}; {_estimates(fit)} ({fit.sizes} sizes; point fit, no interval)"
            for fit in self.fits
        )


def _estimates(fit: CurvePointFit) -> str:
    """Return what is known of the law, in words."""
    if np.isfinite(fit.level):
        return "exponent and floor not known"
    exponent = f"exponent {fit.exponent:.3g}, " if np.isfinite(fit.exponent) else ""
    return f"{exponent}floor {fit.floor:.3g}, residuals {100 * fit.residual_sd:.1f} %"


def point_fit(curves: LearningCurves, *, family: str = "power-law", loss: str = "soft-l1") -> PointFit:
    """Fit every curve by nonlinear least squares on relative residuals.

    Parameters
    ----------
    curves
        Learning curves; a frame or a dictionary of columns is read with `LearningCurves.from_frame`. Replicates are
        averaged, weighted by their standard errors. A curve with a chance level is anchored there; without one its height is free.
    family
        Registered name of a family with shape priors: all that start at the chance level have them.
    loss
        ``"linear"`` (least squares), ``"huber"`` or ``"soft-l1"``: how outliers count.

    Raises
    ------
    InvalidInputError
        When no row is usable, the curves have several metrics, or the family has no shape priors.
    """
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    shape, curves = get_shape(family), as_curves(curves)
    levels = chance_levels(curves)
    fits = tuple(
        fit_one(
            triplet,
            part["n_train"].to_numpy(float),
            part["value"].to_numpy(float),
            part["value_se"].to_numpy(float),
            shape,
            loss,
            chance=levels[triplet],
        )
        for triplet, part in curve_means(curves).items()
    )
    return PointFit(curves, fits, loss)


def fit_one(
    triplet: Triplet,
    n: np.ndarray,
    value: np.ndarray,
    value_se: np.ndarray,
    shape: Shape,
    loss: str = "soft-l1",
    *,
    chance: float = np.nan,
    near: dict[str, float] | None = None,
) -> CurvePointFit:
    """Fit one curve of means, from its chance level if that is known; too few sizes or a flat curve give a status, no number.

    With shape parameters that are `near`, one start is made there, and the usual ones only where it leads to no good fit.
    """
    family, unknown = shape.family, parameter_count(shape, chance)
    nan = float("nan")
    nothing = CurvePointFit(
        triplet, family, nan, nan, nan, {}, len(n), nan, nan, level=float(value[-1])
    )  # fmt: skip
    if len(n) < unknown:
        return replace(nothing, status=f"{len(n)} sizes for {unknown} parameters")
    if np.ptp(value) <= 0:
        return replace(nothing, status="every value is the same")
    scale = residual_scale(value, value_se)
    best = search(n, value, scale, shape, loss, {}, chance, near)
    if near is not None and best[0] == 0 and "exponent" in near:
        steeper = near | {"exponent": STEEPER * near["exponent"]}
        best = min(
            best, search(n, value, scale, shape, loss, {}, chance, steeper), key=lambda found: found[3]
        )
    floor, height, values, cost = best
    sd = float(
        np.sqrt(2 * cost / max(len(n) - unknown, 1)) * np.median(scale / np.maximum(np.abs(value), scale))
    )
    exponent = values.get("exponent", nan)
    fit = CurvePointFit(triplet, family, exponent, floor, height, values, len(n), sd, cost)
    law = fit.predict(n)
    if np.ptp(law) <= SMALLEST_FALL * np.abs(value).mean():
        level = float(law.mean())
        fit = replace(nothing, residual_sd=sd, cost=cost, status="the error does not fall", level=level)
    elif "exponent" in shape.names:
        low, high = (float(np.exp(edge[shape.names.index("exponent")])) for edge in log_bounds(shape, n)[1:])
        if exponent > 0.98 * high:
            fit = replace(fit, status="exponent at its bound: the sizes cannot tell floor from exponent")
        elif exponent < 1.02 * low:
            fit = replace(
                fit, status="exponent at its lower bound: the error falls too slowly for these sizes"
            )
    if near is not None and fit.status != "ok":
        return fit_one(triplet, n, value, value_se, shape, loss, chance=chance)
    return fit


def parameter_count(shape: Shape, chance: float) -> int:
    """Return how many parameters a curve has: those of its shape, a floor, and a height where no chance level is known."""
    return len(shape.priors) + (1 if np.isfinite(chance) else 2)


def profile_interval(
    curves: LearningCurves,
    triplet: tuple[str, str, str] | str,
    *,
    family: str = "power-law",
    probability: float = 0.9,
) -> tuple[float, float]:
    """Return the profile interval of one curve's exponent (0 or inf where the data set no end).

    The noise variance is estimated: the end points are where the smallest cost exceeds the smallest of all by no more than the
    quantile of Fisher's F with 1 and (sizes - parameters) degrees of freedom allows. A curve with a chance level is anchored there.
    For the power law the smallest costs are those of `least_squares`, for other families they are searched.

    Parameters
    ----------
    curves
        As in `point_fit`.
    triplet
        Which curve, as such or as ``"data | model | inference"``.
    family
        As in `point_fit`.
    probability
        Of the interval.

    Raises
    ------
    UnknownNameError
        When no curve is that triplet's.
    InvalidInputError
        When the family has no exponent, the curves have several metrics, the error does not fall, or sizes do not outnumber the
        parameters.

    References
    ----------
    Bates, Watts, Nonlinear regression analysis and its applications, 1988, section 6.1 (profile t).
    """
    equal_tails(probability)
    shape, curves = get_shape(family), as_curves(curves)
    means = curve_means(curves)
    chosen = Triplet.of(triplet, means)
    part = means[chosen]
    n, value, value_se = (part[name].to_numpy(float) for name in ("n_train", "value", "value_se"))
    chance = chance_levels(curves)[chosen]
    if family == "power-law":
        alone = least_squares(n, value, value_se, chance=chance, probability=probability)
        if alone.status != "ok":
            raise InvalidInputError(f"{chosen}: no profile, {alone.status}")
        return alone.lower, alone.upper
    if "exponent" not in shape.names:
        raise InvalidInputError(f"family {family!r} has no exponent, so there is no profile of it")
    spare = len(n) - parameter_count(shape, chance)
    fit = fit_one(chosen, n, value, value_se, shape, "linear", chance=chance)
    if spare < 1 or not np.isfinite(fit.exponent):
        why = f"{len(n)} sizes for {len(n) - spare} parameters" if spare < 1 else fit.status
        raise InvalidInputError(f"{chosen}: no profile, {why}")
    scale, limit = residual_scale(value, value_se), f_distribution.ppf(probability, 1, spare)
    centre = float(np.log(fit.exponent))

    @cache
    def excess(log_exponent: float) -> float:
        if log_exponent == centre:
            return float(-limit)
        fixed = {"exponent": float(np.exp(log_exponent))}
        cost = search(n, value, scale, shape, "linear", fixed, chance)[3]
        return float(spare * (cost / max(fit.cost, 1e-12) - 1) - limit)

    low, high = (_end(excess, centre, bound) for bound in np.log([1e-3, LARGEST_EXPONENT]))
    return (0.0 if low is None else float(np.exp(low))), (np.inf if high is None else float(np.exp(high)))


def _end(excess: Callable[[float], float], centre: float, bound: float) -> float | None:
    """Return where `excess` turns positive between `centre`, where it is not, and `bound`, by steps that double; None if nowhere."""
    inside, step, outward = centre, FIRST_STEP, np.sign(bound - centre)
    while inside != bound:
        at = float(bound if abs(bound - inside) <= step else inside + outward * step)
        if excess(at) > 0:
            return float(brentq(excess, inside, at, xtol=1e-3))
        inside, step = at, 2 * step
    return None
