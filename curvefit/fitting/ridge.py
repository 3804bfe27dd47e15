"""The ridge of a short curve: how its other parameters must follow the floor for the law to stay on the data.

Short sizes cannot tell a high floor from a slow exponent: a curve's likelihood is a narrow, curved ridge along the
floor, while across it, given the floor, it is nearly normal. Each curve is profiled along a grid of floors before sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.fitting.climb import Linear, quadratic
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.modes import certainty

#: Highest power of the floor in the score along the ridge.
DEGREE = 3
_COARSE, _GRID, _FINE = 24, 16, 200
_REACH = 4.0  # standard deviations of the floor
_NO_FLOOR = -0.1  # root of a floor that is all but 0
_LOWEST = -0.5  # lowest root that is looked at
_FIRST_STEPS, _STEPS, _LONGEST = 20, 4, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """Quadratic approximation of each row's log likelihood, across and along its ridge.

    Parameters
    ----------
    rate
        See `Modes`: what a mode says counts ``1 + rate * walk**2`` times less when laws walk; shape (rows, modes). The last one of a
        profiled row says nothing of the data: it keeps the row on its ridge.
    information
        Of each mode without a walk, shape (rows, modes, parameters, parameters); nothing between the floor and the others.
    score
        Of each mode without a walk: coefficients in powers of the floor's level (see `level`), shape (rows, modes, parameters,
        DEGREE + 1); for the floor itself, and without one, the power 0 alone.
    path
        The parameters on the ridge, less those at the penalised fit, as such coefficients, shape (rows, parameters, DEGREE + 1); 0 for the floor.
    centre, width
        Middle and half width of the floors that a row was profiled at, fractions of the curve's unit, shape (rows,).
    """

    rate: np.ndarray
    information: np.ndarray
    score: np.ndarray
    path: np.ndarray
    centre: np.ndarray
    width: np.ndarray

    def level(self, floor: np.ndarray) -> np.ndarray:
        """Return floors on the scale of `centre` and `width`, kept within -1 to 1; shape (..., rows)."""
        return np.clip((floor - self.centre) / self.width, -1.0, 1.0)

    def at_walk(self, walk: float) -> tuple[np.ndarray, np.ndarray]:
        """Return information and score of rows whose laws walk by `walk`: those of the modes together."""
        certain = certainty(self.rate, walk)
        return tuple(np.einsum("rm,rm...->r...", certain, part) for part in (self.information, self.score))


def floor_index(hierarchy: Hierarchy) -> int | None:
    """Return the position of the parameter along which curves are profiled; None without a floor per curve."""
    for k, spec in enumerate(hierarchy.curve_specs):
        if spec.support == "fraction" and len(hierarchy.curve_specs) > 1:
            return k
    return None


def trace_ridge(
    layout: Layout,
    hierarchy: Hierarchy,
    linear: Linear,
    rate: np.ndarray,
    walk: float,
    theta: np.ndarray,
    eta: np.ndarray,
    precision: np.ndarray,
) -> Ridge:
    """Return every row's ridge: as far along the floor as the data and `precision` leave it open.

    Parameters
    ----------
    rate, walk
        See `Ridge`, and the walk that is allowed for while looking.
    theta, eta, precision
        Penalised fit and its group-level means, shape (rows, parameters), and the inverse variance around these (parameters,).
        It decides where a curve is looked at; what is kept is what its own data say there.
    """
    rows, n_own = theta.shape
    pivot, certain = floor_index(hierarchy), certainty(rate, walk)
    score, path = np.zeros((*rate.shape, n_own, DEGREE + 1)), np.zeros((rows, n_own, DEGREE + 1))
    slopes, rests = linear(theta)
    information = slopes[..., :, None] * slopes[..., None, :]
    if pivot is None:
        score[..., 0] = slopes * (rests + np.einsum("rmk,rk->rm", slopes, theta))[..., None]
        return Ridge(rate, information, score, path, np.zeros(rows), np.ones(rows))
    spec, others = hierarchy.curve_specs[pivot], np.delete(np.arange(n_own), pivot)
    highest = np.maximum(0.995 * spec.unconstrain(_lowest_levels(layout, hierarchy)), 0.0)
    reached = np.full(rows, _NO_FLOOR), highest
    for grid in (_COARSE, _GRID):  # the second only where the floor may be
        roots = np.linspace(*reached, grid)  # (grid, rows)
        log_profile, slopes, along = _profile(linear, certain, theta, eta, precision, pivot, others, roots)
        mean, spread, weights = _mass(roots, log_profile, eta[:, pivot], precision[pivot])
        reach = _REACH * np.maximum(spread, 1e-3)
        lower = np.clip(mean - reach, _NO_FLOOR, highest - 2e-3)
        reached = lower, np.maximum(np.minimum(mean + reach, highest), lower + 2e-3)

    floors = spec.constrain(roots)
    centre, width = 0.5 * (floors[-1] + floors[0]), 0.5 * (floors[-1] - floors[0])
    data = np.maximum(1.0 / np.maximum(spread**2, 1e-8) - precision[pivot], 1e-3)
    of_floor = information[..., pivot, pivot] + 1e-12
    of_floor *= (data / (certain * of_floor).sum(axis=1))[:, None]
    information[..., pivot, :] = information[..., pivot] = 0.0
    information[..., pivot, pivot] = of_floor
    towards = (data + precision[pivot]) * mean - precision[pivot] * eta[:, pivot]
    score[..., pivot, 0] = of_floor * (towards / data)[:, None]
    for row in range(rows):
        weight, slope = weights[:, row], slopes[:, row]
        powers = np.vander((floors[:, row] - centre[row]) / width[row], DEGREE + 1, increasing=True)
        normal = (powers.T * weight) @ powers + 1e-6 * weight.sum() * np.eye(DEGREE + 1)
        fitted = np.linalg.solve(normal, powers.T * weight)  # from values at the floors to coefficients
        inner = np.einsum("g,gmk,gml->mkl", weight / weight.sum(), slope, slope)
        path[row, others] = (fitted @ along[:, row]).T
        information[row][:, others[:, None], others] = inner
        score[row][:, others] = inner @ path[row, others]
    # What keeps rows on their ridges against the group level of the start, however laws walk: a mode without information.
    held = precision[:, None] * path
    held[..., 0] -= precision * eta
    held[:, pivot] = 0.0
    rate = np.pad(rate, ((0, 0), (0, 1)))
    information = np.pad(information, ((0, 0), (0, 1), (0, 0), (0, 0)))
    score = np.concatenate([score, held[:, None]], axis=1)
    ridge = Ridge(rate, information, score, path, centre, width)
    expected = ridge.level(spec.constrain(eta[:, pivot]))[:, None] ** np.arange(1, DEGREE + 1)
    path[:, :, 0] = -np.einsum("rkp,rp->rk", path[:, :, 1:], expected)
    return ridge


def _mass(
    roots: np.ndarray, log_profile: np.ndarray, eta: np.ndarray, precision: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and spread of the floors' roots under profile and prior, shape (rows,), and their density at `roots`, (grid, rows)."""
    open_below = roots[0] <= _NO_FLOOR
    fine = np.linspace(np.where(open_below, _LOWEST, roots[0]), roots[-1], _FINE)
    mass = -0.5 * precision * (fine - eta) ** 2
    rows = range(roots.shape[1])
    mass += np.stack([np.interp(fine[:, r], roots[:, r], log_profile[:, r]) for r in rows], axis=1)
    mass = np.exp(mass - mass.max(axis=0))
    mean = (fine * mass).sum(axis=0) / mass.sum(axis=0)
    spread = np.sqrt(((fine - mean) ** 2 * mass).sum(axis=0) / mass.sum(axis=0))
    at = np.stack([np.interp(roots[:, r], fine[:, r], mass[:, r]) for r in rows], axis=1)
    return mean, spread, at + 1e-3


def _profile(linear, certain, theta, eta, precision, pivot, others, roots):
    """Return the log profile density (grid, rows), and slopes of modes and values of the others where it is highest, each floor from the one before."""
    grid, rows = roots.shape
    log_profile, along = np.empty((grid, rows)), np.empty((grid, rows, len(others)))
    slopes = np.empty((grid, *certain.shape, len(others)))
    at, prior = theta.copy(), np.diag(precision[others])
    for g in range(grid):
        at[:, pivot] = roots[g]
        for step in range(_FIRST_STEPS if g == 0 else _STEPS, -1, -1):
            slope, rests = linear(at)
            slopes[g] = slope[..., others]
            across, gradient = quadratic(slopes[g], rests, certain)
            apart = at[:, others] - eta[:, others]
            if step:
                move = np.linalg.solve(across + prior, (gradient - precision[others] * apart)[..., None])
                at[:, others] += np.clip(move[..., 0], -_LONGEST, _LONGEST)
        # Laplace's approximation of the integral over the others.
        log_profile[g] = -0.5 * (
            (certain * rests**2).sum(axis=1) + (precision[others] * apart**2).sum(axis=1)
        )
        log_profile[g] -= 0.5 * np.linalg.slogdet(across + prior)[1]
        along[g] = at[:, others]
    return log_profile, slopes, along


def _lowest_levels(layout: Layout, hierarchy: Hierarchy) -> np.ndarray:
    """Return the lowest mean error of each row's cells, as a fraction of the curve's unit."""
    mean, _ = layout.seed_means()
    lowest = np.full(hierarchy.n_rows, np.inf)
    np.minimum.at(
        lowest, hierarchy.row[layout.cell_curve], layout.scale.errors(mean) / layout.unit[layout.cell_curve]
    )
    return np.minimum(lowest, 0.999)
