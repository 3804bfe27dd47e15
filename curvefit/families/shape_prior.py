"""Priors of a family's shape: what point fits and forecasts, which know one curve alone, believe of it beforehand.

Of a family ``floor + (chance - floor) * shape(n)`` the shape falls from 1 at few examples to 0 at many, and has all parameters but
the floor. Its priors are stated relative to the range of sizes that was seen, so that one setting serves sizes of 16 and of 10**11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class ShapePrior:
    """Normal prior of the logarithm of one parameter of a shape.

    Parameters
    ----------
    name
        Parameter of the family.
    mean, sd
        Of the logarithm; for sizes, of ``log(size / anchor)``.
    anchor
        ``""`` for a pure number, ``"first"`` or ``"last"`` for a size relative to the smallest or largest seen.
    """

    name: str
    mean: float
    sd: float
    anchor: Literal["", "first", "last"] = ""


#: Priors that most families share.
EXPONENT_PRIOR = ShapePrior("exponent", np.log(0.5).item(), 0.7)
ONSET_PRIOR = ShapePrior("onset", 0.0, 2.0, "first")
LATE_ONSET_PRIOR = ShapePrior("onset", 1.0, 2.0, "first")
