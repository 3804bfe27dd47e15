"""Noiseless: exponent 1/d of kernels with a cusp (Laplace, NTK of ReLU nets) on targets as rough as themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("noiseless")
class Noiseless(AbstractLink):
    """``exponent = 1/d``: Laplace-like kernels on Laplace-like targets without label noise.

    References
    ----------
    Spigler, Geiger, Wyart (2020), arXiv:1905.10843; Favero, Cagnetta, Wyart (2021), arXiv:2106.08619.
    """

    name = "noiseless"
    formula = "exponent = 1/d"
    source = "Spigler, Geiger, Wyart, arXiv:1905.10843 with alpha_T = alpha_S = d + 1"
    condition = (
        "mean squared error without label noise, a target and a kernel (Laplace, ReLU NTK) with the same cusp"
    )

    def dimension(self, exponent: Any) -> np.ndarray:
        return 1.0 / positive(exponent)

    def exponent(self, dimension: Any) -> np.ndarray:
        return 1.0 / positive(dimension)
