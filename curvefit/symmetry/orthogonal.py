"""Rotations of the chain O(cp) > O(ck^2)^(p/k^2) > O(c)^p > O(c)xI_p."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import Rotation


def draw_haar(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` orthogonal matrices ``(count, size, size)`` from Haar measure.

    QR of a Gaussian matrix with the signs of R's diagonal moved into Q.

    References
    ----------
    Mezzadri (2007), "How to generate random matrices from the classical compact groups", arXiv:math-ph/0609050.
    """
    q, r = np.linalg.qr(rng.standard_normal((count, size, size)))
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    return q * np.where(signs == 0, 1.0, signs)[:, None, :]


@dataclass(frozen=True, slots=True)
class AbstractRotations(AbstractGroup):
    """A group O(m)^b of independent rotations of b blocks of m coordinates, or one shared by all."""

    shared: ClassVar[bool] = False

    @abc.abstractmethod
    def blocks(self) -> np.ndarray:
        """Return the coordinates of each block, ``(b, m)``."""

    def sample(self, seed: int | np.random.Generator) -> Rotation:
        blocks = self.blocks()
        count = 1 if self.shared else len(blocks)
        return Rotation(self.shape, draw_haar(count, blocks.shape[1], np.random.default_rng(seed)), blocks)

    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        blocks = self.blocks()
        inside = matrix[blocks[:, :, None], blocks[:, None, :]]
        outside = np.array(matrix, dtype=float)
        outside[blocks[:, :, None], blocks[:, None, :]] = 0
        same = not self.shared or np.abs(inside - inside[:1]).max() <= tolerance
        return bool(np.abs(outside).max() <= tolerance and same)

    @property
    def _block_count(self) -> tuple[int, int]:
        """Free blocks and their size."""
        b, m = self.blocks().shape
        return (1 if self.shared else b), m

    @property
    def order(self) -> int | None:
        b, m = self._block_count
        return 2**b if m == 1 else None

    @property
    def dimension(self) -> int:
        b, m = self._block_count
        return b * m * (m - 1) // 2

    @property
    def orbit_dimension(self) -> int:
        b, m = self._block_count
        return b * (m - 1)


@GROUPS.register("o-cp")
@dataclass(frozen=True, slots=True)
class AllRotations(AbstractRotations):
    """O(cp): one rotation of all coordinates."""

    label: ClassVar[str] = "O(cp)"
    supergroups: ClassVar[tuple[str, ...]] = ()

    def blocks(self) -> np.ndarray:
        return np.arange(self.size)[None]


@GROUPS.register("o-c-per-pixel")
@dataclass(frozen=True, slots=True)
class PixelRotations(AbstractRotations):
    """O(c)^p: an independent rotation of the channels of every pixel."""

    label: ClassVar[str] = "O(c)^p"
    supergroups: ClassVar[tuple[str, ...]] = ("o-patch",)

    def blocks(self) -> np.ndarray:
        return np.arange(self.size).reshape(self.pixels, self.channels)


@GROUPS.register("o-c-shared")
@dataclass(frozen=True, slots=True)
class SharedRotations(AbstractRotations):
    """O(c)xI_p: one rotation of the channels, the same at every pixel."""

    label: ClassVar[str] = "O(c)⊗I_p"
    supergroups: ClassVar[tuple[str, ...]] = ("o-c-per-pixel",)
    shared: ClassVar[bool] = True

    def blocks(self) -> np.ndarray:
        return np.arange(self.size).reshape(self.pixels, self.channels)

    @property
    def orbit_dimension(self) -> int:
        c, rank = self.channels, min(self.pixels, self.channels)
        return (c * (c - 1) - (c - rank) * (c - rank - 1)) // 2


@GROUPS.register("o-patch")
@dataclass(frozen=True, slots=True)
class PatchRotations(AbstractRotations):
    """O(ck^2)^(p/k^2): an independent rotation of every k x k patch with all its channels.

    Parameters
    ----------
    patch
        Side k of the patches; divides height and width. ``get_group("o-patch-4")`` sets it to 4.
    """

    label: ClassVar[str] = "O(ck²)^(p/k²)"
    numbered: ClassVar[str | None] = "patch"
    patch: int = 2

    def __post_init__(self) -> None:
        AbstractGroup.__post_init__(self)
        h, w, _ = self.shape
        if self.patch < 1 or h % self.patch or w % self.patch:
            raise InvalidInputError(
                f"group 'o-patch': patch {self.patch} must divide height and width of shape {self.shape}"
            )

    @classmethod
    def nested(cls, small: int, large: int) -> bool:
        return large % small == 0

    @classmethod
    def same_as(cls, number: int) -> str | None:
        return "o-c-per-pixel" if number == 1 else None

    @classmethod
    def side_unit(cls, number: int) -> int | None:
        return number

    def blocks(self) -> np.ndarray:
        (h, w, c), k = self.shape, self.patch
        grid = np.arange(self.size).reshape(h // k, k, w // k, k, c)
        return grid.transpose(0, 2, 1, 3, 4).reshape(-1, k * k * c)


@GROUPS.register("o-c-tail")
@dataclass(frozen=True, slots=True)
class TailRotations(AbstractRotations):
    """I x O(c)^(p - head): independent rotations of the channels of every pixel but the first ones.

    With two channels holding the cosine and sine of an angle these are the translations (and
    reflections) of the torus coordinates that a target does not depend on.

    Parameters
    ----------
    head
        Pixels left alone. ``get_group("o-c-tail-2")`` sets it to 2.
    """

    label: ClassVar[str] = "I×O(c)^(p-head)"
    numbered: ClassVar[str | None] = "head"
    supergroups: ClassVar[tuple[str, ...]] = ("o-c-per-pixel",)
    head: int = 1

    def __post_init__(self) -> None:
        AbstractGroup.__post_init__(self)
        if not 0 <= self.head < self.pixels:
            raise InvalidInputError(
                f"group 'o-c-tail': head {self.head} must be less than the {self.pixels} pixels of shape {self.shape}"
            )

    @classmethod
    def nested(cls, small: int, large: int) -> bool:
        return small >= large

    @classmethod
    def same_as(cls, number: int) -> str | None:
        return "o-c-per-pixel" if number == 0 else None

    @classmethod
    def side_unit(cls, number: int) -> int | None:
        return None

    def blocks(self) -> np.ndarray:
        return np.arange(self.size).reshape(self.pixels, self.channels)

    def sample(self, seed: int | np.random.Generator) -> Rotation:
        matrices = np.tile(np.eye(self.channels), (self.pixels, 1, 1))
        matrices[self.head :] = draw_haar(self.pixels - self.head, self.channels, np.random.default_rng(seed))
        return Rotation(self.shape, matrices, self.blocks())

    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        still = self.head * self.channels
        kept = np.abs(matrix[:still, :still] - np.eye(still)).max(initial=0.0) <= tolerance
        return bool(kept and AbstractRotations.admits(self, matrix, tolerance=tolerance))

    @property
    def _block_count(self) -> tuple[int, int]:
        return self.pixels - self.head, self.channels
