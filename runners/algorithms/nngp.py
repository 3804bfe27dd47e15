"""Bayesian inference in an infinitely wide net: its Gaussian process."""

from __future__ import annotations

from typing import ClassVar, Literal

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.kernel_regression import AbstractKernelRegression


@ALGORITHMS.register("nngp")
class NNGP(AbstractKernelRegression):
    """Posterior mean of the neural network Gaussian process (Lee et al., arXiv:1711.00165)."""

    kind: ClassVar[Literal["nngp", "ntk"]] = "nngp"
