"""New runs whose errors are counted on a test set: the counts, and what a count's probability is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, logsumexp, xlog1py, xlogy


@dataclass(frozen=True, slots=True, eq=False)
class CountedRuns:
    """New runs before their errors are counted.

    Parameters
    ----------
    rate
        Draws of the error rate of a new run, between 0 and 1 (draws, triplets, sizes).
    n_test
        Test points that a run of each curve is counted on, whole numbers (triplets,); 0 where it is not counted.
    """

    rate: np.ndarray
    n_test: np.ndarray

    @classmethod
    def like(cls, rate: np.ndarray, seen: Iterable[pd.DataFrame]) -> CountedRuns:
        """Return runs that are counted as those seen were, given each curve's means over seeds: on its largest test set."""
        tests = np.array([float((part["n_test"] / part["replicates"]).max()) for part in seen])
        return cls(rate, np.where(np.isfinite(tests), tests, 0).astype(int))

    @property
    def counted(self) -> np.ndarray:
        """Which curves' runs are counted (triplets,)."""
        return self.n_test > 0

    def draw(self, streams: Sequence[np.random.Generator]) -> np.ndarray:
        """Draw the share of errors on the test set; the rate itself where it is not counted (draws, triplets, sizes).

        Parameters
        ----------
        streams
            Random numbers of every size (sizes,).
        """
        test = self.n_test[None, :]
        wrong = np.stack([rng.binomial(test, self.rate[:, :, j]) for j, rng in enumerate(streams)], axis=2)
        return np.where(test[..., None] > 0, wrong / np.maximum(test[..., None], 1), self.rate)

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the log density of shares of errors, in units of the share: the mean binomial probability times `n_test`.

        Between two counts the probability is that of the binomial formula with gamma functions for factorials.

        Parameters
        ----------
        values
            Shares of errors (triplets, sizes).

        Returns
        -------
        numpy.ndarray
            Shape (triplets, sizes); minus infinity outside 0 to 1. Without meaning for curves that are not counted.
        """
        test = np.maximum(self.n_test, 1)[:, None]
        impossible = (values < 0) | (values > 1)
        wrong = test * np.where(impossible, 0.0, values)
        ways = gammaln(test + 1) - gammaln(wrong + 1) - gammaln(test - wrong + 1)
        mass = xlogy(wrong, self.rate) + xlog1py(test - wrong, -self.rate)
        mean = logsumexp(mass, axis=0) - np.log(len(mass))
        return np.where(impossible, -np.inf, ways + mean + np.log(test))
