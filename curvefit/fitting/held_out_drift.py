"""How far the laws of smaller sizes, held out, drift from the larger ones: a drift common to all curves that forecasts of a fit allow for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.curves.quality import FEWEST_SIZES
from curvefit.errors import InvalidInputError
from curvefit.fitting.bend import FEWEST_CURVES
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.hierarchy import build_hierarchy, natural_values
from curvefit.fitting.layout import lay_out
from curvefit.fitting.start import start_of_fit
from curvefit.triplet import AXES

#: The largest sizes that are held out, as the factor by which they exceed the rest.
FACTORS = (2.0, 4.0)
#: What a study's drift is believed to be beforehand, an e-fold of n, worth so many hold-outs.
PRIOR_SCALE, PRIOR_WORTH = 0.02, 2.0


@dataclass(frozen=True, slots=True)
class Drift:
    """Student-t drift of the log error of all curves together per e-fold of n beyond the data.

    Parameters
    ----------
    freedom, scale
        Degrees of freedom and scale.
    missed
        Largest size that was kept, and mean drift per e-fold that was seen beyond it (positive: errors were lower than the laws
        said), for every hold-out.
    """

    freedom: float
    scale: float
    missed: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        said = " and ".join(f"{drift:+.1%} beyond n = {n:,.0f}" for n, drift in self.missed)
        return (
            f"a drift common to all curves is allowed for, Student-t({self.freedom:g}) of scale {self.scale:.1%} an e-fold of n: "
            f"penalised fits without the largest sizes missed these by {said}"
        )


def held_out_drift(fit: CurveFit) -> Drift | None:
    """Fit again without the largest sizes (penalised, a second each) and see how far curves as a whole are missed.

    With drifts an e-fold of n that are normal with one unknown variance at all origins, today's among them, and
    ``PRIOR_WORTH`` degrees of freedom beforehand, today's is Student-t. It is never used to correct, only to widen.

    Returns
    -------
    Drift or None
        None where curves are too few (`FEWEST_CURVES`), too short, or no model of noise was fitted.
    """
    if not fit.has_noise or len(fit.triplets) < FEWEST_CURVES or fit.law.constant:
        return None
    largest = float(fit.curves.usable["n_train"].max())
    seen = [(n, drift) for f in FACTORS if (drift := _drift_beyond(fit, n := largest / f)) is not None]
    if not seen:
        return None
    freedom = PRIOR_WORTH + len(seen)
    square = (PRIOR_WORTH * PRIOR_SCALE**2 + sum(drift**2 for _, drift in seen)) / freedom
    return Drift(freedom, float(np.sqrt(square)), tuple(seen))


def _drift_beyond(fit: CurveFit, size: float) -> float | None:
    """Return the mean over curves of the log of predicted over observed error, an e-fold of n beyond `size`."""
    means = fit.curves.means()
    enough = means[means["n_train"] <= size].groupby(list(AXES))["n_train"].nunique() >= FEWEST_SIZES
    if enough.sum() < FEWEST_CURVES:
        return None
    short = fit.curves.drop_sizes(above=size)
    try:
        layout = lay_out(short, family=fit.settings.family, likelihood=fit.likelihood)
    except InvalidInputError:  # the smaller sizes alone cannot be fitted so
        return None
    hierarchy = build_hierarchy(layout, fit.settings)
    # What laws miss beyond the sizes that were kept must not be taken for a walk within them.
    start = start_of_fit(layout, hierarchy, fit.settings, walk_as_usual=True)
    if not np.isfinite(start.theta).all():
        return None
    observed = means[(means["n_train"] > size) & (means["value"] > 0)]
    groups = dict(list(observed.groupby(list(AXES), sort=False)))
    beyond, missed = [], []
    for curve, triplet in enumerate(layout.triplets):
        if tuple(triplet) not in groups or not enough[tuple(triplet)]:
            continue
        held = groups[tuple(triplet)]
        n = held["n_train"].to_numpy(float) / layout.size_unit
        theta = start.theta[hierarchy.row[curve]][None]
        common = start.shared.common[None] if hierarchy.common_specs else None
        values = natural_values(layout, hierarchy, theta, common, curve=curve)
        error = np.ravel(layout.family.error(n, chance=layout.chance[curve], **values))
        beyond.append(np.log(n / layout.cell_size[layout.cell_curve == curve].max()))
        missed.append(np.log(error / held["value"].to_numpy(float)))
    if len(beyond) < FEWEST_CURVES:
        return None
    x, y = np.concatenate(beyond), np.concatenate(missed)
    return float((x * y).sum() / (x * x).sum())
