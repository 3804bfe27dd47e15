"""Power law whose onset may be drawn out over decades of n, by as much for all curves."""

from __future__ import annotations

from typing import Any

from curvefit.families.abstract import (
    EXPONENT,
    FAMILIES,
    FLOOR,
    ONSET,
    AbstractFamily,
    ParamSpec,
    onset_amplitude,
)
from curvefit.families.shape_prior import EXPONENT_PRIOR, ONSET_PRIOR, ShapePrior

SHARPNESS = ParamSpec(
    "sharpness",
    "positive",
    (0.0, 0.15),
    0.5,
    "common",
    "how sharply learning sets in (1: as in the power law; less: over more decades of n)",
)


class GradualPowerLaw(AbstractFamily):
    """``floor + (chance - floor) * (1 + (n / onset) ** sharpness) ** (-exponent / sharpness)``.

    The limits are those of the power law: chance at n = 0 and ``floor + amplitude * n ** -exponent`` at large n, reached the later
    the smaller the sharpness, which all curves share: one curve alone can hardly tell it from its exponent.
    """

    name = "gradual-power-law"
    parameters = (EXPONENT, ONSET, FLOOR, SHARPNESS)
    shape_priors = (EXPONENT_PRIOR, ONSET_PRIOR, ShapePrior("sharpness", *SHARPNESS.prior))

    @staticmethod
    def formula(
        xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any, sharpness: Any
    ) -> Any:
        rise = xp.log1p(xp.exp(sharpness * xp.log(n / onset)))
        return floor + (chance - floor) * xp.exp(-exponent / sharpness * rise)

    amplitude = onset_amplitude


FAMILIES.add(GradualPowerLaw.name, GradualPowerLaw())
