"""Bayesian inference in an infinitely wide net: its Gaussian process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.kernel_problem import Problem
from runners.algorithms.kernel_regression import AbstractKernelRegression
from runners.kernels.factor import Factor
from runners.kernels.regression import predict_variance


@ALGORITHMS.register("nngp")
class NNGP(AbstractKernelRegression):
    """Posterior mean of the neural network Gaussian process (Lee et al., arXiv:1711.00165).

    Parameters
    ----------
    posterior_variance
        Whether records hold the posterior variance of the function, averaged over the test images.
    """

    kind: ClassVar[Literal["nngp", "ntk"]] = "nngp"

    posterior_variance: bool = False

    def describe(self, problem: Problem, factor: Factor, sizes: Sequence[int]) -> dict[int, dict[str, Any]]:
        notes = super().describe(problem, factor, sizes)
        if self.posterior_variance:
            prior = problem.compute_prior_variance()
            against = problem.test.nngp[: factor.n_train]
            for n, variance in predict_variance(factor, against, prior, sizes):
                notes[n]["posterior_variance"] = float(variance.mean())
        return notes
