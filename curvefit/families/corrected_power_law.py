"""Power law with a first correction to scaling, common to all curves."""

from __future__ import annotations

from typing import Any

import numpy as np

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

CORRECTION = ParamSpec(
    "correction", "positive", (-1.0, 1.0), 0.5, "common", "strength of the correction at the onset"
)
CORRECTION_EXPONENT = ParamSpec(
    "correction_exponent", "positive", (np.log(0.5).item(), 0.5), 0.5, "common", "exponent of the correction"
)


class CorrectedPowerLaw(AbstractFamily):
    """The power law with its size replaced by ``n * (1 + correction * (1 + n/onset) ** -w) ** -1``.

    The correction dies out as a power of n, so the exponent is the asymptotic one: in the limit
    ``floor + amplitude * n ** -exponent * (1 + exponent * correction * (n/onset) ** -w + ...)``,
    the leading form of corrections to scaling in critical phenomena.

    References
    ----------
    F. Wegner, Corrections to scaling laws, Phys. Rev. B 5, 4529 (1972).
    """

    name = "corrected-power-law"
    parameters = (EXPONENT, ONSET, FLOOR, CORRECTION, CORRECTION_EXPONENT)
    shape_priors = (
        EXPONENT_PRIOR,
        ONSET_PRIOR,
        ShapePrior("correction", *CORRECTION.prior),
        ShapePrior("correction_exponent", *CORRECTION_EXPONENT.prior),
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
        correction: Any,
        correction_exponent: Any,
    ) -> Any:
        ratio = n / onset
        damped = correction * xp.exp(-correction_exponent * xp.log1p(ratio))
        return floor + (chance - floor) * xp.exp(-exponent * xp.log1p(ratio / (1.0 + damped)))

    amplitude = onset_amplitude


FAMILIES.add(CorrectedPowerLaw.name, CorrectedPowerLaw())
