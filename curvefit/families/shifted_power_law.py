"""Power law that levels off at small n, at a height that is estimated: for curves whose chance level is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import (
    EXPONENT,
    FAMILIES,
    ONSET,
    OPEN_FLOOR,
    AbstractFamily,
    ParamSpec,
    onset_amplitude,
)

HEIGHT = ParamSpec("height", "positive", (0.2, 0.5), 0.3, "main", "excess error before any example", "error")


class ShiftedPowerLaw(AbstractFamily):
    """``floor + height * (1 + n / onset) ** -exponent``: the power law with the height in place of a known chance level.

    With ``n + onset`` in place of n it is the power law without a start, which it tends to for onsets far below the sizes.

    References
    ----------
    T. Viering, M. Loog, The shape of learning curves, arXiv:2103.10948 (there POW4).
    """

    name = "shifted-power-law"
    parameters = (EXPONENT, ONSET, OPEN_FLOOR, HEIGHT)
    needs_chance = False

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any, height: Any) -> Any:
        return floor + height * xp.exp(-exponent * xp.log1p(n / onset))

    def amplitude(self, *, chance: Any, **values: Any) -> np.ndarray:
        return onset_amplitude(self, chance=values["floor"] + values["height"], **values)


FAMILIES.add(ShiftedPowerLaw.name, ShiftedPowerLaw())
