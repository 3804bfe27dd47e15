"""Local slopes of learning curves: how fast the error falls from size to size, measured and fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.curves.frames import rows_of
from curvefit.fitting.bands import seed_means
from curvefit.fitting.intervals import interval_columns
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


@dataclass(frozen=True, slots=True)
class LocalSlopes:
    """Minus the slope of log error in log n, measured and fitted.

    Parameters
    ----------
    measured
        data, model, inference, n_train (geometric middle of two neighbouring sizes), slope.
    fitted
        data, model, inference, n_train, slope, slope_low, slope_high.
    sizes
        The measured training-set sizes.
    probability
        Mass of the intervals.
    """

    measured: pd.DataFrame
    fitted: pd.DataFrame
    sizes: tuple[int, ...]
    probability: float

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets, in order of appearance."""
        rows = self.fitted[list(AXES)].drop_duplicates().itertuples(index=False)
        return tuple(Triplet(*row) for row in rows)

    def select(self, triplets: Sequence[Triplet]) -> LocalSlopes:
        """Return the slopes of some triplets, in the order given."""
        fitted = pd.concat([rows_of(self.fitted, triplet) for triplet in triplets])
        measured = pd.concat([rows_of(self.measured, triplet) for triplet in triplets])
        return replace(self, measured=measured, fitted=fitted)


def local_slopes(fit: CurveFit, *, probability: float = 0.9) -> LocalSlopes:
    """Compute local slopes of every curve: between neighbouring measured sizes, and along the fit.

    Parameters
    ----------
    fit
        A fitted set of curves.
    probability
        Mass of the intervals.
    """
    tails, usable = equal_tails(probability), fit.curves.usable
    n = np.geomspace(usable["n_train"].min(), usable["n_train"].max(), 25)
    fitted = []
    for t, triplet in enumerate(fit.triplets):
        log_error = np.log(np.clip(fit.expected_error(n, at=[t])[:, 0], 1e-12, None))
        slope = np.quantile(-np.gradient(log_error, np.log(n), axis=-1), tails, axis=0)
        columns = {"n_train": n, **interval_columns("slope", slope)}
        fitted.append(pd.DataFrame({**triplet._asdict(), **columns}))
    measured = [
        _measured_slopes(key, part) for key, part in seed_means(usable).groupby(list(AXES), sort=False)
    ]
    return LocalSlopes(
        pd.concat(measured, ignore_index=True),
        pd.concat(fitted, ignore_index=True),
        tuple(int(size) for size in np.sort(usable["n_train"].unique())),
        probability,
    )


def _measured_slopes(key: tuple[str, ...], part: pd.DataFrame) -> pd.DataFrame:
    part = part[part["error"] > 0].sort_values("n_train")
    log_n, log_error = np.log(part["n_train"].to_numpy(float)), np.log(part["error"].to_numpy(float))
    middle = np.exp((log_n[1:] + log_n[:-1]) / 2)
    return pd.DataFrame(
        {
            **dict(zip(AXES, key, strict=True)),
            "n_train": middle,
            "slope": -np.diff(log_error) / np.diff(log_n),
        }
    )
