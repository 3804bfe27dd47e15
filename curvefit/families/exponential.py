"""Exponential decay towards the floor: what a finite set of errors that training removes would give."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import FAMILIES, FLOOR, ONSET, AbstractFamily


class Exponential(AbstractFamily):
    """``floor + (chance - floor) * exp(-n / onset)``."""

    name = "exponential"
    parameters = (ONSET, FLOOR)

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, onset: Any, floor: Any) -> Any:
        return floor + (chance - floor) * xp.exp(-n / onset)


FAMILIES.add(Exponential.name, Exponential())
