"""Sharma-Kaplan: exponent 4/d of networks that fit a smooth target piecewise linearly."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.dimension.links.abstract import LINKS, AbstractLink, positive


@LINKS.register("sharma-kaplan")
class SharmaKaplan(AbstractLink):
    """``exponent = 4/d``: a piecewise linear fit of a smooth target on a d-dimensional data manifold.

    A piece of n of them is ``n ** (-1/d)`` wide, a linear fit misses it by the square of that, and squared error and
    cross-entropy square once more.

    References
    ----------
    Sharma, Kaplan (2022), JMLR 23(9), arXiv:2004.10802, for the number of parameters; Bahri et al. (2021),
    arXiv:2102.06701, for the number of examples, where 4/d is what a smooth enough target allows.
    """

    name = "sharma-kaplan"
    formula = "exponent = 4/d"
    source = "Sharma, Kaplan, arXiv:2004.10802"
    condition = (
        "squared error or cross-entropy against the number of parameters of a piecewise linear fit to a smooth "
        "target, taken over to the number of examples, where it is a heuristic"
    )
    metrics = ("mse", "loss")

    def dimension(self, exponent: Any) -> np.ndarray:
        return 4.0 / positive(exponent)

    def exponent(self, dimension: Any) -> np.ndarray:
        return 4.0 / positive(dimension)
