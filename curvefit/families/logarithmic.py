"""Error that falls by the same fraction of itself per decade of examples, without a floor."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import FAMILIES, AbstractFamily, ParamSpec

LEVEL = ParamSpec("level", "positive", (-1.0, 1.5), 1.0, "main", "error at 1000 examples", "error")
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
    """``level - decade_drop * log10(n / 1000)``, bent so that it stays above 0.

    A straight line in log n reaches negative errors; the softplus with a width of a tenth of the level keeps it
    positive and leaves it a straight line wherever the error is above a third of the level.
    """

    name = "logarithmic"
    parameters = (DECADE_DROP, LEVEL)
    needs_chance = False

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, decade_drop: Any, level: Any) -> Any:
        width = 0.1 * level
        scaled = (level - decade_drop * xp.log(n / 1000.0) / np.log(10.0)) / width
        return width * (xp.maximum(scaled, 0.0) + xp.log1p(xp.exp(-abs(scaled))))

    def rescale_sizes(self, values: dict[str, Any], factor: float) -> dict[str, Any]:
        return {**values, "level": values["level"] + values["decade_drop"] * np.log10(factor)}


FAMILIES.add(Logarithmic.name, Logarithmic())
