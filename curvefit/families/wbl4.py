"""Weibull: a stretched exponential in n."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import EXPONENT, FAMILIES, FLOOR, ONSET, AbstractFamily
from curvefit.families.shape_prior import LATE_ONSET_PRIOR, ShapePrior


class Wbl4(AbstractFamily):
    """``floor + (chance - floor) * exp(-(n / onset) ** exponent)``; its exponent is not a power-law exponent.

    References
    ----------
    F. Mohr et al., LCDB 1.0, ECML PKDD 2022 (``wbl4``: ``c - b exp(-a n^d)`` for accuracies).
    """

    name = "wbl4"
    parameters = (EXPONENT, ONSET, FLOOR)
    shape_priors = (ShapePrior("exponent", np.log(0.4).item(), 0.5), LATE_ONSET_PRIOR)

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any) -> Any:
        return floor + (chance - floor) * xp.exp(-xp.exp(exponent * xp.log(n / onset)))


FAMILIES.add(Wbl4.name, Wbl4())
