"""The spectrum of a kernel on a task: eigenvalues, and the target's power in each mode."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.linalg

from curvefit.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues of a kernel's integral operator and a target's power in its modes.

    Parameters
    ----------
    eigenvalues
        ``(m,)``, not negative, in decreasing order.
    power
        ``(m,)``: squared coefficient of the target, averaged over outputs, of *one* mode.
    degeneracy
        ``(m,)``: how many modes share the eigenvalue and the power; ones by default.
    population
        Size of the finite population the spectrum was measured on, or None when it is exact.
    """

    eigenvalues: np.ndarray
    power: np.ndarray
    degeneracy: np.ndarray = field(default_factory=lambda: np.array([]))
    population: int | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.eigenvalues, float)
        power = np.asarray(self.power, float)
        degeneracy = np.asarray(self.degeneracy, float)
        if not degeneracy.size:
            degeneracy = np.ones_like(values)
        if values.ndim != 1 or not (values.shape == power.shape == degeneracy.shape) or not values.size:
            raise InvalidInputError(
                f"eigenvalues {values.shape}, power {power.shape} and degeneracy {degeneracy.shape} must be "
                "vectors of one length, at least 1"
            )
        for name, array in {"eigenvalues": values, "power": power, "degeneracy": degeneracy}.items():
            if not np.isfinite(array).all() or (array < 0).any():
                raise InvalidInputError(f"{name} must be finite and not negative")
        order = np.argsort(-values, kind="stable")
        for name, array in {"eigenvalues": values, "power": power, "degeneracy": degeneracy}.items():
            object.__setattr__(self, name, array[order])

    @property
    def trace(self) -> float:
        """Mean of the kernel's diagonal."""
        return float(self.degeneracy @ self.eigenvalues)

    @property
    def total_power(self) -> float:
        """Mean square of the target: the error of predicting zero."""
        return float(self.degeneracy @ self.power)


def measure_spectrum(gram: np.ndarray, targets: np.ndarray) -> Spectrum:
    """Return the spectrum of a task from a Gram matrix of its inputs and their targets.

    Parameters
    ----------
    gram
        ``(n, n)``, symmetric and positive semi-definite: kernel values of n inputs of the task.
    targets
        ``(n,)`` or ``(n, outputs)``; of classes, centred one-hot vectors.

    Returns
    -------
    Spectrum
        Eigenvalues of ``gram / n``, and the targets' power along its eigenvectors, averaged over outputs.

    Raises
    ------
    InvalidInputError
        For shapes that do not fit, values that are not finite, or a matrix that is not symmetric or
        positive semi-definite to rounding.
    """
    gram = np.asarray(gram, float)
    targets = np.asarray(targets, float)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or len(targets) != len(gram):
        raise InvalidInputError(
            f"gram {gram.shape} must be square, with a row per target; targets have shape {targets.shape}"
        )
    if not np.isfinite(gram).all() or not np.isfinite(targets).all():
        raise InvalidInputError("gram and targets must hold finite numbers only")
    n = len(gram)
    largest = np.abs(gram).max()
    if np.abs(gram - gram.T).max() > 1e-6 * largest:
        raise InvalidInputError("gram is not symmetric: it differs from its transpose by more than 1e-6")
    targets = targets.reshape(n, -1)
    values, vectors = scipy.linalg.eigh(gram, driver="evd")
    if values[0] < -1e-6 * values[-1]:
        raise InvalidInputError(
            f"gram is not positive semi-definite: its lowest eigenvalue is {values[0]:.3g}, its highest "
            f"{values[-1]:.3g}"
        )
    power = np.square(vectors.T @ targets).mean(1) / n
    return Spectrum(np.maximum(values, 0.0) / n, power, population=n)


def measure_participation(spectrum: Spectrum) -> float:
    """Return the participation ratio: how many modes share the kernel's trace.

    ``trace ** 2 / sum of squared eigenvalues``: 1 for one mode, m for m equal ones.
    """
    squares = float(spectrum.degeneracy @ spectrum.eigenvalues**2)
    return spectrum.trace**2 / squares if squares else 0.0


def count_degrees_of_freedom(spectrum: Spectrum, ridge: float) -> float:
    """Return the effective degrees of freedom, the sum of ``eigenvalue / (eigenvalue + ridge)``.

    Parameters
    ----------
    spectrum
        A kernel's spectrum.
    ridge
        In units of the eigenvalues; positive.
    """
    if not ridge > 0:
        raise InvalidInputError(f"ridge {ridge} is not allowed; allowed: above 0")
    return float(spectrum.degeneracy @ (spectrum.eigenvalues / (spectrum.eigenvalues + ridge)))
