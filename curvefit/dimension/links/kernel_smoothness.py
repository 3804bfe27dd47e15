"""Kernel smoothness: exponent s/d of a noiseless target with s derivatives' worth of power."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import PositiveFloat

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("kernel-smoothness")
class KernelSmoothness(AbstractLink):
    """``exponent = s/d`` with ``s = min(alpha_T - d, 2 alpha_S)`` of Spigler, Geiger and Wyart.

    Parameters
    ----------
    smoothness
        s: for a Gaussian-field target of Matern smoothness nu learned by a kernel smooth enough, 2 nu.

    References
    ----------
    Spigler, Geiger, Wyart (2020), arXiv:1905.10843.
    """

    name = "kernel-smoothness"
    formula = "exponent = s/d"
    source = "Spigler, Geiger, Wyart, arXiv:1905.10843"
    condition = (
        "mean squared error of kernel regression without label noise, smoothness s known and below saturation"
    )

    smoothness: PositiveFloat = 1.0

    def dimension(self, exponent: Any) -> np.ndarray:
        return self.smoothness / positive(exponent)

    def exponent(self, dimension: Any) -> np.ndarray:
        return self.smoothness / positive(dimension)
