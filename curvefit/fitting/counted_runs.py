"""New runs whose errors are counted on a test set: the counts, and what a count's probability is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, log_ndtr, logsumexp, xlog1py, xlogy


@dataclass(frozen=True, slots=True, eq=False)
class CountedRuns:
    """New runs before their errors are counted.

    Counts are binomial, or, where runs share test points, normal as angles ``arcsin(sqrt(share))`` and rounded, with a share of the
    variance of a binomial there.

    Parameters
    ----------
    rate
        Draws of the error rate of a new run, between 0 and 1 (draws, triplets, sizes); of one on the shared test points.
    n_test
        Test points that a run of each curve is counted on, whole numbers (triplets,); 0 where it is not counted.
    fresh
        That share (draws,); None for binomial counts.
    """

    rate: np.ndarray
    n_test: np.ndarray
    fresh: np.ndarray | None = None

    @classmethod
    def like(
        cls, rate: np.ndarray, seen: Iterable[pd.DataFrame], fresh: np.ndarray | None = None
    ) -> CountedRuns:
        """Return runs that are counted as those seen were, given each curve's means over seeds: on its largest test set."""
        tests = np.array([float((part["n_test"] / part["replicates"]).max()) for part in seen])
        return cls(rate, np.where(np.isfinite(tests), tests, 0).astype(int), fresh)

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
        test = self.n_test[None, :, None]
        if self.fresh is None:
            drawn = [rng.binomial(test[..., 0], self.rate[:, :, j]) for j, rng in enumerate(streams)]
            wrong = np.stack(drawn, axis=2)
        else:
            noise = np.stack([rng.standard_normal(self.rate.shape[:2]) for rng in streams], axis=2)
            angle, sd = self._angles()
            wrong = np.round(test * np.sin(np.clip(angle + sd * noise, 0.0, np.pi / 2.0)) ** 2)
        return np.where(test > 0, wrong / np.maximum(test, 1), self.rate)

    def _angles(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the angles of shares, shapes (draws, triplets, sizes) and (draws, triplets, 1)."""
        assert self.fresh is not None
        test = np.maximum(self.n_test, 1)[None, :, None]
        return np.arcsin(np.sqrt(self.rate)), np.sqrt(self.fresh[:, None, None] / (4.0 * test))

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Return the log density of shares of errors, in units of the share: the mean probability of the count times `n_test`.

        Between two counts the probability is that of the binomial formula with gamma functions for factorials, or of as wide a
        range around it as counts have.

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
        if self.fresh is None:
            ways = gammaln(test + 1) - gammaln(wrong + 1) - gammaln(test - wrong + 1)
            mass = ways + xlogy(wrong, self.rate) + xlog1py(test - wrong, -self.rate)
        else:
            angle, sd = self._angles()
            low, high = ((_angle_of((wrong + by) / test) - angle) / sd for by in (-0.5, 0.5))
            mass = _log_between(low, high)
        mean = logsumexp(mass, axis=0) - np.log(len(mass))
        return np.where(impossible, -np.inf, mean + np.log(test))


def _angle_of(share: np.ndarray) -> np.ndarray:
    """Return ``arcsin(sqrt(share))``, infinite beyond 0 and 1."""
    inside = np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return np.where(share <= 0, -np.inf, np.where(share >= 1, np.inf, inside))


def _log_between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the log probability of a standard normal variable between two values, exact far out too."""
    turned = low > 0
    low, high = np.where(turned, -high, low), np.where(turned, -low, high)
    return log_ndtr(high) + np.log1p(-np.exp(log_ndtr(low) - log_ndtr(high)))
