"""Gradient flow in an infinitely wide net: its neural tangent kernel."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import PositiveFloat, model_validator

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.kernel_regression import AbstractKernelRegression


@ALGORITHMS.register("ntk")
class NTK(AbstractKernelRegression):
    """Mean prediction of gradient flow with the neural tangent kernel (Jacot et al., arXiv:1806.07572).

    Parameters
    ----------
    flow_time
        Time at which the flow stops (one eigendecomposition a size); None for its limit, which is
        kernel regression.
    """

    kind: ClassVar[Literal["nngp", "ntk"]] = "ntk"

    flow_time: PositiveFloat | None = None

    @model_validator(mode="after")
    def _closed_forms_are_of_the_limit(self) -> NTK:
        if self.flow_time is not None and (self.leave_one_out or self.theory):
            raise ValueError("leave_one_out and theory belong to the limit: leave out flow_time, or them")
        return self

    def flow_times(self) -> float | None:
        return self.flow_time
