"""How many examples a target error needs: a distribution, with the probability of never."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.arguments import check_count, check_times, equal_tails
from curvefit.curves.fittable import as_curves
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.forecasts import forecast, outlook
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.fitting.inversion import invert
from curvefit.fitting.outlooks import Outlook
from curvefit.fitting.saveable import Saveable
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

SIZES_PER_E_FOLD = 8


@dataclass(frozen=True, slots=True, eq=False)
class NeededSize(Saveable):
    """How many training examples a target error needs.

    Parameters
    ----------
    triplets, target
        Which curves, and the error to reach.
    sizes
        Draws of the size at which the curve first reaches the target, from its smallest size on (draws, triplets); infinite where it
        does not up to `horizon`.
    horizon
        Largest size looked at (triplets,).
    first_n, last_n, last_value
        Smallest and largest size seen, and the mean error at the largest (triplets,).
    """

    triplets: tuple[Triplet, ...]
    target: float
    sizes: np.ndarray
    horizon: np.ndarray
    first_n: np.ndarray
    last_n: np.ndarray
    last_value: np.ndarray

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: size, and whether the target is reached, over (chain, draw, triplet)."""
        return labelled_draws(
            {"size": self.sizes, "reached": np.isfinite(self.sizes)},
            {name: ["triplet"] for name in ("size", "reached", "horizon")},
            chains=1,
            coords=triplet_coords(self.triplets),
            constant={"horizon": self.horizon},
        )

    @property
    def probability_never(self) -> np.ndarray:
        """Probability that the target is not reached up to the horizon (triplets,)."""
        return np.isinf(self.sizes).mean(axis=0)

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Return one row a curve: median and interval of the size (inf where not reached), P(never), horizon; whether it is extrapolated.

        It is where the interval ends beyond the largest size seen; ``times_largest_size`` is that of the median, and the last value
        stands beside.
        """
        ordered = np.sort(self.sizes, axis=0)
        low, middle, high = (ordered[round(q * (len(ordered) - 1))] for q in equal_tails(probability))
        return pd.DataFrame(
            [
                {
                    **t._asdict(), "target": self.target, "median": middle[i], "low": low[i], "high": high[i],
                    "probability_never": self.probability_never[i], "horizon": self.horizon[i],
                    "extrapolated": bool(high[i] > self.last_n[i]), "times_largest_size": middle[i] / self.last_n[i],
                    "last_value": self.last_value[i],
                }
                for i, t in enumerate(self.triplets)
            ]
        )  # fmt: skip

    def __str__(self) -> str:
        return "\n".join(
            f"{t}: error {self.target:g} {self._needs(row, self.first_n[i])}"
            for i, (t, row) in enumerate(zip(self.triplets, self.summary().itertuples(index=False)))
        )

    def _needs(self, row: Any, first: float) -> str:
        """Return what a row of the summary says, after the target."""
        if row.high <= first:
            return f"is met at n = {first:,.0f} already, the smallest size"
        never = f"not reached by n = {row.horizon:,.0f} with probability {row.probability_never:.2f}"
        last = f"; last value {row.last_value:.4g}"
        if np.isinf(row.low):
            return f"is {never}{last}"
        high = f"{row.high:,.0f}" if np.isfinite(row.high) else "beyond"
        known = np.isfinite(row.median)
        middle = f"{row.median:,.0f} examples" if known else "more examples than were looked at"
        times = (
            f" {row.times_largest_size:.3g} times the largest size"
            if 1 < row.times_largest_size < np.inf
            else ""
        )
        beyond = f"extrapolated{times}; " if row.extrapolated else ""
        return f"needs {middle} (90 %: {row.low:,.0f} to {high}); {beyond}{never}{last}"


def needed_size(
    source: LearningCurves | CurveFit | Outlook,
    target: float,
    *,
    times: float = 1000.0,
    draws: int = 1000,
    seed: int = 0,
) -> NeededSize:
    """Return the distribution of the training-set size at which a curve first reaches a target error.

    Parameters
    ----------
    source
        Learning curves (a frame or a dictionary of columns is read with `LearningCurves.from_frame`), a hierarchical fit of them, or
        an `outlook` of either, which has its own seed.
    target
        Error to reach, above 0; an error rate below 1.
    times
        How far to look: this many times the largest size seen, 1 or more.
    draws
        Number of draws.
    seed
        Of all random numbers.

    Raises
    ------
    InvalidInputError
        When the target is no such error.
    """
    known = source if isinstance(source, Outlook | CurveFit) else as_curves(source)
    check_target(target, _metric(known))
    check_times(times)
    check_count("draws", draws)
    ready = known if isinstance(known, Outlook) else outlook(known, seed=seed)
    ends = ready.usable.groupby(list(AXES), sort=False)["n_train"].agg(["min", "max"])
    low, high = float(ends["min"].min()), float(ends["max"].max()) * times
    grid = np.geomspace(low, high, max(int(SIZES_PER_E_FOLD * np.log(high / low)), 16))
    grid = np.union1d(grid, ends.to_numpy(float))
    paths = forecast(ready, grid, draws=draws)
    horizon, level = paths.last_n * times, np.array([float(target)])
    sizes = np.empty(paths.curve_draws.shape[:2])
    for i, first in enumerate(paths.first_n):
        errors, seen = paths.curve_draws[:, i], grid >= first
        size = np.exp(invert(np.log(grid[seen]), errors[:, seen], level)[:, 0])
        size = np.where(errors[:, np.argmax(seen)] <= target, first, size)
        sizes[:, i] = np.where(size <= horizon[i] * (1 + 1e-12), size, np.inf)
    return NeededSize(
        paths.triplets, float(target), sizes, horizon, paths.first_n, paths.last_n, paths.last_value
    )


def check_target(target: float, metric: str) -> None:
    """Raise `InvalidInputError` for an error that no curve of this metric can be asked to reach."""
    rate = metric == "error-rate"
    if not isinstance(target, Real) or not 0 < target < (1.0 if rate else np.inf):
        allowed = "an error rate above 0 and below 1" if rate else "a finite number above 0"
        raise InvalidInputError(
            f"the target error must be {allowed}, not {target!r} (on the command line: --target)"
        )


def _metric(source: LearningCurves | CurveFit | Outlook) -> str:
    if isinstance(source, Outlook):
        return str(source.usable["metric"].iloc[0])
    return (source.curves if isinstance(source, CurveFit) else source).metric
