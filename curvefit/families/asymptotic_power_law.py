"""Power law with a floor and no chance level: for losses and curves whose start is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import EXPONENT, FAMILIES, OPEN_FLOOR, AbstractFamily, ParamSpec

#: Size at which `level` is read. An arbitrary constant: it decorrelates nothing by itself (whitening does),
#: it only makes the prior of the level one about sizes that people use.
REFERENCE_SIZE = 1000.0

LEVEL = ParamSpec("level", "positive", (-1.0, 2.0), 1.0, "main", "excess error at 1000 examples", "error")


class AsymptoticPowerLaw(AbstractFamily):
    """``floor + amplitude * n ** -exponent`` with ``amplitude = level * 1000 ** exponent``."""

    name = "asymptotic-power-law"
    parameters = (EXPONENT, LEVEL, OPEN_FLOOR)
    needs_chance = False

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, exponent: Any, level: Any, floor: Any) -> Any:
        return floor + level * xp.exp(-exponent * xp.log(n / REFERENCE_SIZE))

    def amplitude(self, *, chance: Any, **values: Any) -> np.ndarray:
        return values["level"] * REFERENCE_SIZE ** values["exponent"]

    def rescale_sizes(self, values: dict[str, Any], factor: float) -> dict[str, Any]:
        return {**values, "level": values["level"] * factor ** values["exponent"]}


FAMILIES.add(AsymptoticPowerLaw.name, AsymptoticPowerLaw())
