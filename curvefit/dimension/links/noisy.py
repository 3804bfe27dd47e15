"""Noisy: the minimax exponent 2s/(2s+d) of regression with label noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import PositiveFloat

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("noisy")
class Noisy(AbstractLink):
    """``exponent = 2s/(2s + d)``: the best rate for s-smooth targets seen through noise.

    Parameters
    ----------
    smoothness
        s: derivatives of the target.

    References
    ----------
    Stone (1982), Ann. Statist. 10(4), 1040-1053.
    """

    name = "noisy"
    formula = "exponent = 2s/(2s + d)"
    source = "Stone 1982, Ann. Statist. 10, 1040"
    condition = "excess mean squared error under label noise, regularisation tuned at every size, target smoothness s known"

    smoothness: PositiveFloat = 1.0

    def dimension(self, exponent: Any) -> np.ndarray:
        rate = positive(exponent)
        return positive(2 * self.smoothness * (1.0 / rate - 1.0))

    def exponent(self, dimension: Any) -> np.ndarray:
        return 2 * self.smoothness / (2 * self.smoothness + positive(dimension))
