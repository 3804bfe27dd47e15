"""Adam, with L2 weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveFloat

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.gradient import AbstractStochasticTraining

if TYPE_CHECKING:
    from runners.training.rules import AbstractRule


@ALGORITHMS.register("adam")
class Adam(AbstractStochasticTraining):
    """Adam: a step per coordinate, so that sign flips and permutations take the place of rotations.

    Parameters
    ----------
    first_beta, second_beta, epsilon
        Forgetting factors of the gradient's mean and mean square, and the term that keeps the step finite.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980; its symmetry: Li, Zhang, Arora (2021), arXiv:2010.08515, Table 1.
    """

    elements: ClassVar[Literal["orthogonal", "signed-permutation"]] = "signed-permutation"
    decoupled: ClassVar[bool] = False

    first_beta: float = Field(default=0.9, ge=0, lt=1)
    second_beta: float = Field(default=0.999, ge=0, lt=1)
    epsilon: PositiveFloat = 1e-8

    def rule(self) -> AbstractRule:
        from runners.training.rules import AdamRule

        return AdamRule((self.first_beta, self.second_beta), self.epsilon, self.decoupled)
