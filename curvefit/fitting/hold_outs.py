"""Rolling-origin hold-outs of curves: the largest sizes left out, the families integrated over the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curvefit.fitting.forecast_curve import CurveEnsemble, fit_ensemble
from curvefit.fitting.seen_curve import SeenCurve

ORIGINS = (0.5, 0.7)
#: Sizes up to this many times the largest one kept are scored.
AHEAD = 4.0
FEWEST_SEEN = 5
#: Values are scored as no smaller than this share of a curve's largest: logs of no error seen say nothing.
SMALLEST = 1e-4


@dataclass(frozen=True, slots=True)
class HoldOut:
    """One curve without its largest sizes.

    Parameters
    ----------
    curve
        Position of the curve among those given.
    origin
        Where it was cut, as a fraction of its log range.
    ensemble
        The families, integrated over the sizes kept.
    n, value
        Sizes left out, up to `AHEAD` times the largest one kept, and the mean errors there (sizes,).
    """

    curve: int
    origin: float
    ensemble: CurveEnsemble
    n: np.ndarray
    value: np.ndarray


def hold_out(
    curves: Sequence[SeenCurve],
    families: tuple[str, ...],
    *,
    origins: tuple[float, ...] = ORIGINS,
    at: Sequence[int] | None = None,
    seed: int = 0,
) -> list[HoldOut]:
    """Cut curves at every origin and integrate the families over what is left (about 0.05 s a family, curve and origin).

    Parameters
    ----------
    curves
        The curves.
    families
        Names of the families.
    origins
        Where to cut, as fractions of a curve's log range.
    at
        Positions of the curves that are wanted; all by default.
    seed
        Of the quasi-random points.

    Returns
    -------
    list of HoldOut
        By curve, then origin; none where fewer than `FEWEST_SEEN` sizes would be left, or none were left out.
    """
    found = []
    for i in range(len(curves)) if at is None else at:
        for origin in origins:
            kept, held = _split(curves[i], origin)
            if kept.sum() >= FEWEST_SEEN and held.any():
                value = np.maximum(curves[i].value[held], SMALLEST * curves[i].value.max())
                ensemble = fit_ensemble(curves[i].at(kept), families, seed=seed)
                found.append(HoldOut(int(i), origin, ensemble, curves[i].n[held], value))
    return found


def _split(curve: SeenCurve, origin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which sizes are kept, and which of the others are scored."""
    s = np.log(curve.n)
    cut = s[0] + origin * (s[-1] - s[0])
    kept = s <= cut + 1e-9
    return kept, ~kept & (s <= cut + np.log(AHEAD))
