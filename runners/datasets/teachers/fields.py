"""Gaussian random fields drawn exactly at seeded points: any number, every smaller draw a prefix.

The field at the test points and then at the training points, in the order of the stream, is ``L z`` with the
Cholesky factor L of its covariance and independent normal z. The factor of a longer list begins with the factor of
the shorter one, so the joint law is exact for every n without deciding a largest n beforehand. The factor is built
in doubling blocks, so that the same numbers come out whatever n was asked for. Cost grows as n^3 / 3,
memory as 16 n^2 bytes while drawing; only points and values are kept.
"""

from __future__ import annotations

import abc
from functools import lru_cache

import numpy as np

from curvefit.seeding import generator
from runners.datasets.abstract import Split
from runners.datasets.teachers.abstract import draw_blocks
from runners.datasets.teachers.noise import TargetNoise

FIRST_BLOCK = 64
LARGEST = 16_384
JITTER = 1e-10
"""Added to the covariance's diagonal (of order 1); it is 1e-10 of white noise in the target."""


class AbstractFieldTeacher(TargetNoise):
    """A teacher drawn from a Gaussian random field, a fresh one (with its own test points) per replicate."""

    @abc.abstractmethod
    def covariance(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        """Return the field's covariance ``(n1, n2)``, of order 1."""

    def largest_n_train(self, study_seed: int = 0) -> int:
        return LARGEST

    def clean_split(self, n_train: int, *, seed: int, study_seed: int) -> Split:
        doublings = max(0, (n_train - 1) // FIRST_BLOCK).bit_length()
        plain = self.model_copy(update={"rotation": "trivial", "noise": 0.0})  # they share the field's draw
        x, y = _draw_field(plain, doublings, seed, study_seed)
        test, train = slice(0, self.n_test), slice(self.n_test, self.n_test + n_train)
        return Split(x[train].copy(), y[train].copy(), x[test].copy(), y[test].copy())

    def chance_error(self) -> float:
        """Return the expected squared error of the best constant, from the covariance of 1,000 points."""
        return _chance_error(self)


@lru_cache(maxsize=32)
def _chance_error(teacher: AbstractFieldTeacher) -> float:
    x = teacher.draw_inputs(1000, generator("chance-error"))
    covariance = teacher.covariance(x, x)
    among = (covariance.sum() - np.trace(covariance)) / (len(x) * (len(x) - 1))
    return float(np.trace(covariance) / len(x) - among)


@lru_cache(maxsize=8)
def _draw_field(
    teacher: AbstractFieldTeacher, doublings: int, seed: int, study_seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return points and field values ``(n, 1)``: the test points, then training points."""
    from scipy.linalg import cholesky, solve_triangular

    ends = [teacher.n_test + FIRST_BLOCK * 2**k for k in range(doublings + 1)]
    n = ends[-1]
    x_test = draw_blocks(teacher.draw_inputs, teacher.n_test, study_seed, "test-points", seed)
    x_train = draw_blocks(teacher.draw_inputs, n - teacher.n_test, study_seed, "points", seed)
    x = np.concatenate([x_test, x_train])
    z = draw_blocks(lambda count, rng: rng.standard_normal((count, 1)), n, study_seed, "field", seed)
    factor, values = np.zeros((0, 0)), np.zeros((0, 1))
    for end in ends:
        start = len(factor)
        new = teacher.covariance(x[start:end], x[start:end])
        new[np.diag_indices(end - start)] += JITTER
        across = np.zeros((end - start, 0))
        if start:
            across = solve_triangular(factor, teacher.covariance(x[:start], x[start:end]), lower=True).T
            new -= across @ across.T
        corner = cholesky(new, lower=True, overwrite_a=True)
        values = np.concatenate([values, across @ z[:start] + corner @ z[start:end]])
        if end != n:
            grown = np.zeros((end, end))
            grown[:start, :start], grown[start:, :start], grown[start:, start:] = factor, across, corner
            factor = grown
    return x, values
