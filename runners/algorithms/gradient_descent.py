"""Full-batch gradient descent to a training-loss target."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.gradient import AbstractGradientTraining

if TYPE_CHECKING:
    from runners.training.rules import AbstractRule

ALL = 1 << 62


@ALGORITHMS.register("gradient-descent")
class GradientDescent(AbstractGradientTraining):
    """Gradient descent on the whole training set, until the training loss is small.

    With a small learning rate and wide nets it follows the tangent kernel (Jacot, Gabriel, Hongler 2018,
    arXiv:1806.07572).

    Parameters
    ----------
    momentum
        Heavy-ball momentum; 0 for plain descent.
    """

    default_steps: ClassVar[int] = 5000

    momentum: float = Field(default=0.0, ge=0, lt=1)
    stop_loss: PositiveFloat | None = 0.01

    @property
    def largest_batch(self) -> int:
        return ALL

    def rule(self) -> AbstractRule:
        from runners.training.rules import Momentum

        return Momentum(self.momentum)
