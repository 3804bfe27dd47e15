"""Bootstrap intervals for point fits: whole seeds resampled, or residuals with random signs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.forecast_shapes import get_shape
from curvefit.fitting.point_fits import fit_one
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

KINDS = ("cluster", "wild")
FEWEST_SEEDS = 3


def bootstrap(
    curves: LearningCurves,
    *,
    family: str = "power-law",
    kind: str = "cluster",
    replicates: int = 200,
    probability: float = 0.9,
    seed: int = 0,
) -> pd.DataFrame:
    """Return bootstrap intervals of exponents and floors.

    Parameters
    ----------
    curves
        Learning curves.
    kind
        ``"cluster"``: whole seeds are drawn with replacement, so that what sizes of one seed share stays shared
        (three seeds or more); ``"wild"``: each mean's residual keeps its size and gets a random sign (any data).
    replicates
        Number of refits.

    Returns
    -------
    pandas.DataFrame
        One row a triplet: exponent and floor with their low and high, kind, and failed (share of refits without an
        exponent).
    """
    if kind not in KINDS:
        raise unknown_name("bootstrap", kind, KINDS)
    shape, usable, means = get_shape(family), curves.usable, curves.means()
    tail = (1 - probability) / 2
    rows = []
    for key, part in means.groupby(list(AXES), sort=False):
        triplet = Triplet(*key)
        rng = generator(seed, "bootstrap", str(triplet))
        n, value, se = (part[c].to_numpy(float) for c in ("n_train", "value", "value_se"))
        chance = float(part["chance_error"].iloc[0])
        fit = fit_one(triplet, n, value, se, shape, chance=chance)
        runs = usable[(usable[list(AXES)] == list(key)).all(axis=1)]
        wide = runs.pivot_table(index="seed", columns="n_train", values="value").to_numpy(float)
        if kind == "cluster" and len(wide) < FEWEST_SEEDS:
            raise InvalidInputError(
                f"{triplet}: {len(wide)} seed(s); the cluster bootstrap needs {FEWEST_SEEDS}, use kind='wild'"
            )
        if not np.isfinite(fit.exponent):
            rows.append(
                {**triplet._asdict(), "exponent": np.nan, "floor": fit.floor, "kind": kind, "failed": 1.0}
            )
            continue
        law = fit.predict(n)
        found = []
        for _ in range(replicates):
            if kind == "cluster":
                with np.errstate(invalid="ignore"):
                    copy = _mean(wide[rng.integers(len(wide), size=len(wide))], value)
            else:
                copy = np.maximum(law + (value - law) * rng.choice([-1.0, 1.0], len(n)), 1e-9)
            again = fit_one(triplet, n, copy, se, shape, chance=chance)
            found.append((again.exponent, again.floor))
        draws = np.array(found)
        good = np.isfinite(draws[:, 0])
        low, high = (
            np.quantile(draws[good], [tail, 1 - tail], axis=0) if good.any() else np.full((2, 2), np.nan)
        )
        rows.append(
            {
                **triplet._asdict(),
                "exponent": fit.exponent,
                "exponent_low": low[0],
                "exponent_high": high[0],
                "floor": fit.floor,
                "floor_low": low[1],
                "floor_high": high[1],
                "kind": kind,
                "failed": 1 - good.mean(),
            }
        )
    return pd.DataFrame(rows)


def _mean(chosen: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """Mean over seeds, and the original mean where no chosen seed has the size."""
    known = np.isfinite(chosen)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, chosen, 0.0).sum(axis=0) / np.maximum(count, 1), instead)
