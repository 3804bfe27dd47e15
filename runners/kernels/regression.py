r"""Kernel regression for every training-set size from one factorisation.

With :math:`K + \lambda = L L^\top` over a nested training sequence and :math:`B = L^{-1} Y`, the weights of
the first n points are :math:`\sum_{s \le n} L^{-\top} E_s B_s` over the segments s between requested sizes:
one triangular solve with all segments side by side gives every size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy.linalg import lapack

from curvefit.errors import FitError, InvalidInputError
from runners.kernels.factor import Factor, check_ridge

STRIP = 512
"""Rows of the inverse factor worked on at once."""


def predict_prefixes(
    factor: Factor, y: np.ndarray, kernel_test: np.ndarray, sizes: Sequence[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (n, predictions) of the first n training points, for every n of `sizes`.

    Parameters
    ----------
    factor
        Of the kernel of all training points.
    y
        Targets ``(n, outputs)``.
    kernel_test
        Kernel of training against test points, ``(n, n_test)``.
    sizes
        Increasing training-set sizes, the largest at most n.

    Yields
    ------
    tuple
        Size, and predictions ``(n_test, outputs)``.
    """
    sizes = check_sizes(sizes, factor.n_train)
    if len(y) < sizes[-1] or len(kernel_test) < sizes[-1]:
        raise InvalidInputError(
            f"targets {y.shape} and kernel_test {kernel_test.shape} must have {sizes[-1]} rows"
        )
    outputs = y.shape[1]
    n = factor.n_train
    whitened = factor.solve(_rows(y, n, factor.lower.dtype), overwrite=True)
    pieces = np.zeros((n, len(sizes) * outputs), factor.lower.dtype, order="F")
    starts = [0, *sizes[:-1]]
    for number, (start, stop) in enumerate(zip(starts, sizes)):
        pieces[start:stop, number * outputs : (number + 1) * outputs] = whitened[start:stop]
    weights = factor.solve(pieces, transposed=True, overwrite=True)[: sizes[-1]]
    steps = kernel_test[: sizes[-1]].T @ weights
    total = np.zeros((kernel_test.shape[1], outputs), steps.dtype)
    for number, size in enumerate(sizes):
        total = total + steps[:, number * outputs : (number + 1) * outputs]
        yield size, total


def predict_variance(
    factor: Factor, kernel_test: np.ndarray, variance_test: np.ndarray, sizes: Sequence[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (n, posterior variance of the function at the test points) of a Gaussian process.

    Parameters
    ----------
    factor, kernel_test, sizes
        As in `predict_prefixes`.
    variance_test
        Prior variance at the test points, ``(n_test,)``: the kernel of each with itself.
    """
    sizes = check_sizes(sizes, factor.n_train)
    whitened = factor.solve(_rows(kernel_test, factor.n_train, factor.lower.dtype), overwrite=True)
    variance = np.array(variance_test, dtype=np.float64)
    start = 0
    for size in sizes:
        variance = variance - np.square(whitened[start:size]).sum(0, dtype=np.float64)
        start = size
        yield size, np.maximum(variance, 0.0)


def leave_one_out(factor: Factor, y: np.ndarray, sizes: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (n, residuals ``y_i - f_{-i}(x_i)``) of leaving out each of the first n points, in closed form.

    The inverse factor of the first n points is the leading block of the whole one, so that one inversion
    serves every size.

    Parameters
    ----------
    factor
        Of the kernel of all training points, ridge included.
    y
        Targets ``(n, outputs)``.
    sizes
        Increasing training-set sizes, the largest at most n.

    Yields
    ------
    tuple
        Size, and residuals ``(size, outputs)``.

    References
    ----------
    Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), eq. 5.12.
    """
    sizes = check_sizes(sizes, factor.n_train)
    whitened = factor.solve(_rows(y, factor.n_train, factor.lower.dtype), overwrite=True)
    trtri = lapack.dtrtri if factor.lower.dtype == np.float64 else lapack.strtri
    inverse, failed = trtri(factor.lower, lower=1)
    if failed:
        raise FitError(f"the factor is singular at row {failed}")
    weights = np.zeros((sizes[-1], y.shape[1]))
    squares = np.zeros((sizes[-1], 1))
    start = 0
    for size in sizes:
        for first in range(start, size, STRIP):
            last = min(first + STRIP, size)
            strip = np.tril(inverse[first:last, :last], first)
            weights[:last] += strip.T @ whitened[first:last]
            squares[:last, 0] += np.einsum("ij,ij->j", strip, strip)
        start = size
        yield size, weights[:size] / squares[:size]


def predict_flow(
    kernel: np.ndarray, y: np.ndarray, kernel_test: np.ndarray, times: Sequence[float], *, ridge: float = 0.0
) -> np.ndarray:
    """Return predictions of gradient flow from zero at finite times.

    The flow is on half the squared error averaged over all entries of `y`, so time is measured as
    in neural-tangents; for long times it tends to the ridge solution.

    Parameters
    ----------
    kernel, y, kernel_test
        ``(n, n)``, ``(n, outputs)``, ``(n, n_test)``.
    times
        Positive times; infinity is allowed.
    ridge
        Relative to trace/n; added to the kernel.

    Returns
    -------
    numpy.ndarray
        ``(len(times), n_test, outputs)``.

    References
    ----------
    Jacot et al., arXiv:1806.07572; Lee et al., arXiv:1902.06720.
    """
    if any(not time > 0 for time in times):
        raise InvalidInputError(f"times {list(times)} must all be positive")
    check_ridge(ridge)
    values, vectors = np.linalg.eigh(kernel)
    values = values + ridge * float(np.trace(kernel)) / len(kernel)
    floor = np.finfo(values.dtype).eps * len(values) * max(values[-1], 0.0)
    coefficients = vectors.T @ y
    projected = kernel_test.T @ vectors
    filters = []
    for time in times:
        decay = values * (time / y.size)
        safe = np.where(values > floor, values, 1.0)
        limit = 0.0 if np.isinf(time) else time / y.size
        filters.append(np.where(values > floor, -np.expm1(-decay) / safe, limit))
    return np.stack([(projected * f) @ coefficients for f in filters])


def check_sizes(sizes: Sequence[int], available: int) -> list[int]:
    """Return `sizes` as a list, or raise unless they increase from 1 up to at most `available`."""
    listed = [int(size) for size in sizes]
    if not listed or listed[0] < 1 or listed[-1] > available or any(a >= b for a, b in pairwise(listed)):
        raise InvalidInputError(f"sizes {listed} must increase and lie within 1..{available}")
    return listed


def _rows(values: np.ndarray, n: int, dtype) -> np.ndarray:
    """Return a fresh column-ordered copy with exactly `n` rows (missing ones zero)."""
    full = np.zeros((n, values.shape[1]), dtype, order="F")
    full[: min(n, len(values))] = values[:n]
    return full
