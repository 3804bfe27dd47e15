"""What a certificate says, and the images it is taken on."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from curvefit.symmetry.elements import Shape

TARGET = 8.0
"""Far above an untrained net's outputs (about 1), so that what is learned of one image shows on another."""


class Verdict(enum.StrEnum):
    """What was found about one group."""

    INVARIANT = "certified invariant"
    NOT_INVARIANT = "certified not invariant"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The finding for one group and one (M, I).

    Parameters
    ----------
    group, label
        Registered name, and how it is written in tables.
    verdict
        See `Verdict`.
    method
        ``"kernel"`` (kernel entries compared), ``"coupling"`` (training runs compared path by path) or
        ``"two-sample"`` (predictions of many nets compared in distribution).
    discrepancy
        Largest relative difference of kernel entries or predictions; for ``"two-sample"`` the smallest
        p-value, corrected for the number of comparisons.
    tolerance
        What `discrepancy` was held against.
    detail
        One sentence for people.
    """

    group: str
    label: str
    verdict: Verdict
    method: str
    discrepancy: float
    tolerance: float
    detail: str

    @property
    def margin(self) -> float:
        """How many times the finding is clear of its tolerance; of an undecided one, how many times short of it."""
        small, large = sorted((max(self.discrepancy, 1e-300), self.tolerance))
        return large / small


def draw_generic_images(n: int, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return Gaussian images ``(n, *shape)``: nothing about them is special to any group."""
    return rng.standard_normal((n, *shape))


class Task(NamedTuple):
    """A tiny regression task: training images and targets ``(n, 1)``, test images."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray


def draw_telltale_tasks(shape: Shape, rng: np.random.Generator) -> tuple[Task, Task]:
    """Return two tasks on which broken symmetry shows soonest, all targets being `TARGET`.

    In the first every training image has one pixel and channel switched on, the test images the same, a neighbour,
    a far pixel, or another channel: filters of small reach keep far pixels apart, Adam learns sparse images
    more slowly than dense ones. In the second whole images are constant in one channel: shared filters
    give all pixels one answer. A transformation outside the group destroys one of these.
    """
    h, w, c = shape
    row, column = int(rng.integers(h)), int(rng.integers(w))
    spots = np.zeros((4, *shape))
    spots[0, row, (column + 1) % w, 0] = 1
    spots[1, (row + h // 2) % h, (column + w // 2) % w, 0] = 1
    spots[2, row, column, 1 % c] = 1
    spots[3, row, column, 0] = 1
    lit = np.zeros((1, *shape))
    lit[0, row, column, 0] = 1
    constants = np.zeros((4, *shape))
    constants[0, ..., 1 % c] = 1
    constants[1, ..., 0] = -1
    constants[2, : (h + 1) // 2, :, 0] = 1
    constants[3, ..., 0] = 1
    flat = np.zeros((1, *shape))
    flat[..., 0] = 1
    brightness = rng.uniform(0.8, 1.2, (4, 1, 1, 1))
    targets = np.full((4, 1), TARGET)
    return (
        Task(_unit(lit) * brightness, targets, _unit(spots)),
        Task(_unit(flat) * brightness, targets, _unit(constants)),
    )


def _unit(x: np.ndarray) -> np.ndarray:
    """Return images scaled to a mean square of 1."""
    return x / np.sqrt(np.mean(np.square(x), axis=(1, 2, 3), keepdims=True))
