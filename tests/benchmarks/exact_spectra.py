"""Spectra in closed form (to quadrature) of the teachers' tasks, so that whole-curve theory can be held against them.

Eigenvalues are the student's, powers are those of the teacher's Gaussian field: the variance of its coefficient.
"""

from __future__ import annotations

import itertools

import numpy as np

from curvefit.theory import Spectrum
from runners.datasets.teachers.kernels import PROFILES

GRID = {1: 8192, 2: 1024, 3: 128, 4: 48, 6: 14}
"""Grid points a side for Fourier transforms of kernels on the torus, by dimension."""
DEGREES = {2: 400, 3: 120, 4: 60}
"""Highest degree of spherical harmonics, by dimension of the sphere."""


def fourier(profile: str, dimension: int, *, scale: float = 1.0) -> np.ndarray:
    """Return the Fourier coefficients of a kernel of chords on T^d at frequencies 0..N/2 of every axis."""
    n = GRID[dimension]
    squared = 2 - 2 * np.cos(2 * np.pi * np.arange(n) / n)
    total = sum(np.meshgrid(*[squared] * dimension, indexing="ij", sparse=True))
    transformed = np.fft.fftn(PROFILES[profile](np.sqrt(total) * scale)).real / n**dimension
    return np.maximum(transformed[(slice(0, n // 2 + 1),) * dimension], 0)


def copies(shape: tuple[int, ...]) -> np.ndarray:
    """Return how many frequencies of either sign each entry of `fourier` stands for."""
    axes = [np.where((np.arange(m) > 0) & (np.arange(m) < m - 1), 2.0, 1.0) for m in shape]
    grids = np.meshgrid(*axes, indexing="ij", sparse=True)
    return np.prod(np.broadcast_arrays(*grids), axis=0)


def complete(values: np.ndarray, power: np.ndarray, count: np.ndarray) -> Spectrum:
    """Return the spectrum with one more mode that cannot be learnt: the power beyond the last frequency.

    A field's variance is 1; left out, what lies far out would be missing from the error that is left.
    """
    values, power, count = values.ravel(), power.ravel(), count.ravel()
    missing = max(0.0, 1.0 - float(count @ power))
    return Spectrum(np.append(values, 0.0), np.append(power, missing), np.append(count, 1.0))


def torus_spectrum(dimension: int, d_par: int) -> Spectrum:
    """Return the spectrum of a Laplace student of all coordinates on a Laplace field of the first `d_par`."""
    values = fourier("laplace", dimension)
    power, side = np.zeros_like(values), values.shape[0]
    kept = fourier("laplace", d_par)[(slice(0, side),) * d_par]
    power[(..., *(0,) * (dimension - d_par))] = kept
    return complete(values, power, copies(values.shape))


def sphere_spectrum(dimension: int, teacher: str, student: str) -> Spectrum:
    """Return the spectrum on S^d by the Funk-Hecke formula."""
    if dimension == 1:
        values, power = fourier(student, 1), fourier(teacher, 1)
        return complete(values, power, copies(values.shape))
    highest = DEGREES[dimension]
    nodes, weights = np.polynomial.legendre.leggauss(2 * highest)
    angle = (nodes + 1) * np.pi / 2
    weights = weights * np.sin(angle) ** (dimension - 1)
    weights /= weights.sum()
    kernels = np.stack([PROFILES[name](2 * np.sin(angle / 2)) for name in (student, teacher)])
    cosine, a = np.cos(angle), (dimension - 1) / 2
    before, now = np.zeros_like(cosine), np.ones_like(cosine)
    rows, counts = [], []
    for degree in range(highest):
        rows.append((kernels * now * weights).sum(axis=1))
        counts.append(count_harmonics(dimension, degree))
        # Gegenbauer recurrence for polynomials of value 1 at 1
        before, now = now, ((2 * (degree + a)) * cosine * now - degree * before) / (degree + 2 * a)
    values, power = np.maximum(np.array(rows).T, 0)
    return complete(values, power, np.array(counts))


def count_harmonics(dimension: int, degree: int) -> float:
    """Return the number of spherical harmonics of one degree on S^d."""
    from math import comb

    return float(
        comb(degree + dimension, dimension) - (comb(degree + dimension - 2, dimension) if degree > 1 else 0)
    )


def tail_ridge(spectrum: Spectrum) -> float:
    """Return the kernel's trace beyond the listed modes: it acts as a ridge. Both profiles are 1 at distance 0."""
    return max(0.0, 1.0 - spectrum.trace)


def local_spectrum(dimension: int, teacher: int, student: int, *, shared: bool = False) -> Spectrum:
    """Return the spectrum of a local student on a local teacher's field, filters `student` >= `teacher`.

    A plane wave within a patch belongs to as many patches as cover it; its translates share the eigenvalue. With
    `shared` both are convolutional: of the translates' span one mode is left, with all the power.
    """
    if student == dimension:
        return _global_spectrum(dimension, teacher)
    if 2 * (student - 1) >= dimension:
        raise ValueError(f"filter {student} wraps around {dimension} coordinates")
    own = fourier("laplace", student, scale=1 / (2 * np.pi * student))
    its = fourier("laplace", teacher, scale=1 / (2 * np.pi * teacher))
    each = copies(own.shape)
    rows = [(own.flat[0], its.flat[0] * (dimension if shared else 1), 1.0)]
    for span in range(1, student + 1):
        for middle in itertools.product((False, True), repeat=max(0, span - 2)):
            seen = (True, *middle, True)[: 1 if span == 1 else span]
            index = tuple(slice(1, None) if used else 0 for used in seen) + (0,) * (student - span)
            values = own[index] * (student - span + 1) / dimension
            power = np.zeros_like(values)
            if span <= teacher:
                low = its[index[:teacher]]
                cut = tuple(slice(0, min(m, k)) for m, k in zip(power.shape, low.shape))
                power[cut] = low[cut] * (teacher - span + 1) / dimension
            count = each[index] * (1 if shared else dimension)
            rows += zip(values.ravel(), (power * (dimension if shared else 1)).ravel(), count.ravel())
    values, power, count = np.array(rows).T
    return complete(values, power, count)


def _global_spectrum(dimension: int, teacher: int) -> Spectrum:
    own = fourier("laplace", dimension, scale=1 / (2 * np.pi * dimension))
    its = fourier("laplace", teacher, scale=1 / (2 * np.pi * teacher))
    power, side = np.zeros_like(own), own.shape[0]
    cut = its[(slice(0, side),) * teacher]
    for start in range(dimension):
        axes = [(start + k) % dimension for k in range(teacher)]
        index = tuple(slice(None) if axis in axes else 0 for axis in range(dimension))
        power[index] += cut / dimension  # a chord kernel is symmetric in its coordinates: their order is free
    return complete(own, power, copies(own.shape))
