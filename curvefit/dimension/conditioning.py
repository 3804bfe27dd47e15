"""What draws say of one quantity given another, by linear regression of the draws."""

from __future__ import annotations

import numpy as np

from curvefit.dimension.pairs import Pair
from curvefit.fitting.curve_fit import CurveFit

SUPPORTED = 2.0
"""Posterior sds within which zero must lie before a quantity is conditioned on being zero."""


def given_zero(quantity: np.ndarray, condition: np.ndarray) -> np.ndarray:
    """Return draws of `quantity` given that `condition` is zero, by linear regression of the draws.

    Exact for jointly normal draws; NaN where zero lies more than `SUPPORTED` posterior sds away.
    """
    spread = condition.std()
    if spread == 0:
        return quantity if condition[0] == 0 else np.full_like(quantity, np.nan)
    if abs(condition.mean()) > SUPPORTED * spread:
        return np.full_like(quantity, np.nan)
    slope = np.cov(quantity, condition)[0, 1] / condition.var(ddof=1)
    return quantity - slope * condition


def floor_share(fit: CurveFit, pair: Pair) -> float:
    """Return the share of the posterior variance of the log exponent ratio that fixing both floors removes."""
    base, aligned = fit.index(pair.baseline), fit.index(pair.aligned)
    exponent = np.log(fit.parameter("exponent"))
    ratio = exponent[:, aligned] - exponent[:, base]
    floors = fit.parameter("floor")[:, [base, aligned]]
    if ratio.var() == 0 or len(ratio) < 10:
        return float("nan")
    scale = floors.std(axis=0)
    free = scale > 1e-9 * np.abs(floors).mean(axis=0) + 1e-300
    if not free.any():
        return 0.0
    log_floors = np.log(np.clip(floors[:, free], 1e-300, None))
    design = np.column_stack([np.ones(len(ratio)), log_floors, floors[:, free] / scale[free]])
    fitted = design @ np.linalg.lstsq(design, ratio, rcond=None)[0]
    return float(np.clip(1 - (ratio - fitted).var() / ratio.var(), 0, 1))
