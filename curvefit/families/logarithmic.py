"""Error that falls by the same fraction of itself per decade of examples, without a floor."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import FAMILIES, AbstractFamily, ParamSpec

LEVEL = ParamSpec(
    "level", "positive", (-1.0, 1.5), 1.0, "main", "error at 1000 examples, on the line", "error"
)
DECADE_DROP = ParamSpec(
    "decade_drop",
    "positive",
    (np.log(0.1).item(), 1.0),
    0.5,
    "factorial",
    "fall per decade of examples",
    "error",
)


class Logarithmic(AbstractFamily):
    """``decade_drop * log10(1 + zero / n)`` with ``log10(zero / 1000) = level / decade_drop``.

    That is the straight line ``level - decade_drop * log10(n / 1000)`` where it is above `decade_drop` (less than 5 % from it), and
    falls as 1 / n beyond the size where the line would reach 0. A curve whose sizes are rescaled is again such a curve.
    """

    name = "logarithmic"
    parameters = (DECADE_DROP, LEVEL)
    needs_chance = False

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, decade_drop: Any, level: Any) -> Any:
        width = decade_drop / np.log(10.0)
        scaled = level / width - xp.log(n / 1000.0)
        return width * (xp.maximum(scaled, 0.0) + xp.log1p(xp.exp(-abs(scaled))))

    def rescale_sizes(self, values: dict[str, Any], factor: float) -> dict[str, Any]:
        return {**values, "level": values["level"] + values["decade_drop"] * np.log10(factor)}


FAMILIES.add(Logarithmic.name, Logarithmic())
