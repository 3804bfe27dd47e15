"""The ridge of a short curve: how its other parameters must follow the floor for the law to stay on the data.

Short sizes cannot tell a high floor from a slow exponent: a curve's likelihood is a narrow, curved ridge along the
floor, while across it, given the floor, it is nearly normal. Each curve is profiled along a grid of floors before sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout

#: Highest power of the floor in the score along the ridge.
DEGREE = 3
_COARSE, _GRID, _FINE = 24, 16, 200
_REACH = 4.0  # standard deviations of the floor
_NO_FLOOR = -0.1  # root of a floor that is all but 0
_LOWEST = -0.5  # lowest root that is looked at
_FIRST_STEPS, _STEPS, _LONGEST = 20, 4, 0.7

#: From theta to every row's sum of squared rests, information and gradient.
Quadratic = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """Quadratic approximation of each row's log likelihood, across and along its ridge.

    Parameters
    ----------
    information
        Shape (rows, parameters, parameters); nothing between the floor and the others.
    score
        Coefficients in powers of the floor's level (see `level`), shape (rows, parameters, DEGREE + 1); for the floor itself,
        and without one, the power 0 alone.
    path
        The parameters on the ridge, less those at the penalised fit, as coefficients of the same shape; 0 for the floor.
    centre, width
        Middle and half width of the floors that a row was profiled at, fractions of the curve's unit, shape (rows,).
    """

    information: np.ndarray
    score: np.ndarray
    path: np.ndarray
    centre: np.ndarray
    width: np.ndarray

    def level(self, floor: np.ndarray) -> np.ndarray:
        """Return floors on the scale of `centre` and `width`, kept within -1 to 1; shape (..., rows)."""
        return np.clip((floor - self.centre) / self.width, -1.0, 1.0)


def floor_index(hierarchy: Hierarchy) -> int | None:
    """Return the position of the parameter along which curves are profiled; None without a floor per curve."""
    for k, spec in enumerate(hierarchy.curve_specs):
        if spec.support == "fraction" and len(hierarchy.curve_specs) > 1:
            return k
    return None


def trace_ridge(
    layout: Layout,
    hierarchy: Hierarchy,
    quadratic: Quadratic,
    theta: np.ndarray,
    eta: np.ndarray,
    precision: np.ndarray,
) -> Ridge:
    """Return every row's ridge: as far along the floor as the data and `precision` leave it open.

    Parameters
    ----------
    theta, eta, precision
        Penalised fit and its group-level means, shape (rows, parameters), and the inverse variance around these (parameters,).
        It decides where a curve is looked at; what is kept is what its own data say there.
    """
    rows, n_own = theta.shape
    pivot = floor_index(hierarchy)
    score, path = np.zeros((2, rows, n_own, DEGREE + 1))
    if pivot is None:
        _, information, gradient = quadratic(theta)
        score[..., 0] = gradient + np.einsum("rkl,rl->rk", information, theta)
        return Ridge(information, score, path, np.zeros(rows), np.ones(rows))
    spec = hierarchy.curve_specs[pivot]
    others = np.delete(np.arange(n_own), pivot)
    highest = np.maximum(0.995 * spec.unconstrain(_lowest_levels(layout, hierarchy)), 0.0)
    lower, upper = np.full(rows, _NO_FLOOR), highest
    for grid in (_COARSE, _GRID):  # the second only where the floor may be
        roots = np.linspace(lower, upper, grid)  # (grid, rows)
        log_profile, across, along = _profile(quadratic, theta, eta, precision, pivot, others, roots)
        fine = np.linspace(np.where(lower > _NO_FLOOR, lower, _LOWEST), upper, _FINE)
        mass = -0.5 * precision[pivot] * (fine - eta[:, pivot]) ** 2
        mass += np.stack([np.interp(fine[:, r], roots[:, r], log_profile[:, r]) for r in range(rows)], axis=1)
        mass = np.exp(mass - mass.max(axis=0))
        mean = (fine * mass).sum(axis=0) / mass.sum(axis=0)
        spread = np.sqrt(((fine - mean) ** 2 * mass).sum(axis=0) / mass.sum(axis=0))
        reach = _REACH * np.maximum(spread, 1e-3)
        lower, upper = np.clip(mean - reach, _NO_FLOOR, highest - 2e-3), np.minimum(mean + reach, highest)
        upper = np.maximum(upper, lower + 2e-3)

    floors = spec.constrain(roots)
    centre, width = 0.5 * (floors[-1] + floors[0]), 0.5 * (floors[-1] - floors[0])
    information = np.zeros((rows, n_own, n_own))
    data = np.maximum(1.0 / np.maximum(spread**2, 1e-8) - precision[pivot], 1e-3)
    information[:, pivot, pivot] = data
    score[:, pivot, 0] = (data + precision[pivot]) * mean - precision[pivot] * eta[:, pivot]
    for row in range(rows):
        weight = np.interp(roots[:, row], fine[:, row], mass[:, row]) + 1e-3
        inner = np.average(across[:, row], axis=0, weights=weight)
        information[row][np.ix_(others, others)] = inner
        powers = np.vander((floors[:, row] - centre[row]) / width[row], DEGREE + 1, increasing=True)
        normal = (powers.T * weight) @ powers + 1e-6 * weight.sum() * np.eye(DEGREE + 1)
        path[row, others] = np.linalg.solve(normal, (powers.T * weight) @ along[:, row]).T
        score[row, others] = (inner + np.diag(precision[others])) @ path[row, others]
        score[row, others, 0] -= precision[others] * eta[row, others]
    ridge = Ridge(information, score, path, centre, width)
    expected = ridge.level(spec.constrain(eta[:, pivot]))[:, None] ** np.arange(1, DEGREE + 1)
    path[:, :, 0] = -np.einsum("rkp,rp->rk", path[:, :, 1:], expected)
    return ridge


def _profile(quadratic, theta, eta, precision, pivot, others, roots):
    """Return log profile density (grid, rows), information and mode of the others, each floor from the one before."""
    grid, rows = roots.shape
    n_others = len(others)
    log_profile = np.empty((grid, rows))
    across, along = np.empty((grid, rows, n_others, n_others)), np.empty((grid, rows, n_others))
    at, prior = theta.copy(), np.diag(precision[others])
    for g in range(grid):
        at[:, pivot] = roots[g]
        for step in range(_FIRST_STEPS if g == 0 else _STEPS, -1, -1):
            rest, information, gradient = quadratic(at)
            across[g], slope = information[:, others][:, :, others], gradient[:, others]
            apart = at[:, others] - eta[:, others]
            if step:
                move = np.linalg.solve(across[g] + prior, (slope - precision[others] * apart)[..., None])[
                    ..., 0
                ]
                at[:, others] += np.clip(move, -_LONGEST, _LONGEST)
        # Laplace's approximation of the integral over the others.
        log_profile[g] = -0.5 * (rest + (precision[others] * apart**2).sum(axis=1))
        log_profile[g] -= 0.5 * np.linalg.slogdet(across[g] + prior)[1]
        along[g] = at[:, others]
    return log_profile, across, along


def _lowest_levels(layout: Layout, hierarchy: Hierarchy) -> np.ndarray:
    """Return the lowest mean error of each row's cells, as a fraction of the curve's unit."""
    mean, _ = layout.seed_means()
    lowest = np.full(hierarchy.n_rows, np.inf)
    np.minimum.at(
        lowest, hierarchy.row[layout.cell_curve], layout.errors(mean) / layout.unit[layout.cell_curve]
    )
    return np.minimum(lowest, 0.999)
