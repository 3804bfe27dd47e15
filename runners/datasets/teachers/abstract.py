"""What every synthetic teacher is: a law for inputs and a target whose learning curve theory predicts."""

from __future__ import annotations

import abc
from collections.abc import Callable

import numpy as np
from pydantic import Field, PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from runners.datasets.abstract import AbstractDataset, Split

BLOCK = 1024
"""Inputs are drawn in blocks of this many, each from its own seed: a prefix of any length is the same."""


def draw_blocks(draw: Callable[[int, np.random.Generator], np.ndarray], n: int, *path: object) -> np.ndarray:
    """Return `n` rows of an endless seeded stream, of which every shorter request is a prefix.

    Parameters
    ----------
    draw
        ``draw(count, rng)`` gives `count` rows.
    n
        Rows wanted.
    path
        Seed path of the stream.
    """
    blocks = [draw(BLOCK, generator(*path, k)) for k in range(-(-n // BLOCK))]
    return np.concatenate(blocks)[:n]


class AbstractTeacher(AbstractDataset):
    """A synthetic task: nested training sets of any size, noiseless unless said otherwise.

    Parameters
    ----------
    n_test
        Test points.
    noise
        Standard deviation of Gaussian noise on training targets; test targets stay clean.
    """

    n_test: PositiveInt = 1000
    noise: float = Field(default=0.0, ge=0)

    @abc.abstractmethod
    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return `n` inputs ``(n, height, width, channels)``."""

    def largest_n_train(self) -> int | None:
        return None

    def _require_size(self, n_train: int) -> None:
        largest = self.largest_n_train()
        if n_train < 1 or (largest is not None and n_train > largest):
            raise InvalidInputError(f"n_train {n_train} is not within 1..{largest or 'any number'}")

    def _with_noise(self, y: np.ndarray, seed: int, study_seed: int) -> np.ndarray:
        if not self.noise:
            return y
        return y + self.noise * draw_blocks(
            lambda count, rng: rng.standard_normal((count, y.shape[1])), len(y), study_seed, "noise", seed
        )


class AbstractFunctionTeacher(AbstractTeacher):
    """A teacher with an explicit target function: any number of points, one test set for all seeds."""

    @abc.abstractmethod
    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        """Return the clean targets ``(n, outputs)``, or labels ``(n,)``, of inputs `x`."""

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        self._require_size(n_train)
        x_train, y_train = self._draw(n_train, study_seed, "points", seed)
        x_test, y_test = self._draw(self.n_test, study_seed, "test-set")
        return Split(x_train, self._with_noise(y_train, seed, study_seed), x_test, y_test)

    def _draw(self, n: int, study_seed: int, *path: object) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets; targets are computed on whole blocks, so that rounding is that of any n."""
        whole = -(-n // BLOCK) * BLOCK
        x = draw_blocks(self.draw_inputs, whole, study_seed, *path)
        y = [self.target(x[k : k + BLOCK], study_seed=study_seed) for k in range(0, whole, BLOCK)]
        return x[:n].copy(), np.concatenate(y)[:n]
