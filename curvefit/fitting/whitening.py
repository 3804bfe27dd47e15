"""Whitening: curve-level parameters sampled in the units of what each curve's own data say about them."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class Whiten(Transform):
    """Transform of ``theta ~ Normal(eta, sd)``, shape (rows, parameters), to nearly standard normal coordinates.

    With a curve's data information W and score r from the penalised fit, A = diag(1/sd^2) + W = L L' and
    m = A^-1 (eta/sd^2 + r), the coordinates are ``L' (theta - m)``. The change of variables is exact, so neither
    prior nor posterior depends on how good W is; only the sampler's speed does.

    Parameters
    ----------
    information
        W, shape (rows, parameters, parameters).
    score
        r, shape (rows, parameters).
    n_parameters
        Parameters per row.
    """

    name = "whiten"

    def __init__(self, information: Any, score: Any, n_parameters: int) -> None:
        self.information = information
        self.score = score
        self.n_parameters = n_parameters

    def _parts(self, inputs: Any) -> tuple[list[list[Any]], list[Any]]:
        """Return the Cholesky factor, element by element over rows, and ``L^-1 (eta/sd^2 + r)``."""
        eta, sd = inputs[-2], inputs[-1]
        precision = 1.0 / pt.broadcast_to(sd, self.score.shape) ** 2
        size = self.n_parameters
        factor: list[list[Any]] = [[None] * size for _ in range(size)]
        for i in range(size):
            for j in range(i + 1):
                value = self.information[:, i, j] + (precision[:, i] if i == j else 0.0)
                for k in range(j):
                    value = value - factor[i][k] * factor[j][k]
                factor[i][j] = pt.sqrt(value) if i == j else value / factor[j][j]
        centre: list[Any] = []
        for i in range(size):
            value = precision[:, i] * eta[:, i] + self.score[:, i]
            for k in range(i):
                value = value - factor[i][k] * centre[k]
            centre.append(value / factor[i][i])
        return factor, centre

    def backward(self, value: Any, *inputs: Any) -> Any:
        factor, centre = self._parts(inputs)
        size = self.n_parameters
        theta: list[Any] = [None] * size
        for i in reversed(range(size)):
            rest = centre[i] + value[:, i]
            for k in range(i + 1, size):
                rest = rest - factor[k][i] * theta[k]
            theta[i] = rest / factor[i][i]
        return pt.stack(theta, axis=-1)

    def forward(self, value: Any, *inputs: Any) -> Any:
        factor, centre = self._parts(inputs)
        size = self.n_parameters
        columns = []
        for i in range(size):
            total = -centre[i]
            for k in range(i, size):
                total = total + factor[k][i] * value[:, k]
            columns.append(total)
        return pt.stack(columns, axis=-1)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        factor, _ = self._parts(inputs)
        return pt.stack([-pt.log(factor[i][i]) for i in range(self.n_parameters)], axis=-1)
