"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.gradient import AbstractStochasticTraining

if TYPE_CHECKING:
    from runners.training.rules import AbstractRule


@ALGORITHMS.register("sgd")
class SGD(AbstractStochasticTraining):
    """Stochastic gradient descent; sees inputs only through products with the first layer's weights.

    Parameters
    ----------
    momentum, nesterov
        Heavy-ball momentum (0 for none), or Nesterov's.
    """

    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False

    def rule(self) -> AbstractRule:
        from runners.training.rules import Momentum

        return Momentum(self.momentum, self.nesterov)
