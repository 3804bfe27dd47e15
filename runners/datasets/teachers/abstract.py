"""What every synthetic teacher is: a law for inputs and a target whose learning curve theory predicts."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pydantic import PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.triplet import DataFacts
from runners.datasets.abstract import AbstractDataset, Split
from runners.datasets.rotation import GroupName, draw_element, rotate, symmetry_after

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
    """A synthetic task: nested training sets of any size.

    Parameters
    ----------
    n_test
        Test points.
    rotation
        Group from which one fixed element, drawn by the study's seed, acts on training and test inputs
        after their targets were made.
    """

    n_test: PositiveInt = 1000
    rotation: GroupName = "trivial"

    @abc.abstractmethod
    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return `n` inputs ``(n, height, width, channels)``."""

    @abc.abstractmethod
    def clean_facts(self) -> DataFacts:
        """Return the facts of the task without noise and rotation."""

    @abc.abstractmethod
    def clean_split(self, n_train: int, *, seed: int, study_seed: int) -> Split:
        """Return the split without noise and rotation."""

    def corrupt(self, y: np.ndarray, *, seed: int, study_seed: int) -> np.ndarray:
        """Return the training targets or labels with their noise; none unless said otherwise."""
        return y

    def facts(self) -> DataFacts:
        facts = self.clean_facts()
        if self.rotation == "trivial":
            return facts
        condition = facts.prediction_condition
        return replace(
            facts,
            transform=self.rotation,
            data_symmetry=symmetry_after(self.rotation, facts.data_symmetry, facts.shape),
            prediction_condition=f"{condition}; the rotation must leave the student unchanged"
            if condition
            else None,
        )

    def largest_n_train(self, study_seed: int = 0) -> int | None:
        return None

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        largest = self.largest_n_train()
        if n_train < 1 or (largest is not None and n_train > largest):
            raise InvalidInputError(f"n_train {n_train} is not within 1..{largest or 'any number'}")
        clean = self.clean_split(n_train, seed=seed, study_seed=study_seed)
        x_train, x_test = clean.x_train, clean.x_test
        if self.rotation != "trivial":
            element = draw_element(self.rotation, x_train.shape[1:], study_seed)
            x_train, x_test = rotate(x_train, element), rotate(x_test, element)
        y_train = self.corrupt(clean.y_train, seed=seed, study_seed=study_seed)
        return Split(x_train, y_train, x_test, clean.y_test)


class AbstractFunctionTeacher(AbstractTeacher):
    """A teacher with an explicit target function: any number of points, one test set for all seeds."""

    @abc.abstractmethod
    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        """Return the clean targets ``(n, outputs)``, or labels ``(n,)``, of inputs `x`."""

    def clean_split(self, n_train: int, *, seed: int, study_seed: int) -> Split:
        train = self.draw_examples(n_train, study_seed, "points", seed)
        return Split(*train, *self.draw_examples(self.n_test, study_seed, "test-set"))

    def draw_examples(self, n: int, study_seed: int, *path: object) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets; targets are computed on whole blocks, so that rounding is that of any n."""
        whole = -(-n // BLOCK) * BLOCK
        x = draw_blocks(self.draw_inputs, whole, study_seed, *path)
        y = [self.target(x[k : k + BLOCK], study_seed=study_seed) for k in range(0, whole, BLOCK)]
        return x[:n].copy(), np.concatenate(y)[:n]
