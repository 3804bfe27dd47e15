"""Fast exponents of noiseless error curves, with the replicate as unit of uncertainty and a correction to scaling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.curves.chance import chance_levels
from curvefit.curves.fittable import check_seeds
from curvefit.curves.frames import rows_of
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import FitError, InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.status import FitStatus
from curvefit.seeding import generator
from curvefit.triplet import Triplet

BELOW_CHANCE = (0.5, 0.3)
"""Prior mean and sd of the correction in units of 1/chance: between 0 (none) and 1 (chance at n = 0)."""
UNKNOWN_CHANCE = (0.0, 0.3)
"""Prior mean and sd of the correction in units of 1/error at the smallest size, where chance is unknown."""
EXPONENTS = (1e-3, 30.0)
"""Smallest and largest exponent that a fit may have; what lies beyond would be no power law over any sizes."""
FARTHEST = 100.0
"""How far, in log units, the level of a draw may lie from its estimate."""
UNRESOLVED = 0.75
"""Standard error of the log exponent beyond which a curve passes for a plateau: its exponent is 4/3 standard errors
above zero or less."""
STEPS = 100


@dataclass(frozen=True, slots=True)
class CorrectedCurve:
    """Point estimate and covariance of one curve.

    Parameters
    ----------
    estimate
        Log error of the leading term at the smallest size, log exponent, correction in its unit.
    covariance
        ``(3, 3)``, from the scatter of replicates and the prior of the correction.
    replicates
        Number of replicates.
    smallest
        Smallest size.
    """

    estimate: np.ndarray
    covariance: np.ndarray
    replicates: int
    smallest: float


def fit_replicates(
    curves: LearningCurves, *, correction: bool = True, draws: int = 2000, seed: int = 0
) -> CurveFit:
    """Fit curves of noiseless regression in milliseconds, one by one, without a floor.

    The law is ``1/error = n ** exponent / amplitude + correction / chance``: the power law with a relative
    correction that dies out as ``n ** -exponent``, the leading one for a kernel of dimension d that resolves
    ``n ** (1/d)`` modes a direction. A correction of 1 would mean that the law holds down to n = 0, where the error
    is that of chance; it is estimated, with the prior `BELOW_CHANCE`, because sizes that span a factor 30 cannot
    tell it from the exponent. The unit of uncertainty is the replicate: whatever scatter the
    replicates (their teachers, points, training sets) have along their curves is in the covariance, with as many
    degrees of freedom as replicates less one. With two or three replicates that is one or two, so that intervals are wide;
    draws beyond `EXPONENTS` count as at their end.

    Parameters
    ----------
    curves
        Positive errors, three sizes or more, two replicates or more of every triplet.
    correction
        Whether to estimate the correction; without it the law is a pure power law.
    draws
        Number of draws.
    seed
        Root of all random numbers.

    Returns
    -------
    CurveFit
        With floor 0 and exponent and amplitude of the leading term.

    Raises
    ------
    InvalidInputError
        When a curve has fewer than three sizes or two complete replicates.
    FitError
        When no power law without a floor fits, as on a plateau.

    References
    ----------
    F. Wegner, Corrections to scaling laws, Phys. Rev. B 5, 4529 (1972).
    """
    exponents, amplitudes = [], []
    for triplet, chance in chance_levels(curves).items():
        sizes, log_errors = _replicates(curves, triplet)
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                fitted = fit_corrected(sizes, log_errors, chance=chance, correction=correction)
            _need_slope(fitted)
        except (np.linalg.LinAlgError, FloatingPointError, FitError) as error:
            first, last = np.exp(log_errors.mean(axis=0)[[0, -1]])
            raise FitError(
                f"{triplet}: no power law without a floor fits errors from {first:.3g} at n = {sizes[0]:g} to {last:.3g} at "
                f"n = {sizes[-1]:g} ({error}); a curve on a plateau needs `curvefit.fit`, which has floors"
            ) from error
        drawn = draw_estimates(fitted, draws, generator("replicate-fit", seed, *triplet))
        exponents.append(np.exp(drawn[:, 1]))
        amplitudes.append(np.exp(drawn[:, 0] + exponents[-1] * np.log(fitted.smallest)))
    exponent = np.stack(exponents, axis=1)
    return CurveFit.from_draws(
        curves,
        exponent=exponent,
        amplitude=np.stack(amplitudes, axis=1),
        floor=np.zeros_like(exponent),
        chance=np.nan,
        likelihood="scatter of replicates",
        status=FitStatus(True, ("fitted curve by curve, without a floor",), n_draws=draws),
    )


def fit_corrected(
    sizes: np.ndarray, log_errors: np.ndarray, *, chance: float = np.nan, correction: bool = True
) -> CorrectedCurve:
    """Fit one curve by damped Gauss-Newton steps on the mean log error.

    Parameters
    ----------
    sizes
        ``(sizes,)``, increasing.
    log_errors
        ``(replicates, sizes)``.
    chance
        Error of the best constant prediction, NaN where unknown.
    correction
        As in `fit_replicates`.
    """
    x = np.log(sizes / sizes[0])
    mean = log_errors.mean(axis=0)
    replicates = len(log_errors)
    noise = max(float(log_errors.var(axis=0, ddof=1).mean()) / replicates, 1e-12)
    unit = np.exp(mean[0]) / chance if np.isfinite(chance) else 1.0
    centre, scale = BELOW_CHANCE if np.isfinite(chance) else UNKNOWN_CHANCE
    centre, weight = (centre, noise / scale**2) if correction else (0.0, 0.0)
    free = np.array([0, 1, 2] if correction else [0, 1])
    slope = max(-np.polyfit(x, mean, 1)[0], 1e-3)
    estimate = np.array([mean[0], np.log(slope), centre])

    def loss(at: np.ndarray) -> float:
        return float(np.sum((mean - _law(x, at, unit)[0]) ** 2) + weight * (at[2] - centre) ** 2)

    for _ in range(STEPS):
        value, jacobian = _law(x, estimate, unit)
        gradient, curvature = _equations(jacobian, mean - value, weight, centre - estimate[2])
        step = np.zeros(3)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        while np.abs(step).max() > 1e-12 and not loss(estimate + step) <= loss(estimate):
            step /= 2
        estimate = estimate + step
        if np.abs(step).max() < 1e-10:
            break
    value, jacobian = _law(x, estimate, unit)
    _, curvature = _equations(jacobian, mean - value, weight, 0.0)
    inverse = np.zeros((3, 3))
    inverse[np.ix_(free, free)] = np.linalg.inv(curvature[np.ix_(free, free)])
    influence = (log_errors - mean) @ jacobian
    meat = influence.T @ influence / (replicates * (replicates - 1))
    meat[2, 2] += weight * noise
    lack = _lack_of_fit(mean - value, noise, len(free))
    return CorrectedCurve(estimate, lack * inverse @ meat @ inverse, replicates, float(sizes[0]))


def draw_estimates(fitted: CorrectedCurve, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return draws ``(draws, 3)`` of a multivariate t with as many degrees of freedom as replicates less one.

    A draw that lies beyond `EXPONENTS` or `FARTHEST` is moved towards the estimate until it does not: with one or two
    degrees of freedom the tails reach farther than exponentials do, and quantiles within the bounds stay what they are.
    """
    values, vectors = np.linalg.eigh(fitted.covariance)
    normal = rng.standard_normal((draws, 3)) * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    degrees = fitted.replicates - 1
    away = normal / np.sqrt(rng.chisquare(degrees, size=(draws, 1)) / degrees)
    least, most = np.log(EXPONENTS) - fitted.estimate[1]
    room = np.column_stack([np.full(draws, FARTHEST), np.where(away[:, 1] > 0, most, -least)])
    beyond = np.max(np.abs(away[:, :2]) / room, axis=1, keepdims=True)
    return fitted.estimate + away / np.maximum(beyond, 1.0)


def _need_slope(fitted: CorrectedCurve) -> None:
    """Check that the exponent is one of a power law, and told from zero."""
    exponent, error = np.exp(fitted.estimate[1]), np.sqrt(fitted.covariance[1, 1])
    if not EXPONENTS[0] < exponent < EXPONENTS[1] or error > UNRESOLVED:
        raise FitError(f"exponent {exponent:.2g}, its relative standard error {error:.2g}")


def _law(x: np.ndarray, at: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return log error and its derivatives at log relative sizes `x`.

    With ``t = exp(-exponent x)``: ``log error = level - exponent x - log(1 + correction unit t)``.
    """
    level, log_exponent, correction = at
    exponent = np.exp(log_exponent)
    t = unit * np.exp(-exponent * x)
    damp = np.maximum(1 + correction * t, 1e-6)
    value = level - exponent * x - np.log(damp)
    by_exponent = exponent * x * (-1 + correction * t / damp)
    return value, np.column_stack([np.ones_like(x), by_exponent, -t / damp])


def _equations(
    jacobian: np.ndarray, residual: np.ndarray, weight: float, pull: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature of the penalised sum of squares; the prior pulls on the correction."""
    gradient, curvature = jacobian.T @ residual, jacobian.T @ jacobian
    gradient[2] += weight * pull
    curvature[2, 2] += weight
    return gradient, curvature


def _lack_of_fit(residual: np.ndarray, spread: float, parameters: int) -> float:
    """Return the factor, at least 1, by which misfit exceeds what the scatter of replicates explains."""
    degrees = len(residual) - parameters
    return max(1.0, float(residual @ residual) / (degrees * spread)) if degrees > 0 else 1.0


def _replicates(curves: LearningCurves, triplet: Triplet) -> tuple[np.ndarray, np.ndarray]:
    check_seeds(curves, "a fit of replicates")
    runs = rows_of(curves.usable, triplet)
    wide = runs[runs["value"] > 0].pivot_table(index="seed", columns="n_train", values="value").dropna()
    if len(wide) < 2 or wide.shape[1] < 3:
        raise InvalidInputError(
            f"{triplet}: {len(wide)} complete replicate(s) of {wide.shape[1]} size(s); at least 2 of 3 are needed"
        )
    return wide.columns.to_numpy(float), np.log(wide.to_numpy(float))
