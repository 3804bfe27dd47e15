"""The last value repeated: the baseline that most extrapolators fail to beat."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import FAMILIES, AbstractFamily, ParamSpec

LEVEL = ParamSpec("level", "positive", (-1.0, 1.5), 1.0, "main", "error at the largest size", "error")


class LastValue(AbstractFamily):
    """A constant. A fit of it uses the largest size of every curve alone."""

    name = "last-value"
    parameters = (LEVEL,)
    needs_chance = False
    constant = True

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, level: Any) -> Any:
        return level + 0.0 * n


FAMILIES.add(LastValue.name, LastValue())
