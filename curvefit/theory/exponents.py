"""Capacity and source exponents of a task, measured on its spectrum, and the curve exponent they imply."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import exprel

from curvefit.errors import InvalidInputError
from curvefit.theory.spectrum import Spectrum

BINS = 12
FLATTEST = -5.0
"""Exponent from which on a tail that stops is sought; such power rises with k."""


@dataclass(frozen=True, slots=True)
class SpectralExponents:
    """Power laws of a spectrum within a range of modes.

    Parameters
    ----------
    capacity, capacity_se
        a of eigenvalues ~ k ** -a, and its standard error.
    source, source_se
        b of target power ~ k ** -b, and its standard error.
    first, last
        Range of modes the laws were fitted on, both included, counted from 1.
    """

    capacity: float
    capacity_se: float
    source: float
    source_se: float
    first: int
    last: int

    @property
    def exponent(self) -> float:
        """Exponent of the test error that follows, ``min(b - 1, 2 a)`` (ridgeless, noiseless)."""
        return min(self.source - 1, 2 * self.capacity)

    @property
    def exponent_se(self) -> float:
        """Standard error of `exponent`: that of whichever bound is active."""
        return self.source_se if self.source - 1 < 2 * self.capacity else 2 * self.capacity_se

    def __str__(self) -> str:
        return (
            f"eigenvalues fall as k^-{self.capacity:.2f} ± {self.capacity_se:.2f}, target power as "
            f"k^-{self.source:.2f} ± {self.source_se:.2f} (modes {self.first} to {self.last}): test error is "
            f"expected to fall as n^-{self.exponent:.2f} ± {self.exponent_se:.2f}"
        )


def measure_exponents(spectrum: Spectrum, *, first: int = 5, last: int | None = None) -> SpectralExponents:
    """Measure the capacity and source exponents of a spectrum.

    Modes are gathered into bins of equal width in log k, so that the many late ones do not outweigh the
    early ones; the target's power enters as what is left beyond mode k, which averages the scatter of
    single coefficients. With ``h = k + 1/2`` and power ``k ** -b`` that is ``h ** (1 - b)`` where the spectrum holds
    all of the target's power: a measured one does, and so does one that lists modes of eigenvalue 0. Any other ends
    at its last mode m, and ``h ** (1 - b) - (m + 1/2) ** (1 - b)`` is fitted. Standard errors come from the
    scatter of the bins around the laws: by jackknife for the eigenvalues, bin by bin for the power.

    Parameters
    ----------
    spectrum
        Of the kernel on the task.
    first, last
        Range of modes, counted from 1. By default the last is a tenth of the population for a measured
        spectrum, beyond which eigenvalues of a finite Gram matrix are biased.

    Raises
    ------
    InvalidInputError
        When the range holds too few modes.

    References
    ----------
    Caponnetto & De Vito, Found. Comput. Math. 7 (2007) 331 (capacity and source conditions); Bordelon,
    Canatar, Pehlevan, arXiv:2002.02561.
    """
    rank = np.cumsum(spectrum.degeneracy)
    total = int(rank[-1])
    if last is None:
        last = total // 10 if spectrum.population is not None else total // 2
    positive = spectrum.eigenvalues > 0
    if first < 1 or last > total or last < 4 * first:
        raise InvalidInputError(
            f"modes {first} to {last} of {total} are too few to fit a power law; allowed: first from 1, last "
            f"at least 4 times first and at most {total}"
        )
    left = spectrum.total_power - np.cumsum(spectrum.degeneracy * spectrum.power)
    middle = rank - 0.5 * (spectrum.degeneracy - 1)
    edges = np.geomspace(first - 0.5, last + 0.5, BINS + 1)
    points = []
    for low, high in pairwise(edges):
        inside = (middle > low) & (middle <= high) & positive & (left > 1e-12 * spectrum.total_power)
        if inside.any():
            weight, final = spectrum.degeneracy[inside], np.flatnonzero(inside)[-1]
            points.append(
                [
                    np.average(np.log(middle[inside]), weights=weight),
                    np.average(np.log(spectrum.eigenvalues[inside]), weights=weight),
                    np.log(rank[final] + 0.5),
                    np.log(left[final]),
                ]
            )
    if len(points) < 4:
        raise InvalidInputError(
            f"only {len(points)} of {BINS} bins of modes {first} to {last} hold a mode with power; 4 are needed"
        )
    mode, value, beyond, power = np.array(points).T
    holds_all = spectrum.population is not None or not positive.all()
    end = np.inf if holds_all else float(np.log(total + 0.5))
    capacity, capacity_se = _fit_line(mode, value)
    tail, tail_se = _fit_tail(beyond, power, end)
    return SpectralExponents(capacity, capacity_se, 1 + tail, tail_se, first, last)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return minus the slope of y on x."""
    return -float(np.polyfit(x, y, 1)[0])


def _fit_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return minus the slope of y on x and its jackknife standard error."""
    count = len(x)
    left_out = np.array([_slope(np.delete(x, i), np.delete(y, i)) for i in range(count)])
    return _slope(x, y), float(np.sqrt((count - 1) / count * np.square(left_out - left_out.mean()).sum()))


def _fit_tail(x: np.ndarray, y: np.ndarray, end: float) -> tuple[float, float]:
    """Return t of ``exp(y) ~ (exp(-t x) - exp(-t end)) / t`` and its standard error.

    What is left beyond one mode is part of what is left beyond those before, so points err together; what lies between
    them errs alone. The variance is the sum of the squared changes of t when the power of one bin is that of the law.
    """
    tail = _tail_slope(x, y, end)
    law = _log_tail(tail, x, end)
    found, lawful = (-np.diff(np.exp(v), append=0.0) for v in (y, law + np.mean(y - law)))
    bins = np.where(np.eye(len(x), dtype=bool), lawful, found)
    changed = np.log(np.cumsum(bins[:, ::-1], axis=1)[:, ::-1])
    return tail, float(np.linalg.norm([_tail_slope(x, row, end) - tail for row in changed]))


def _tail_slope(x: np.ndarray, y: np.ndarray, end: float) -> float:
    steepest = _slope(x, y)
    if np.isinf(end):
        return steepest
    return float(
        minimize_scalar(
            lambda t: float(np.var(y - _log_tail(t, x, end))),
            bounds=(FLATTEST, steepest),
            options={"xatol": 1e-8},
        ).x
    )


def _log_tail(t: float, x: np.ndarray, end: float) -> np.ndarray:
    """Return ``log((exp(-t x) - exp(-t end)) / t)``, up to a constant where the tail has no end."""
    return -t * x if np.isinf(end) else -t * x + np.log((end - x) * exprel(t * (x - end)))
