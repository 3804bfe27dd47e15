"""Gradient flow in an infinitely wide net: its neural tangent kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveFloat, model_validator

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.kernel_problem import Problem
from runners.algorithms.kernel_regression import AbstractKernelRegression, Solved
from runners.kernels.regression import predict_flow


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

    def solve(self, problem: Problem, sizes: list[int]) -> Iterator[Solved]:
        if self.flow_time is None:
            yield from super().solve(problem, sizes)
            return
        for n in sizes:
            train = problem.train.ntk[:n, :n]
            ridge = self.ridge * problem.scale["ntk"] / (float(np.trace(train)) / n)
            flow = predict_flow(
                train, problem.targets[:n], problem.test.ntk[:n], [self.flow_time], ridge=ridge
            )
            yield n, (flow[0], {"flow_time": self.flow_time})
