"""Power law with a floor, limited by chance: the reference family."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import EXPONENT, FAMILIES, FLOOR, ONSET, AbstractFamily, onset_amplitude
from curvefit.families.shape_prior import EXPONENT_PRIOR, ONSET_PRIOR


class PowerLaw(AbstractFamily):
    """``floor + (chance - floor) * (1 + n / onset) ** -exponent``.

    From chance at n = 0 to ``floor + amplitude * n ** -exponent`` for n far above the onset, where
    ``amplitude = (chance - floor) * onset ** exponent``.
    """

    name = "power-law"
    parameters = (EXPONENT, ONSET, FLOOR)
    shape_priors = (EXPONENT_PRIOR, ONSET_PRIOR)
    without_chance = "shifted-power-law"

    @staticmethod
    def formula(xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any) -> Any:
        return floor + (chance - floor) * xp.exp(-exponent * xp.log1p(n / onset))

    amplitude = onset_amplitude


FAMILIES.add(PowerLaw.name, PowerLaw())
