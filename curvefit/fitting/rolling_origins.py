"""Comparison of families by rolling-origin hold-out: fit the smaller sizes, score the larger ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.forecast_calibration import FEWEST_SEEN, ORIGINS, calibrate, split_at
from curvefit.fitting.forecast_curve import fit_ensemble
from curvefit.fitting.forecast_of_curves import seen_curves
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES


def rolling_origin(
    curves: LearningCurves,
    *,
    families: tuple[str, ...] = DEFAULT_SHAPES,
    origins: tuple[float, ...] = ORIGINS,
    seed: int = 0,
) -> pd.DataFrame:
    """Leave the largest sizes out, fit again, and score what was left out.

    Parameters
    ----------
    curves
        Learning curves.
    families
        Families to compare.
    origins
        Where to cut, as fractions of a curve's log range; up to four times that size is scored.

    Returns
    -------
    pandas.DataFrame
        One row per curve, origin and method (the families, ``last-value``): number of sizes scored, RMSLE,
        mean log density, share of values in the 90 % interval.
    """
    rows = []
    for triplet, curve in seen_curves(curves).items():
        for origin in origins:
            split = split_at(curve, origin)
            if split is None:
                continue
            seen, held = split
            value = np.maximum(curve.value[held], 1e-4 * curve.value.max())
            ensemble = fit_ensemble(seen, families, seed=seed)
            base = {**triplet._asdict(), "origin": origin, "scored": int(held.sum())}
            for j, name in enumerate(families):
                mixture = ensemble.mixture(curve.n[held], weights=np.eye(len(families))[j], seed=seed)
                inside = np.abs(mixture.probability_below(value) - 0.5) < 0.45
                rows.append(
                    {
                        **base,
                        "method": name,
                        "rmsle": _rms(np.log(mixture.centre() / value)),
                        "log_density": mixture.log_density(value).mean(),
                        "covered_90": inside.mean(),
                    }
                )
            last = _rms(np.log(max(seen.value[-1], 1e-12) / value))
            rows.append(
                {**base, "method": "last-value", "rmsle": last, "log_density": np.nan, "covered_90": np.nan}
            )
    if not rows:
        raise InvalidInputError(
            f"no curve is long enough to hold sizes out: {FEWEST_SEEN} sizes below an origin are needed"
        )
    return pd.DataFrame(rows)


def compare_families(
    curves: LearningCurves, *, families: tuple[str, ...] = DEFAULT_SHAPES, seed: int = 0
) -> pd.DataFrame:
    """Return one row a family: mean hold-out scores over curves and origins, and its stacking weight."""
    table = rolling_origin(curves, families=families, seed=seed)
    summary = table.groupby("method")[["rmsle", "log_density", "covered_90"]].mean()
    stacked = calibrate(list(seen_curves(curves).values()), families, seed=seed)
    summary["stacking_weight"] = pd.Series(dict(zip(stacked.families, stacked.weights)))
    return summary.sort_values("log_density", ascending=False, na_position="last").reset_index()


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
