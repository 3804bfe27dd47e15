"""Exponential decay towards the floor: what a finite set of errors that training removes would give."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import FAMILIES, FLOOR, ONSET, AbstractFamily
from curvefit.families.shape_prior import ShapePrior


class Exponential(AbstractFamily):
    """``floor + (chance - floor) * exp(-n / onset)``."""

    name = "exponential"
    parameters = (ONSET, FLOOR)
    shape_priors = (ShapePrior("onset", -1.0, 1.5, "last"),)

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, onset: Any, floor: Any) -> Any:
        return floor + (chance - floor) * xp.exp(-n / onset)


FAMILIES.add(Exponential.name, Exponential())
