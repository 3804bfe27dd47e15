"""M4: a power law that saturates at chance and at the floor, defined implicitly."""

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

SATURATION = ParamSpec(
    "saturation",
    "positive",
    (0.0, 0.5),
    0.5,
    "main",
    "how sharply the curve leaves chance (1: a logistic in log n)",
)
_NEWTON_STEPS = 8


class M4(AbstractFamily):
    """``h / (1 - h) ** saturation = (n / onset) ** -exponent`` for the excess ``h = (error - floor) / (chance - floor)``.

    With ``h = 1 / (1 + exp(-t))`` this is ``t + (saturation - 1) * softplus(t) = -exponent * log(n / onset)``,
    increasing in t; Newton steps from a bound on the safe side converge without overshooting.

    References
    ----------
    I. Alabdulmohsin, B. Neyshabur, X. Zhai, Revisiting neural scaling laws, NeurIPS 2022, arXiv:2209.06640.
    """

    name = "m4"
    parameters = (EXPONENT, ONSET, FLOOR, SATURATION)
    shape_priors = (EXPONENT_PRIOR, ONSET_PRIOR, ShapePrior("saturation", 0.0, 0.7))

    @staticmethod
    def formula(
        xp: Any, n: Any, *, chance: Any, exponent: Any, onset: Any, floor: Any, saturation: Any
    ) -> Any:
        target = -exponent * xp.log(n / onset)
        # Both asymptotes of the left side, t and saturation * t, shifted: the root is near one of them.
        t = xp.where(target > 0, target / saturation, target)
        for step in range(_NEWTON_STEPS):
            if step == _NEWTON_STEPS - 1:
                t = _constant(xp, t)
            softplus = xp.maximum(t, 0.0) + xp.log1p(xp.exp(-abs(t)))
            slope = 1.0 + (saturation - 1.0) / (1.0 + xp.exp(-t))
            t = t - (t + (saturation - 1.0) * softplus - target) / slope
        return floor + (chance - floor) / (1.0 + xp.exp(-t))

    amplitude = onset_amplitude


def _constant(xp: Any, t: Any) -> Any:
    """Hide `t` from differentiation: at the root, the last Newton step alone has the implicit function's derivative."""
    if xp is np:
        return t
    from pytensor.gradient import disconnected_grad

    return disconnected_grad(t)


FAMILIES.add(M4.name, M4())
