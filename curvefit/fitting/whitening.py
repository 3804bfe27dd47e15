"""Whitening: curve-level parameters sampled in the units of what each curve's own data say about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from curvefit.fitting.ridge import DEGREE


class Whiten(Transform):
    """Transform of ``theta ~ Normal(eta, sd)``, shape (rows, parameters), to nearly standard normal coordinates.

    With a curve's data information W and score r from the penalised fit, A = diag(1/sd^2) + W = L L' and
    m = A^-1 (eta/sd^2 + r), the coordinates are ``L' (theta - m)``. Where the family has a floor, W has no terms
    between it and the others, and their score is a polynomial of its level: the coordinates follow the curve's ridge.
    The change of variables is exact (triangular: the floor first, the others given it), so neither prior nor posterior
    depends on how good W and r are; only the sampler's speed does.

    Parameters
    ----------
    information
        W, shape (rows, parameters, parameters).
    score
        Coefficients of r in powers of the floor's level, shape (rows, parameters, powers).
    n_parameters
        Parameters per row.
    floor_index
        Position of the floor; None for a score that depends on nothing.
    level
        Function from the estimated floor to its level along the ridge (see `Ridge.level`).
    """

    name = "whiten"

    def __init__(
        self,
        information: Any,
        score: Any,
        n_parameters: int,
        floor_index: int | None = None,
        level: Callable[[Any], Any] | None = None,
    ) -> None:
        self.information = information
        self.score = score
        self.n_parameters = n_parameters
        self.floor_index = floor_index
        self.level = level
        self.others = [k for k in range(n_parameters) if k != floor_index]

    def backward(self, value: Any, *inputs: Any) -> Any:
        eta, sd = self._group_level(inputs)
        theta: list[Any] = [None] * self.n_parameters
        at = None
        if self.floor_index is not None:
            centre, scale = self._floor_parts(eta, sd)
            at = theta[self.floor_index] = centre + value[:, self.floor_index] / scale
        factor = self._factor(sd)
        rest = self._centre(factor, eta, sd, at)
        for i in reversed(range(len(self.others))):
            part = rest[i] + value[:, self.others[i]]
            for k in range(i + 1, len(self.others)):
                part = part - factor[k][i] * theta[self.others[k]]
            theta[self.others[i]] = part / factor[i][i]
        return pt.stack(theta, axis=-1)

    def forward(self, value: Any, *inputs: Any) -> Any:
        eta, sd = self._group_level(inputs)
        columns: list[Any] = [None] * self.n_parameters
        at = None
        if self.floor_index is not None:
            centre, scale = self._floor_parts(eta, sd)
            at = value[:, self.floor_index]
            columns[self.floor_index] = (at - centre) * scale
        factor = self._factor(sd)
        for i, shift in enumerate(self._centre(factor, eta, sd, at)):
            total = -shift
            for k in range(i, len(self.others)):
                total = total + factor[k][i] * value[:, self.others[k]]
            columns[self.others[i]] = total
        return pt.stack(columns, axis=-1)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        eta, sd = self._group_level(inputs)
        parts: list[Any] = [None] * self.n_parameters
        if self.floor_index is not None:
            parts[self.floor_index] = -pt.log(self._floor_parts(eta, sd)[1])
        factor = self._factor(sd)
        for i, k in enumerate(self.others):
            parts[k] = -pt.log(factor[i][i])
        return pt.stack(parts, axis=-1)

    def _group_level(self, inputs: Any) -> tuple[Any, Any]:
        shape = self.score.shape[:2]
        return pt.broadcast_to(inputs[-2], shape), pt.broadcast_to(inputs[-1], shape)

    def _floor_parts(self, eta: Any, sd: Any) -> tuple[Any, Any]:
        """Return mean and inverse standard deviation of the floor."""
        k = self.floor_index
        precision = 1.0 / sd[:, k] ** 2
        total = precision + self.information[:, k, k]
        return (precision * eta[:, k] + self.score[:, k, 0]) / total, pt.sqrt(total)

    def _factor(self, sd: Any) -> list[list[Any]]:
        """Return the Cholesky factor of the others, element by element over rows."""
        size = len(self.others)
        factor: list[list[Any]] = [[None] * size for _ in range(size)]
        for i, a in enumerate(self.others):
            for j, b in enumerate(self.others[: i + 1]):
                value = self.information[:, a, b] + (1.0 / sd[:, a] ** 2 if i == j else 0.0)
                for k in range(j):
                    value = value - factor[i][k] * factor[j][k]
                factor[i][j] = pt.sqrt(value) if i == j else value / factor[j][j]
        return factor

    def _centre(self, factor: list[list[Any]], eta: Any, sd: Any, floor: Any) -> list[Any]:
        """Return ``L^-1 (eta/sd^2 + r)`` of the others, with r at the given (estimated) floor."""
        level = self.level(floor) if floor is not None and self.level is not None else None
        centre: list[Any] = []
        for i, a in enumerate(self.others):
            score = self.score[:, a, 0]
            if level is not None:
                score = self.score[:, a, DEGREE]
                for power in reversed(range(DEGREE)):
                    score = score * level + self.score[:, a, power]
            value = eta[:, a] / sd[:, a] ** 2 + score
            for k in range(i):
                value = value - factor[i][k] * centre[k]
            centre.append(value / factor[i][i])
        return centre
