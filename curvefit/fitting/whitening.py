"""Whitening: curve-level parameters sampled in the units of what each curve's own data say about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from curvefit.fitting.ridge import DEGREE


def whitened(
    eta: Any,
    sd: Any,
    information: Any,
    score: Any,
    floor_index: int | None,
    level: Callable[[Any], Any] | None,
    shape: tuple[int, int],
) -> Any:
    """Add ``theta ~ Normal(eta, sd)``, sampled in nearly standard normal coordinates, and return it; shape (rows, parameters).

    With a curve's data information W and score r from the penalised fit, A = diag(1/sd^2) + W = L L' and
    m = A^-1 (eta/sd^2 + r), the coordinates are ``L' (theta - m)``. Where the family has a floor, W has no terms
    between it and the others, and their score is a polynomial of its level: the coordinates follow the curve's ridge.
    W and r are those of laws that walk by the step at which the density is taken. The change of variables is exact (triangular:
    the floor first, the others given it), so neither prior nor posterior depends on how good W and r are; only the sampler's
    speed does.

    Parameters
    ----------
    eta, sd
        Prior means and standard deviations, of that shape.
    information, score
        W, shape (rows, parameters, parameters), and the coefficients of r in powers of the floor's level, shape (rows,
        parameters, powers); see `Ridge.at_walk`.
    floor_index
        Position of the floor; None for a score that depends on nothing.
    level
        Function from the estimated floor to its level along the ridge (see `Ridge.level`).
    """
    z = pm.Flat("theta_free", shape=shape)
    theta: list[Any] = [None] * shape[1]
    log_jacobian, at = 0.0, None
    if floor_index is not None:
        k = floor_index
        precision = 1.0 / sd[:, k] ** 2
        total = precision + information[:, k, k]
        theta[k] = (precision * eta[:, k] + score[:, k, 0]) / total + z[:, k] / pt.sqrt(total)
        log_jacobian -= 0.5 * pt.log(total).sum()
        at = level(theta[k]) if level is not None else None
    others = [k for k in range(shape[1]) if k != floor_index]
    factor = _factor(information, sd, others)
    rest = _centre(factor, eta, sd, score, others, at)
    for i in reversed(range(len(others))):
        part = rest[i] + z[:, others[i]]
        for k in range(i + 1, len(others)):
            part = part - factor[k][i] * theta[others[k]]
        theta[others[i]] = part / factor[i][i]
        log_jacobian -= pt.log(factor[i][i]).sum()
    found = pt.stack(theta, axis=-1)
    normal = -0.5 * (((found - eta) / sd) ** 2 + np.log(2 * np.pi)) - pt.log(sd)
    pm.Potential("theta_prior", normal.sum() + log_jacobian)
    return pm.Deterministic("theta", found, dims=("row", "parameter"))


def _factor(information: Any, sd: Any, others: list[int]) -> list[list[Any]]:
    """Return the Cholesky factor of the others, element by element over rows."""
    factor: list[list[Any]] = [[None] * len(others) for _ in others]
    for i, a in enumerate(others):
        for j, b in enumerate(others[: i + 1]):
            value = information[:, a, b] + (1.0 / sd[:, a] ** 2 if i == j else 0.0)
            for k in range(j):
                value = value - factor[i][k] * factor[j][k]
            factor[i][j] = pt.sqrt(value) if i == j else value / factor[j][j]
    return factor


def _centre(factor: list[list[Any]], eta: Any, sd: Any, score: Any, others: list[int], at: Any) -> list[Any]:
    """Return ``L^-1 (eta/sd^2 + r)`` of the others, with r at the given level of the floor."""
    centre: list[Any] = []
    for i, a in enumerate(others):
        pull = score[:, a, 0]
        if at is not None:
            pull = score[:, a, DEGREE]
            for power in reversed(range(DEGREE)):
                pull = pull * at + score[:, a, power]
        value = eta[:, a] / sd[:, a] ** 2 + pull
        for k in range(i):
            value = value - factor[i][k] * centre[k]
        centre.append(value / factor[i][i])
    return centre
