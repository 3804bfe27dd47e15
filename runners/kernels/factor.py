"""Cholesky factor of a kernel matrix: in place where asked, its jitter and its condition number recorded."""

from __future__ import annotations

from dataclasses import dataclass

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
        For a matrix that is not square, not finite, or a ridge that is negative or not finite.
    FitError
        When the matrix is not positive definite even with the largest jitter.
    """
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or not len(kernel):
        raise InvalidInputError(f"kernel has shape {kernel.shape}; expected a square matrix")
    check_ridge(ridge)
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


def check_ridge(ridge: float) -> None:
    """Raise unless `ridge` is a finite number that is not negative."""
    if not 0 <= ridge < np.inf:
        raise InvalidInputError(f"ridge {ridge} is not allowed; allowed: 0 or more, and finite")


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
