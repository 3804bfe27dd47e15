r"""Kernel regression for every training-set size from one factorisation.

With :math:`K + \lambda = L L^\top` over a nested training sequence and :math:`B = L^{-1} Y`, the weights of
the first n points are :math:`\sum_{s \le n} L^{-\top} E_s B_s` over the segments s between requested sizes:
one triangular solve with all segments side by side gives every size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import blas, lapack
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from curvefit.errors import FitError, InvalidInputError

JITTERS = (0.0, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8)
"""Jitters tried in turn, relative to the mean of the diagonal; the one used is recorded."""


@dataclass(frozen=True, slots=True)
class Factor:
    """Cholesky factor of a kernel matrix with its ridge.

    Parameters
    ----------
    lower
        ``(n, n)`` in column order; its lower triangle is the factor (the rest is not to be read).
    ridge
        What was added to the diagonal, ridge and jitter together.
    jitter
        The part of `ridge` that nobody asked for: 0, or what it took to factorise.
    condition
        Estimated condition number of the factorised matrix (that of the first n points is no larger);
        NaN where the estimate did not converge.
    """

    lower: np.ndarray
    ridge: float
    jitter: float
    condition: float

    @property
    def n_train(self) -> int:
        """Number of training points."""
        return len(self.lower)

    def solve(self, right: np.ndarray, *, transposed: bool = False, overwrite: bool = False) -> np.ndarray:
        """Return ``L^-1 right``, or ``L^-T right``."""
        trsm = blas.dtrsm if self.lower.dtype == np.float64 else blas.strsm
        right = np.asfortranarray(right, dtype=self.lower.dtype)
        return trsm(1.0, self.lower, right, lower=1, trans_a=int(transposed), overwrite_b=int(overwrite))


def factorise(
    kernel: np.ndarray, *, ridge: float = 0.0, scale: float | None = None, overwrite: bool = False
) -> Factor:
    """Factorise a symmetric kernel matrix with a ridge, in place where asked.

    Parameters
    ----------
    kernel
        ``(n, n)``, symmetric, in row order, float64 or float32.
    ridge
        Relative to `scale`.
    scale
        Kernel value that ridge and jitter are relative to; trace/n by default.
    overwrite
        Whether `kernel` may be destroyed, which halves the memory.

    Raises
    ------
    InvalidInputError
        For a matrix that is not square, not finite, or a negative ridge.
    FitError
        When the matrix is not positive definite even with the largest jitter.
    """
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or not len(kernel):
        raise InvalidInputError(f"kernel has shape {kernel.shape}; expected a square matrix")
    if not ridge >= 0:
        raise InvalidInputError(f"ridge {ridge} is not allowed; allowed: 0 or more")
    diagonal = kernel.diagonal().copy()
    if not np.isfinite(kernel.sum()):
        raise InvalidInputError("kernel holds NaN or infinity")
    scale = float(diagonal.mean(dtype=np.float64)) if scale is None else float(scale)
    work = (kernel if overwrite and kernel.flags.c_contiguous else np.array(kernel, order="C")).T
    potrf = lapack.dpotrf if work.dtype == np.float64 else lapack.spotrf
    for number, jitter in enumerate(JITTERS):
        if number:
            _restore(work, diagonal)
        total = (ridge + jitter) * scale
        work[np.diag_indices(len(work))] = diagonal + total
        _, failed = potrf(work, lower=1, clean=0, overwrite_a=1)
        if not failed:
            return Factor(work, total, jitter * scale, _estimate_condition(work))
    raise FitError(
        f"kernel of {len(work)} points is not positive definite: leading block {failed} fails with a jitter "
        f"of {JITTERS[-1]:g} times {scale:.3g}; give a larger ridge than {ridge:g}"
    )


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


def leave_one_out(factor: Factor, y: np.ndarray) -> np.ndarray:
    """Return residuals ``y_i - f_{-i}(x_i)`` of leaving out each training point, in closed form.

    Parameters
    ----------
    factor
        Of the kernel of all training points, ridge included.
    y
        Targets ``(n, outputs)``.

    References
    ----------
    Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), eq. 5.12.
    """
    weights = factor.solve(factor.solve(y), transposed=True, overwrite=True)
    trtri = lapack.dtrtri if factor.lower.dtype == np.float64 else lapack.strtri
    inverse, failed = trtri(factor.lower, lower=1)
    if failed:
        raise FitError(f"the factor is singular at row {failed}")
    squares = np.empty((len(inverse), 1))
    for start in range(0, len(inverse), 512):
        strip = np.tril(inverse[start:, start : start + 512])
        squares[start : start + 512, 0] = np.einsum("ij,ij->j", strip, strip)
    return weights / squares


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


def _restore(work: np.ndarray, diagonal: np.ndarray) -> None:
    """Copy the untouched upper triangle back over a half-factorised lower one."""
    for start in range(0, len(work), 512):
        stop = start + 512
        block = work[start:stop, start:stop]
        block[:] = np.triu(block, 1) + np.triu(block, 1).T
        work[stop:, start:stop] = work[start:stop, stop:].T
    work[np.diag_indices(len(work))] = diagonal


def _estimate_condition(lower: np.ndarray) -> float:
    """Estimate the condition number by Lanczos iteration on the factor and its inverse."""
    n = len(lower)
    double = lower.dtype == np.float64
    multiply, divide = (blas.dtrmv, blas.dtrsv) if double else (blas.strmv, blas.strsv)
    if n < 3:
        matrix = np.tril(lower)
        return float(np.linalg.cond(matrix @ matrix.T))

    def forward(v: np.ndarray) -> np.ndarray:
        return multiply(lower, multiply(lower, v.ravel(), lower=1, trans=1), lower=1)

    def backward(v: np.ndarray) -> np.ndarray:
        return divide(lower, divide(lower, v.ravel(), lower=1), lower=1, trans=1)

    start = np.random.default_rng(0).standard_normal(n).astype(lower.dtype)
    product = 1.0
    for action in (forward, backward):
        operator = LinearOperator((n, n), matvec=action, dtype=lower.dtype)
        try:
            found = eigsh(operator, k=1, v0=start, tol=0.01, return_eigenvectors=False)
        except ArpackNoConvergence:
            return float("nan")
        product *= float(found[0])
    return product
