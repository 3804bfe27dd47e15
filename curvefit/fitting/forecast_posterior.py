"""Posterior of one curve over several families, with a random-walk discrepancy: no compilation, no chains.

On the relative scale ``value / level = (floor + height * shape(n)) / level + discrepancy(log n) + noise``, with a
Wiener process as discrepancy. Given the shape's parameters, the noise and the speed of the walk, floor and height
are integrated out exactly; the shape's parameters are integrated by population Monte Carlo; noise and speed on
a small grid. What comes out are weighted particles per family, and the family's evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp, ndtr, ndtri
from scipy.stats import qmc

from curvefit.fitting.forecast_shapes import Shape
from curvefit.fitting.seen_curve import NoiseGrid, SeenCurve

PARTICLES = 256
FEWEST_ROUNDS, MOST_ROUNDS = 2, 7
ENOUGH_EFFECTIVE = 150.0


@dataclass(frozen=True, slots=True)
class ShapePosterior:
    """Weighted particles of one family for one curve.

    Parameters
    ----------
    shape
        The family's shape.
    standard, values
        Shape parameters in units of their priors (particles, parameters), and natural ones, each (particles,).
    log_weights
        Normalised log weights (particles, grid) over particles and the noise-speed grid.
    log_evidence
        Log marginal likelihood of the family.
    mean, covariance
        Of (floor, height at the first size), per particle and grid point: (particles, grid, 2) and (..., 2, 2).
    effective
        Effective number of particles.
    """

    shape: Shape
    standard: np.ndarray
    values: dict[str, np.ndarray]
    log_weights: np.ndarray
    log_evidence: float
    mean: np.ndarray
    covariance: np.ndarray
    effective: float


def shape_posterior(curve: SeenCurve, grid: NoiseGrid, shape: Shape, *, seed: int = 0) -> ShapePosterior:
    """Integrate one family over one curve.

    Parameters
    ----------
    curve, grid
        The curve and its noise grid.
    shape
        The family.
    seed
        Of the quasi-random points.
    """
    dimension = len(shape.priors)
    sobol = qmc.Sobol(dimension, seed=seed)
    points = ndtri(np.clip(sobol.random(2 * PARTICLES), 1e-6, 1 - 1e-6))
    total = [points]
    evaluated = [_integrate(curve, grid, shape, points)]
    log_target = [evaluated[0][0] - 0.5 * (points**2).sum(axis=1)]
    proposals: list[tuple[np.ndarray, np.ndarray]] = []
    rng = np.random.default_rng(seed)
    for _ in range(MOST_ROUNDS):
        z, target = np.concatenate(total), np.concatenate(log_target)
        log_weight = target - _log_mixture(z, proposals, len(points))
        if len(proposals) >= FEWEST_ROUNDS and _effective(log_weight) > ENOUGH_EFFECTIVE:
            break
        centre, lower = _moments(z, log_weight)
        proposals.append((centre, lower))
        fresh = ndtri(np.clip(sobol.random(PARTICLES), 1e-6, 1 - 1e-6))
        chi = np.sqrt(_T_DEGREES / rng.chisquare(_T_DEGREES, PARTICLES))
        fresh = centre + (fresh * chi[:, None]) @ lower.T
        total.append(fresh)
        evaluated.append(_integrate(curve, grid, shape, fresh))
        log_target.append(evaluated[-1][0] - 0.5 * (fresh**2).sum(axis=1))
    z, target = np.concatenate(total), np.concatenate(log_target)
    log_weight = target - _log_mixture(z, proposals, len(points))
    log_evidence = logsumexp(log_weight) - np.log(len(z)) - 0.5 * dimension * np.log(2 * np.pi)
    log_weight -= logsumexp(log_weight)
    keep = log_weight > log_weight.max() - 12
    cells = np.concatenate([part[1] for part in evaluated])[keep]
    cells -= logsumexp(cells, axis=1, keepdims=True)
    log_weight = log_weight[keep] - logsumexp(log_weight[keep])
    return ShapePosterior(
        shape,
        z[keep],
        shape.natural(z[keep], curve.n),
        log_weight[:, None] + cells,
        float(log_evidence),
        np.concatenate([part[2] for part in evaluated])[keep],
        np.concatenate([part[3] for part in evaluated])[keep],
        _effective(log_weight),
    )


_T_DEGREES = 5.0


def _log_mixture(z: np.ndarray, proposals: list[tuple[np.ndarray, np.ndarray]], first: int) -> np.ndarray:
    """Log density of the deterministic mixture that the particles so far came from."""
    counts = np.array([first] + [PARTICLES] * len(proposals), float)
    dimension = z.shape[1]
    parts = [-0.5 * (z**2).sum(axis=1) - 0.5 * dimension * np.log(2 * np.pi)]
    constant = (
        gammaln(0.5 * (_T_DEGREES + dimension))
        - gammaln(0.5 * _T_DEGREES)
        - 0.5 * dimension * np.log(_T_DEGREES * np.pi)
    )
    for centre, lower in proposals:
        u = np.linalg.solve(lower, (z - centre).T)
        parts.append(
            constant
            - np.log(np.diagonal(lower)).sum()
            - 0.5 * (_T_DEGREES + dimension) * np.log1p((u**2).sum(axis=0) / _T_DEGREES)
        )
    return logsumexp(np.array(parts), axis=0, b=(counts / counts.sum())[:, None])


def _effective(log_weight: np.ndarray) -> float:
    return float(np.exp(2 * logsumexp(log_weight) - logsumexp(2 * log_weight)))


def _moments(z: np.ndarray, log_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted centre and a widened Cholesky factor, tempered until a tenth of a round's particles count."""
    dimension = z.shape[1]
    for temper in (1.0, 0.6, 0.35, 0.2, 0.1, 0.05, 0.02, 0.01):
        scaled = temper * log_weight
        weight = np.exp(scaled - logsumexp(scaled))
        if 1.0 / (weight**2).sum() > max(PARTICLES / 16, 4 * dimension):
            break
    centre = weight @ z
    away = z - centre
    covariance = (away * weight[:, None]).T @ away * 1.3 + 1e-8 * np.eye(dimension)
    return centre, np.linalg.cholesky(covariance)


def _integrate(
    curve: SeenCurve, grid: NoiseGrid, shape: Shape, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Integrate floor and height out for every particle and grid point.

    Returns log likelihood (particles,), the same per grid point with the grid's prior, and mean and covariance of
    (floor, height at the first size).
    """
    first, last = curve.value[0], max(curve.value[-1], grid.level[-1])
    drop = max(abs(first - last), 0.1 * last)
    prior_mean = np.array([0.5 * last, max(first - 0.5 * last, drop)])
    prior_sd = np.array([0.5 * last, 2 * drop + 0.5 * last])
    values = shape.natural(z, curve.n)
    raw = shape.evaluate(curve.n, values)
    usable = np.isfinite(raw).all(axis=1) & (raw[:, 0] > 1e-100) & (raw.max(axis=1) / 1e6 < raw[:, 0])
    column = np.where(usable[:, None], raw, 1.0) / np.where(usable, raw[:, 0], 1.0)[:, None] / grid.level
    height = np.einsum("kij,pj->kpi", grid.whiten, column)
    floor = grid.whiten @ (1.0 / grid.level)
    seen = grid.whiten @ (curve.value / grid.level)
    precision = np.empty((len(grid.sigma), len(z), 2, 2))
    precision[..., 0, 0] = (floor**2).sum(axis=1)[:, None] + prior_sd[0] ** -2
    precision[..., 0, 1] = precision[..., 1, 0] = np.einsum("ki,kpi->kp", floor, height)
    precision[..., 1, 1] = np.einsum("kpi,kpi->kp", height, height) + prior_sd[1] ** -2
    right = np.empty((len(grid.sigma), len(z), 2))
    right[..., 0] = (floor * seen).sum(axis=1)[:, None] + prior_mean[0] / prior_sd[0] ** 2
    right[..., 1] = np.einsum("ki,kpi->kp", seen, height) + prior_mean[1] / prior_sd[1] ** 2
    determinant = precision[..., 0, 0] * precision[..., 1, 1] - precision[..., 0, 1] ** 2
    covariance = np.empty_like(precision)
    covariance[..., 0, 0] = precision[..., 1, 1] / determinant
    covariance[..., 1, 1] = precision[..., 0, 0] / determinant
    covariance[..., 0, 1] = covariance[..., 1, 0] = -precision[..., 0, 1] / determinant
    mean = np.einsum("kpij,kpj->kpi", covariance, right)
    quadratic = (
        (seen**2).sum(axis=1)[:, None] + ((prior_mean / prior_sd) ** 2).sum() - (mean * right).sum(axis=2)
    )
    log_likelihood = (
        -0.5 * (len(curve.n) * np.log(2 * np.pi) + grid.log_det[:, None] + quadratic)
        - 0.5 * np.log(determinant)
        - np.log(prior_sd).sum()
    )
    sd = np.sqrt(covariance[..., 0, 0])
    log_likelihood += log_ndtr(mean[..., 0] / sd) - np.log(ndtr(prior_mean[0] / prior_sd[0]))
    cells = np.where(usable & np.isfinite(log_likelihood), log_likelihood + grid.log_prior[:, None], -1e6).T
    return (
        logsumexp(cells, axis=1),
        cells,
        mean.transpose(1, 0, 2),
        covariance.transpose(1, 0, 2, 3),
    )
