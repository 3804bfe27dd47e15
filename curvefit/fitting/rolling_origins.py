"""Comparison of families by rolling-origin hold-out: fit the smaller sizes, score the larger ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.arguments import shares
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.forecast_calibration import calibrate
from curvefit.fitting.forecast_of_curves import seen_curves
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES, check_families
from curvefit.fitting.hold_outs import FEWEST_SEEN, ORIGINS, HoldOut, hold_out
from curvefit.triplet import Triplet


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
        Learning curves; a frame or a dictionary of columns is read with `LearningCurves.from_frame`.
    families
        Families to compare.
    origins
        Where to cut, as fractions of a curve's log range between 0 and 1; up to four times that size is scored.

    Returns
    -------
    pandas.DataFrame
        One row per curve, origin and method (the families, ``last-value``): number of sizes scored, RMSLE,
        mean log density, share of values in the 90 % interval.
    """
    check_families(families)
    shares("origins", origins, ends=False)
    seen = seen_curves(curves)
    return _table(list(seen), hold_out(list(seen.values()), families, origins=origins, seed=seed), seed)


def compare_families(
    curves: LearningCurves, *, families: tuple[str, ...] = DEFAULT_SHAPES, seed: int = 0
) -> pd.DataFrame:
    """Return one row a family: mean hold-out scores over curves and origins, and its stacking weight."""
    check_families(families)
    seen = seen_curves(curves)
    held_out = hold_out(list(seen.values()), families, seed=seed)
    table = _table(list(seen), held_out, seed)
    summary = table.groupby("method")[["rmsle", "log_density", "covered_90"]].mean()
    stacked = calibrate(list(seen.values()), families, seed=seed, held_out=held_out)
    summary["stacking_weight"] = pd.Series(dict(zip(stacked.families, stacked.weights)))
    return summary.sort_values("log_density", ascending=False, na_position="last").reset_index()


def _table(triplets: list[Triplet], held_out: list[HoldOut], seed: int) -> pd.DataFrame:
    """Score every family, and the last value, on every hold-out."""
    rows = []
    for hold in held_out:
        base = {**triplets[hold.curve]._asdict(), "origin": hold.origin, "scored": len(hold.n)}
        for name, mixture in zip(hold.ensemble.families, hold.ensemble.mixtures(hold.n, seed=seed)):
            inside = np.abs(mixture.probability_below(hold.value) - 0.5) < 0.45
            rows.append(
                {
                    **base,
                    "method": name,
                    "rmsle": _rms(np.log(mixture.centre() / hold.value)),
                    "log_density": mixture.log_density(hold.value).mean(),
                    "covered_90": inside.mean(),
                }
            )
        last = _rms(np.log(max(hold.ensemble.curve.value[-1], 1e-12) / hold.value))
        rows.append(
            {**base, "method": "last-value", "rmsle": last, "log_density": np.nan, "covered_90": np.nan}
        )
    if not rows:
        raise InvalidInputError(
            f"no curve is long enough to hold sizes out: {FEWEST_SEEN} sizes below an origin are needed"
        )
    return pd.DataFrame(rows)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
