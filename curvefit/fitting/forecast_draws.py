"""Forecast: the predictive distribution of test error at given sizes, as draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from curvefit.arguments import equal_tails, shares
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.counted_runs import CountedRuns
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.fitting.saveable import Saveable
from curvefit.seeding import generator
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    import arviz as az


@dataclass(frozen=True, slots=True, eq=False)
class Forecast(Saveable):
    """Predictive distribution of test error at given sizes.

    Parameters
    ----------
    triplets
        Which curves.
    n
        Sizes (sizes,).
    curve_draws, seed_draws
        Draws of the curve itself, and of one new run (draws, triplets, sizes).
    last_n, last_value
        Largest size seen and the mean error there (triplets,): the baseline to beat.
    weights
        One row a curve: weight of each family. Empty for a forecast from a `CurveFit`.
    notes
        How it was made.
    counts
        The rates behind `seed_draws`, where a fit's new runs are counted on a test set.
    first_n
        Smallest size seen (triplets,).
    """

    triplets: tuple[Triplet, ...]
    n: np.ndarray
    curve_draws: np.ndarray
    seed_draws: np.ndarray
    last_n: np.ndarray
    last_value: np.ndarray
    weights: pd.DataFrame
    notes: tuple[str, ...] = ()
    counts: CountedRuns | None = None
    first_n: np.ndarray = field(kw_only=True)

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: the curve in its posterior, new runs in its predictions, by triplet and size."""
        dims = ["triplet", "size"]
        return labelled_draws(
            {"curve": self.curve_draws},
            {"curve": dims, "seed": dims, "last_n": ["triplet"], "last_value": ["triplet"]},
            chains=1,
            coords={**triplet_coords(self.triplets), "size": self.n},
            constant={"last_n": self.last_n, "last_value": self.last_value},
            predictions={"seed": self.seed_draws},
        )

    @property
    def extrapolated(self) -> np.ndarray:
        """Which sizes lie beyond the largest one seen, or below the smallest (triplets, sizes)."""
        return (self.n > self.last_n[:, None]) | (self.n < self.first_n[:, None])

    def draws_of(self, kind: str) -> np.ndarray:
        """Return the draws of the ``"curve"`` or of a new ``"seed"``."""
        kinds = {"curve": self.curve_draws, "seed": self.seed_draws}
        if kind not in kinds:
            raise unknown_name("kind of forecast", kind, kinds)
        return kinds[kind]

    def quantiles(self, probabilities: Sequence[float], *, kind: str = "seed") -> np.ndarray:
        """Return quantiles (probabilities, triplets, sizes)."""
        return np.quantile(self.draws_of(kind), shares("probabilities", probabilities, ends=True), axis=0)

    def summary(self, probability: float = 0.9, *, kind: str = "seed") -> pd.DataFrame:
        """Return one row per curve and size: median, interval, whether extrapolated, the last value beside."""
        low, middle, high = self.quantiles(equal_tails(probability), kind=kind)
        return pd.DataFrame(
            [
                {
                    **triplet._asdict(),
                    "n_train": self.n[j],
                    "median": middle[i, j],
                    "low": low[i, j],
                    "high": high[i, j],
                    "extrapolated": bool(self.extrapolated[i, j]),
                    "times_largest_size": self.n[j] / self.last_n[i],
                    "last_value": self.last_value[i],
                }
                for i, triplet in enumerate(self.triplets)
                for j in range(len(self.n))
            ]
        )

    def log_density(self, values: np.ndarray, *, kind: str = "seed") -> np.ndarray:
        """Return the log predictive density of errors, in units of the error.

        New runs that are counted: the mean probability of the count, times the number of test points. All else: a kernel
        over the draws' logarithms, which has no density at 0.

        Parameters
        ----------
        values
            Errors, one a curve and size: (triplets, sizes) or what can be broadcast to it.
        kind
            ``"seed"`` for errors of new runs, ``"curve"`` for those of the curve itself.

        Returns
        -------
        numpy.ndarray
            Shape (triplets, sizes).
        """
        shape, given = (len(self.triplets), len(self.n)), np.shape(values)
        try:
            values = np.broadcast_to(np.asarray(values, float), shape)
        except ValueError as error:
            raise InvalidInputError(
                f"values must be numbers of shape {shape} (triplets, sizes), or what can be broadcast to it, not of shape {given}"
            ) from error
        found = _kernel_log_density(self.draws_of(kind), values)
        if kind != "seed" or self.counts is None:
            return found
        return np.where(self.counts.counted[:, None], self.counts.log_density(values), found)

    def __str__(self) -> str:
        lines = [*self.notes]
        for row in self.summary().itertuples(index=False):
            where = "inside the data"
            if row.extrapolated:
                beyond = row.times_largest_size > 1
                where = f"extrapolated {f'{row.times_largest_size:.3g} times the largest size' if beyond else 'below the smallest size'}"
            lines.append(
                f"{row.data} | {row.model} | {row.inference} at n = {row.n_train:,.0f}: {row.median:.4g} "
                f"(90 % for a new seed: {row.low:.4g} to {row.high:.4g}; {where}; last value {row.last_value:.4g})"
            )
        return "\n".join(lines)


def size_streams(seed: int, sizes: np.ndarray) -> list[np.random.Generator]:
    """Return random numbers of new runs at every size (sizes,): the same for a size whichever others are asked."""
    return [generator(seed, "new run", float(n)) for n in sizes]


def _kernel_log_density(draws: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the log density of values (...) by a kernel over the logarithms of draws (draws, ...).

    Draws of 0 keep their share of the probability, and have no part in the density above 0.
    """
    positive = draws > 0
    count = np.maximum(positive.sum(axis=0), 1)
    logs = np.log(np.where(positive, draws, 1.0))
    away = np.where(positive, logs - logs.sum(axis=0) / count, 0.0)
    width = 1.06 * np.sqrt((away**2).sum(axis=0) / count) * count**-0.2 + 1e-9
    value = np.where(values <= 0, 1.0, values)
    parts = np.where(positive, -0.5 * ((np.log(value) - logs) / width) ** 2, -np.inf)
    found = logsumexp(parts, axis=0) - np.log(len(draws)) - np.log(width * np.sqrt(2 * np.pi) * value)
    return np.where(values <= 0, -np.inf, found)
