"""Ratio: dimensions are inversely proportional to exponents; needs no constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("ratio")
class Ratio(AbstractLink):
    """Dimension proportional to 1/exponent: the unknown smoothness cancels in every ratio of dimensions."""

    name = "ratio"
    formula = "d proportional to 1/exponent, so that only ratios of dimensions are read"
    source = "common to every law exponent = s/d"
    condition = (
        "curves with the same target smoothness s, loss and noise, in the range where each is a power law"
    )
    relative = True
    metrics = ()

    def dimension(self, exponent: Any) -> np.ndarray:
        return 1.0 / positive(exponent)

    def exponent(self, dimension: Any) -> np.ndarray:
        return 1.0 / positive(dimension)
