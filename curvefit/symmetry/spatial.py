"""Finite groups that move pixels: cyclic shifts, their scrambled control, flips, the square's D4, trivial."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import SignedPermutation, read_signed_permutation


@dataclass(frozen=True, slots=True)
class AbstractPixelMaps(AbstractGroup):
    """A small finite group of pixel maps, given by the list of all of them."""

    supergroups: ClassVar[tuple[str, ...]] = ("s-p",)

    @abc.abstractmethod
    def maps(self) -> np.ndarray:
        """Return every map once, ``(order, p)``: row k names the pixel that each pixel's value comes from."""

    def element(self, index: int) -> SignedPermutation:
        """Return the element of row `index` of `maps`."""
        source = self.maps()[index][:, None] * self.channels + np.arange(self.channels)
        return SignedPermutation(self.shape, source.ravel(), np.ones(self.size))

    def sample(self, seed: int | np.random.Generator) -> SignedPermutation:
        return self.element(int(np.random.default_rng(seed).integers(self.order)))

    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        read = read_signed_permutation(matrix, tolerance)
        if read is None or (read[1] < 0).any():
            return False
        pixel, channel = np.divmod(read[0].reshape(self.pixels, self.channels), self.channels)
        together = (pixel == pixel[:, :1]).all() and (channel == np.arange(self.channels)).all()
        return bool(together and (self.maps() == pixel[:, 0]).all(axis=1).any())

    @property
    def order(self) -> int:
        return len(self.maps())


@GROUPS.register("trivial")
@dataclass(frozen=True, slots=True)
class Trivial(AbstractPixelMaps):
    """The group of the identity alone."""

    label: ClassVar[str] = "trivial"
    supergroups: ClassVar[tuple[str, ...]] = ()

    def maps(self) -> np.ndarray:
        return np.arange(self.pixels)[None]


@GROUPS.register("cyclic-shifts")
@dataclass(frozen=True, slots=True)
class CyclicShifts(AbstractPixelMaps):
    """C_h x C_w: cyclic shifts of the pixel grid along both axes."""

    label: ClassVar[str] = "C_h×C_w"

    def maps(self) -> np.ndarray:
        return shift_maps(*self.shape[:2])

    @property
    def order(self) -> int:
        return self.pixels


@GROUPS.register("scrambled-shifts")
@dataclass(frozen=True, slots=True)
class ScrambledShifts(CyclicShifts):
    """Control: cyclic shifts conjugated by a fixed pixel permutation, a wrong group of the same size.

    The permutation is the first of a seeded list that leaves no shift, flip or turn but the identity in the
    group. Grids of 1 x 2, 1 x 3 and 2 x 2 pixels have no such permutation: there it stays the group of shifts.
    """

    label: ClassVar[str] = "σ(C_h×C_w)σ⁻¹"

    def maps(self) -> np.ndarray:
        return _scrambled_maps(*self.shape[:2])


@GROUPS.register("flips")
@dataclass(frozen=True, slots=True)
class Flips(AbstractPixelMaps):
    """Mirror images, left to right and top to bottom."""

    label: ClassVar[str] = "flips"
    supergroups: ClassVar[tuple[str, ...]] = ("d4", "s-p")

    def maps(self) -> np.ndarray:
        grid = _grid(*self.shape[:2])
        return _distinct([grid, grid[::-1], grid[:, ::-1], grid[::-1, ::-1]])


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
        turns = [np.rot90(_grid(*self.shape[:2]), k) for k in range(4)]
        return _distinct([view for turn in turns for view in (turn, turn[:, ::-1])])


def shift_maps(height: int, width: int) -> np.ndarray:
    """Return the pixel maps ``(p, p)`` of all cyclic shifts; row ``i * width + j`` shifts by i rows and j columns."""
    rows = (np.arange(height) - np.arange(height)[:, None]) % height
    columns = (np.arange(width) - np.arange(width)[:, None]) % width
    p = height * width
    return (rows[:, None, :, None] * width + columns[None, :, None, :]).reshape(p, p)


@cache
def _scrambled_maps(height: int, width: int) -> np.ndarray:
    shifts, grid = shift_maps(height, width), _grid(height, width)
    turns = [np.rot90(grid, k) for k in ((0, 1, 2, 3) if height == width else (0, 2))]
    right = {view.tobytes() for turn in turns for view in (turn, turn[:, ::-1])}
    right |= {row.tobytes() for row in shifts}
    rng = generator("scrambled-shifts", height, width)
    for _ in range(1000):
        scramble = rng.permutation(height * width)
        scrambled = np.argsort(scramble)[shifts[:, scramble]]
        if sum(row.tobytes() in right for row in scrambled) == 1:
            return scrambled
    return scrambled


def _grid(height: int, width: int) -> np.ndarray:
    return np.arange(height * width).reshape(height, width)


def _distinct(views: list[np.ndarray]) -> np.ndarray:
    """Return the maps of some views of the grid, each once: a side of one pixel makes some of them equal."""
    return np.array(list(dict.fromkeys(tuple(view.ravel().tolist()) for view in views)))
