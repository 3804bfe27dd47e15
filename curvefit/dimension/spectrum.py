"""Dimensions read off a kernel and a target, without any learning curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.optimize import brentq

from curvefit.errors import InvalidInputError

BINS_PER_OCTAVE = 2
SMALLEST = 1e-13
"""Eigenvalues below this share of the largest are rounding, and left out of fitted exponents."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelSpectrum:
    """Spectrum of a Gram matrix and the power of a target along it; build it with `kernel_spectrum`.

    Parameters
    ----------
    eigenvalues
        Of ``gram / n``, ``(n,)``, decreasing.
    power
        Mean squared target along each eigenvector, ``(n,)``; sums to the mean square of the target.
    """

    eigenvalues: np.ndarray
    power: np.ndarray

    @property
    def participation_ratio(self) -> float:
        """``(sum l)^2 / sum l^2``: how many directions carry the kernel, whatever the target."""
        return float(self.eigenvalues.sum() ** 2 / (self.eigenvalues**2).sum())

    @property
    def target_participation(self) -> float:
        """The same of the target's power: over how many of the kernel's directions the task spreads."""
        return float(self.power.sum() ** 2 / (self.power**2).sum())

    def degrees_of_freedom(self, n_train: float, *, ridge: float = 0.0) -> float:
        """Return the effective number of learnable modes at size `n_train`, ``sum l / (l + z / n)``.

        `z` solves ``z = ridge + z sum l / (n l + z)``; without ridge the degrees of freedom equal `n_train` by
        construction as long as the spectrum has that many modes.

        References
        ----------
        Bordelon, Canatar, Pehlevan (2020), arXiv:2002.02561.
        """
        if n_train <= 0 or ridge < 0:
            raise InvalidInputError(
                f"n_train must be positive and ridge not negative, got {n_train} and {ridge}"
            )
        values = self.eigenvalues[self.eigenvalues > 0]
        if ridge == 0 and n_train >= len(values):
            return float(len(values))
        z = effective_ridge(values, n_train, ridge)
        return float(np.sum(n_train * values / (n_train * values + z)))

    def learned_power(self, n_train: float, *, ridge: float = 0.0) -> float:
        """Return the share of the target's power in the modes learned at `n_train`: alignment of task and kernel."""
        if self.degrees_of_freedom(n_train, ridge=ridge) >= len(self.eigenvalues):
            return 1.0
        z = effective_ridge(self.eigenvalues, n_train, ridge)
        learned = n_train * self.eigenvalues / (n_train * self.eigenvalues + z)
        return float(learned @ self.power / self.power.sum())

    def exponents(self, first: int = 4, last: int | None = None) -> pd.DataFrame:
        """Return capacity, source, and the learning-curve exponent they predict.

        Eigenvalues go as ``k ** -a`` (capacity a) and the target's power per mode as ``k ** -b`` (source b). a is the
        slope of log eigenvalues; b that of the mean power
        in bins of log k, since the power of a single mode is a chi-square draw. The prediction is ``min(b - 1, 2 a)``, for regression without noise or ridge.

        Parameters
        ----------
        first, last
            Modes, from 1, between which the slopes are read; `last` is a quarter of the modes by default, since the
            smallest eigenvalues of a Gram matrix are bent by its finite size.

        Returns
        -------
        pandas.DataFrame
            Rows capacity, source, predicted_exponent, and inverse_exponent (the dimension through the link 1/d);
            columns value, low, high: from the whole range, and least and most over its two halves.
        """
        usable = int(np.sum(self.eigenvalues > SMALLEST * self.eigenvalues[0]))
        last = min(usable, max(len(self.eigenvalues) // 4, first + 8)) if last is None else last
        if not 1 <= first < last - 7 or last > usable:
            raise InvalidInputError(
                f"modes {first} to {last} cannot give a slope: eight modes among {usable} usable ones are needed"
            )
        middle = round(np.sqrt(first * last))
        ranges = [(first, last), (first, max(middle, first + 3)), (min(middle, last - 3), last)]
        found = np.array([self._slopes(*limits) for limits in ranges])
        a, b = found[:, 0], found[:, 1]
        rate = np.minimum(b - 1, 2 * a)
        rows = {"capacity": a, "source": b, "predicted_exponent": rate, "inverse_exponent": 1 / rate}
        return pd.DataFrame(
            [{"quantity": k, "value": v[0], "low": v.min(), "high": v.max()} for k, v in rows.items()]
        ).set_index("quantity")

    def _slopes(self, first: int, last: int) -> tuple[float, float]:
        modes = np.arange(first, last + 1)
        bins = np.floor(np.log2(modes / first) * BINS_PER_OCTAVE).astype(int)
        _, bins, counts = np.unique(bins, return_inverse=True, return_counts=True)
        at = np.bincount(bins, np.log(modes)) / counts
        value = np.bincount(bins, np.log(self.eigenvalues[first - 1 : last])) / counts
        power = np.log(np.bincount(bins, self.power[first - 1 : last]) / counts + 1e-300)
        capacity = -np.polyfit(at, value, 1)[0]
        source = -np.polyfit(at, power, 1, w=np.sqrt(counts))[0]
        return float(capacity), float(source)


def kernel_spectrum(gram: np.ndarray, target: np.ndarray) -> KernelSpectrum:
    """Decompose a Gram matrix and a target at the same points.

    Parameters
    ----------
    gram
        ``(n, n)``, symmetric: NNGP, NTK, or the empirical NTK of a trained net.
    target
        ``(n,)`` or ``(n, outputs)``; class labels as centred one-hot columns.

    Raises
    ------
    InvalidInputError
        When shapes disagree or the matrix is not symmetric.
    """
    gram, target = np.asarray(gram, dtype=float), np.asarray(target, dtype=float)
    n = len(gram)
    if gram.shape != (n, n) or len(target) != n:
        raise InvalidInputError(
            f"gram {gram.shape} must be square and target {target.shape} of the same length"
        )
    if not np.allclose(gram, gram.T, rtol=1e-8, atol=1e-10 * np.abs(gram).max()):
        raise InvalidInputError("gram is not symmetric")
    values, vectors = eigh(gram / n)
    along = vectors.T @ target.reshape(n, -1)
    power = np.sum(along**2, axis=1) / n
    return KernelSpectrum(np.clip(values[::-1], 0, None), power[::-1])


def effective_ridge(eigenvalues: np.ndarray, n_train: float, ridge: float = 0.0) -> float:
    """Solve ``z = ridge + z sum l / (n l + z)`` for the effective ridge z.

    References
    ----------
    Bordelon, Canatar, Pehlevan (2020), arXiv:2002.02561.
    """
    values = eigenvalues[eigenvalues > 0]

    def excess(log_z: float) -> float:
        z = np.exp(log_z)
        return float(1 - ridge / z - np.sum(values / (n_train * values + z)))

    highest = ridge + values.sum()
    lowest = max(ridge, 1e-300) if ridge > 0 else values.min() * 1e-12
    return float(np.exp(brentq(excess, np.log(lowest), np.log(highest) + 1e-9, xtol=1e-12)))
