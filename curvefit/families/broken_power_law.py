"""Power law whose exponent changes once, at a break common to all curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.families.abstract import EXPONENT, FAMILIES, FLOOR, ONSET, AbstractFamily, ParamSpec
from curvefit.families.shape_prior import EXPONENT_PRIOR, ONSET_PRIOR, ShapePrior

BREAK_SIZE = ParamSpec(
    "break_size",
    "positive",
    (np.log(500.0).item(), 1.5),
    1.0,
    "common",
    "size at the break (examples)",
    "size",
)
EARLY_RATIO = ParamSpec(
    "early_ratio",
    "positive",
    (0.0, 0.5),
    0.5,
    "common",
    "exponent before the break over the exponent after it",
)


class BrokenPowerLaw(AbstractFamily):
    """Exponent ``early_ratio * exponent`` below `break_size` and `exponent` above it.

    ``floor + (chance - floor) * (1 + n/onset) ** -(early_ratio * exponent)
    * (1 + (n/break_size)**2) ** -(exponent * (1 - early_ratio) / 2)``. Break and ratio are shared by all curves: one curve
    alone cannot tell them from its exponent.

    References
    ----------
    E. Caballero et al., Broken neural scaling laws, ICLR 2023, arXiv:2210.14891 (one break of fixed sharpness).
    """

    name = "broken-power-law"
    parameters = (EXPONENT, ONSET, FLOOR, BREAK_SIZE, EARLY_RATIO)
    shape_priors = (
        EXPONENT_PRIOR,
        ONSET_PRIOR,
        ShapePrior("break_size", -1.5, 1.5, "last"),
        ShapePrior("early_ratio", 0.0, 0.7),
    )

    @staticmethod
    def formula(
        xp: Any,
        n: Any,
        *,
        chance: Any,
        exponent: Any,
        onset: Any,
        floor: Any,
        break_size: Any,
        early_ratio: Any,
    ) -> Any:
        early = early_ratio * xp.log1p(n / onset)
        late = 0.5 * (1.0 - early_ratio) * xp.log1p((n / break_size) ** 2)
        return floor + (chance - floor) * xp.exp(-exponent * (early + late))

    def amplitude(self, *, chance: Any, **values: Any) -> np.ndarray:
        ratio = values["early_ratio"]
        scale = ratio * np.log(values["onset"]) + (1 - ratio) * np.log(values["break_size"])
        with np.errstate(over="ignore"):
            return (chance - values["floor"]) * np.exp(values["exponent"] * scale)


FAMILIES.add(BrokenPowerLaw.name, BrokenPowerLaw())
