"""Finite groups that move pixels: cyclic shifts, their scrambled control, flips, the square's D4, trivial."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import SignedPermutation


@dataclass(frozen=True, slots=True)
class AbstractPixelMaps(AbstractGroup):
    """A small finite group of pixel maps, given by the list of all of them."""

    supergroups: ClassVar[tuple[str, ...]] = ("s-p",)

    @abc.abstractmethod
    def maps(self) -> np.ndarray:
        """Return every map ``(order, p)``: row k names the pixel that each pixel's value comes from."""

    def element(self, index: int) -> SignedPermutation:
        """Return the element of row `index` of `maps`."""
        source = self.maps()[index][:, None] * self.channels + np.arange(self.channels)
        return SignedPermutation(self.shape, source.ravel(), np.ones(self.size))

    def sample(self, seed: int | np.random.Generator) -> SignedPermutation:
        return self.element(int(np.random.default_rng(seed).integers(self.order)))

    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        return any(
            np.abs(self.element(index).matrix() - matrix).max() <= tolerance for index in range(self.order)
        )

    @property
    def order(self) -> int:
        return len(np.unique(self.maps(), axis=0))


@GROUPS.register("trivial")
@dataclass(frozen=True, slots=True)
class Trivial(AbstractPixelMaps):
    """The group of the identity alone."""

    label: ClassVar[str] = "trivial"
    supergroups: ClassVar[tuple[str, ...]] = (
        "flips",
        "d4",
        "cyclic-shifts",
        "scrambled-shifts",
        "s-c-shared",
        "sign-flips-shared",
        "o-c-tail",
    )

    def maps(self) -> np.ndarray:
        return np.arange(self.pixels)[None]


@GROUPS.register("cyclic-shifts")
@dataclass(frozen=True, slots=True)
class CyclicShifts(AbstractPixelMaps):
    """C_h x C_w: cyclic shifts of the pixel grid along both axes."""

    label: ClassVar[str] = "C_h×C_w"

    def maps(self) -> np.ndarray:
        h, w, _ = self.shape
        rows = (np.arange(h) - np.arange(h)[:, None]) % h
        columns = (np.arange(w) - np.arange(w)[:, None]) % w
        return (rows[:, None, :, None] * w + columns[None, :, None, :]).reshape(h * w, h * w)

    @property
    def order(self) -> int:
        return self.pixels


@GROUPS.register("scrambled-shifts")
@dataclass(frozen=True, slots=True)
class ScrambledShifts(CyclicShifts):
    """Control: cyclic shifts conjugated by a fixed pixel permutation, a wrong group of the same size."""

    label: ClassVar[str] = "σ(C_h×C_w)σ⁻¹"

    def maps(self) -> np.ndarray:
        scramble = generator("scrambled-shifts", *self.shape[:2]).permutation(self.pixels)
        back = np.argsort(scramble)
        return back[CyclicShifts.maps(self)[:, scramble]]


@GROUPS.register("flips")
@dataclass(frozen=True, slots=True)
class Flips(AbstractPixelMaps):
    """Mirror images, left to right and top to bottom."""

    label: ClassVar[str] = "flips"
    supergroups: ClassVar[tuple[str, ...]] = ("d4", "s-p")

    def maps(self) -> np.ndarray:
        grid = np.arange(self.pixels).reshape(self.shape[:2])
        return np.stack([view.ravel() for view in (grid, grid[::-1], grid[:, ::-1], grid[::-1, ::-1])])


@GROUPS.register("d4")
@dataclass(frozen=True, slots=True)
class SquareSymmetries(AbstractPixelMaps):
    """D4: quarter turns and mirror images of a square grid."""

    label: ClassVar[str] = "D4"

    def __post_init__(self) -> None:
        AbstractGroup.__post_init__(self)
        if self.shape[0] != self.shape[1]:
            raise InvalidInputError(
                f"group 'd4' needs square images, not shape {self.shape}; 'flips' takes any"
            )

    def maps(self) -> np.ndarray:
        grid = np.arange(self.pixels).reshape(self.shape[:2])
        turns = [np.rot90(grid, k) for k in range(4)]
        return np.stack([view.ravel() for turn in turns for view in (turn, turn[:, ::-1])])
