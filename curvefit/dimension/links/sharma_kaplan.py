"""Sharma-Kaplan: exponent 4/d of networks that fit a smooth target piecewise linearly."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("sharma-kaplan")
class SharmaKaplan(AbstractLink):
    """``exponent = 4/d``: squared error of a piecewise linear fit on a d-dimensional data manifold.

    References
    ----------
    Sharma, Kaplan (2020), arXiv:2004.10802.
    """

    name = "sharma-kaplan"
    formula = "exponent = 4/d"
    source = "Sharma, Kaplan, arXiv:2004.10802"
    condition = (
        "the loss against the number of parameters of a piecewise linear fit to a smooth target, taken over to the "
        "number of examples, where it is a heuristic"
    )

    def dimension(self, exponent: Any) -> np.ndarray:
        return 4.0 / positive(exponent)

    def exponent(self, dimension: Any) -> np.ndarray:
        return 4.0 / positive(dimension)
