"""Permutations and sign flips of coordinates: what Adam and non-Gaussian initialisations leave of the chain."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from math import factorial
from typing import ClassVar

import numpy as np

from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import SignedPermutation, read_signed_permutation


@dataclass(frozen=True, slots=True)
class AbstractPermutations(AbstractGroup):
    """A group whose elements permute coordinates, with or without sign flips.

    A subclass draws index map and signs, and says which maps and signs belong to it.
    """

    signed: ClassVar[bool] = False

    @abc.abstractmethod
    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return (source, signs), each ``(d,)``; `sample` ignores the signs of an unsigned group."""

    @abc.abstractmethod
    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        """Return whether an index map with signs belongs to the signed version of the group."""

    def sample(self, seed: int | np.random.Generator) -> SignedPermutation:
        source, signs = self.draw(np.random.default_rng(seed))
        return SignedPermutation(self.shape, source, signs if self.signed else np.ones(self.size))

    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        read = read_signed_permutation(matrix, tolerance)
        if read is None or (not self.signed and (read[1] < 0).any()):
            return False
        return self.admits_map(*read)

    def _signs(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return np.broadcast_to(rng.choice([-1.0, 1.0], shape), (self.pixels, self.channels)).ravel()


@GROUPS.register("s-cp")
@dataclass(frozen=True, slots=True)
class AllPermutations(AbstractPermutations):
    """S_cp: any permutation of all coordinates."""

    label: ClassVar[str] = "S_cp"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-cp",)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return rng.permutation(self.size), self._signs((self.pixels, self.channels), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        return True

    @property
    def order(self) -> int:
        return factorial(self.size) * (2**self.size if self.signed else 1)


@GROUPS.register("s-c-per-pixel")
@dataclass(frozen=True, slots=True)
class PixelChannelPermutations(AbstractPermutations):
    """S_c^p: an independent permutation of the channels of every pixel."""

    label: ClassVar[str] = "S_c^p"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-c-per-pixel", "s-cp")

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        channels = rng.permuted(np.tile(np.arange(self.channels), (self.pixels, 1)), axis=1)
        source = np.arange(self.pixels)[:, None] * self.channels + channels
        return source.ravel(), self._signs((self.pixels, self.channels), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        return bool((source // self.channels == np.arange(self.size) // self.channels).all())

    @property
    def order(self) -> int:
        return (factorial(self.channels) * (2**self.channels if self.signed else 1)) ** self.pixels


@GROUPS.register("s-c-shared")
@dataclass(frozen=True, slots=True)
class SharedChannelPermutations(AbstractPermutations):
    """S_cxI_p: one permutation of the channels, the same at every pixel."""

    label: ClassVar[str] = "S_c⊗I_p"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-c-shared", "s-c-per-pixel")

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        source = np.arange(self.pixels)[:, None] * self.channels + rng.permutation(self.channels)
        return source.ravel(), self._signs((1, self.channels), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        pixel, channel = np.divmod(source.reshape(self.pixels, self.channels), self.channels)
        signs = signs.reshape(self.pixels, self.channels)
        stays = (pixel == np.arange(self.pixels)[:, None]).all()
        return bool(stays and (channel == channel[0]).all() and (signs == signs[0]).all())

    @property
    def order(self) -> int:
        return factorial(self.channels) * (2**self.channels if self.signed else 1)


@GROUPS.register("s-p")
@dataclass(frozen=True, slots=True)
class PixelPermutations(AbstractPermutations):
    """S_pxI_c: a permutation of the pixels, each with all its channels."""

    label: ClassVar[str] = "S_p⊗I_c"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-p", "s-cp")

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        source = rng.permutation(self.pixels)[:, None] * self.channels + np.arange(self.channels)
        return source.ravel(), self._signs((self.pixels, 1), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        pixel, channel = np.divmod(source.reshape(self.pixels, self.channels), self.channels)
        signs = signs.reshape(self.pixels, self.channels)
        together = (pixel == pixel[:, :1]).all() and (channel == np.arange(self.channels)).all()
        return bool(together and (signs == signs[:, :1]).all())

    @property
    def order(self) -> int:
        return factorial(self.pixels) * (2**self.pixels if self.signed else 1)


@GROUPS.register("signed-s-cp")
@dataclass(frozen=True, slots=True)
class SignedAllPermutations(AllPermutations):
    """S_cp with an independent sign flip of every coordinate."""

    label: ClassVar[str] = "±S_cp"
    supergroups: ClassVar[tuple[str, ...]] = ("o-cp",)
    signed: ClassVar[bool] = True


@GROUPS.register("signed-s-c-per-pixel")
@dataclass(frozen=True, slots=True)
class SignedPixelChannelPermutations(PixelChannelPermutations):
    """S_c^p with an independent sign flip of every channel of every pixel."""

    label: ClassVar[str] = "(±S_c)^p"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-cp", "o-c-per-pixel")
    signed: ClassVar[bool] = True


@GROUPS.register("signed-s-c-shared")
@dataclass(frozen=True, slots=True)
class SignedSharedChannelPermutations(SharedChannelPermutations):
    """S_cxI_p with a sign flip of every channel, the same at every pixel."""

    label: ClassVar[str] = "±S_c⊗I_p"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-c-per-pixel", "o-c-shared")
    signed: ClassVar[bool] = True


@GROUPS.register("signed-s-p")
@dataclass(frozen=True, slots=True)
class SignedPixelPermutations(PixelPermutations):
    """S_pxI_c with an independent sign flip of every pixel."""

    label: ClassVar[str] = "±S_p⊗I_c"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-cp",)
    signed: ClassVar[bool] = True


@GROUPS.register("sign-flips")
@dataclass(frozen=True, slots=True)
class SignFlips(AbstractPermutations):
    """{±1}^cp: an independent sign flip of every coordinate."""

    label: ClassVar[str] = "{±1}^cp"
    supergroups: ClassVar[tuple[str, ...]] = ("signed-s-c-per-pixel",)
    signed: ClassVar[bool] = True

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(self.size), self._signs((self.pixels, self.channels), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        return bool((source == np.arange(self.size)).all())

    @property
    def order(self) -> int:
        return 2**self.size


@GROUPS.register("sign-flips-shared")
@dataclass(frozen=True, slots=True)
class SharedSignFlips(SignFlips):
    """{±1}^cxI_p: a sign flip of every channel, the same at every pixel."""

    label: ClassVar[str] = "{±1}^c⊗I_p"
    supergroups: ClassVar[tuple[str, ...]] = ("sign-flips", "signed-s-c-shared")

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(self.size), self._signs((1, self.channels), rng)

    def admits_map(self, source: np.ndarray, signs: np.ndarray) -> bool:
        signs = signs.reshape(self.pixels, self.channels)
        return SignFlips.admits_map(self, source, signs) and bool((signs == signs[0]).all())

    @property
    def order(self) -> int:
        return 2**self.channels
