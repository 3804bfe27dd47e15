"""Group elements: orthogonal maps of images ``(height, width, channels)``, kept in structured form.

A rotation is a stack of small matrices with the coordinates each acts on; a signed permutation is an
index map with signs. Neither builds the (cp) x (cp) matrix; `AbstractElement.matrix` does so on request.
Coordinates are numbered in the order of the flattened image, channels fastest.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from curvefit.errors import InvalidInputError

Shape: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class AbstractElement(abc.ABC):
    """An orthogonal map of inputs of one shape.

    Parameters
    ----------
    shape
        ``(height, width, channels)`` of the inputs it acts on.
    """

    shape: Shape

    @abc.abstractmethod
    def act(self, flat: np.ndarray) -> np.ndarray:
        """Return the images ``flat`` of shape ``(n, d)`` after the map."""

    @abc.abstractmethod
    def inverse(self) -> AbstractElement:
        """Return the inverse element, in the same structured form."""

    def after(self, first: AbstractElement) -> AbstractElement:
        """Return the composition: `first` acts, then this element."""
        if first.shape != self.shape:
            raise InvalidInputError(f"cannot compose elements on shapes {self.shape} and {first.shape}")
        return Product(self.shape, (*factors(first), *factors(self)))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the images `x` of shape ``(..., height, width, channels)`` after the map."""
        x = np.asarray(x)
        if x.shape[-3:] != self.shape:
            raise InvalidInputError(
                f"an element on shape {self.shape} cannot act on an array of shape {x.shape}"
            )
        return self.act(x.reshape(-1, int(np.prod(self.shape)))).reshape(x.shape)

    def matrix(self) -> np.ndarray:
        """Return the dense matrix ``(d, d)`` of the map, float64."""
        return self.act(np.eye(int(np.prod(self.shape)))).T

    def __eq__(self, other: object) -> bool:
        """Compare as maps, to 1e-9 in every entry."""
        if not isinstance(other, AbstractElement) or other.shape != self.shape:
            return NotImplemented
        return bool(np.allclose(self.matrix(), other.matrix(), rtol=0, atol=1e-9))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class Rotation(AbstractElement):
    """Orthogonal matrices acting on disjoint blocks of coordinates.

    Parameters
    ----------
    matrices
        ``(blocks, m, m)``, or ``(1, m, m)`` where all blocks share one matrix.
    blocks
        ``(blocks, m)``: the coordinates of each block; together every coordinate once.
    """

    matrices: np.ndarray
    blocks: np.ndarray

    def act(self, flat: np.ndarray) -> np.ndarray:
        turned = self.matrices.astype(flat.dtype, copy=False) if flat.dtype.kind == "f" else self.matrices
        parts = flat[:, self.blocks].transpose(1, 0, 2) @ turned.transpose(0, 2, 1)
        result = np.empty(flat.shape, dtype=parts.dtype)
        result[:, self.blocks] = parts.transpose(1, 0, 2)
        return result

    def inverse(self) -> Rotation:
        return Rotation(self.shape, self.matrices.transpose(0, 2, 1), self.blocks)

    def after(self, first: AbstractElement) -> AbstractElement:
        if isinstance(first, Rotation) and np.array_equal(first.blocks, self.blocks):
            return Rotation(self.shape, self.matrices @ first.matrices, self.blocks)
        return AbstractElement.after(self, first)


@dataclass(frozen=True, slots=True, eq=False)
class SignedPermutation(AbstractElement):
    """An index map with signs: coordinate ``i`` of the image becomes ``signs[i] * x[source[i]]``.

    Parameters
    ----------
    source
        ``(d,)``: where each coordinate's value comes from.
    signs
        ``(d,)`` of +1 and -1.
    """

    source: np.ndarray
    signs: np.ndarray

    def act(self, flat: np.ndarray) -> np.ndarray:
        return flat[:, self.source] * self.signs.astype(flat.dtype, copy=False)

    def inverse(self) -> SignedPermutation:
        back = np.empty_like(self.source)
        back[self.source] = np.arange(len(self.source))
        return SignedPermutation(self.shape, back, self.signs[back])

    def after(self, first: AbstractElement) -> AbstractElement:
        if isinstance(first, SignedPermutation):
            return SignedPermutation(
                self.shape, first.source[self.source], self.signs * first.signs[self.source]
            )
        return AbstractElement.after(self, first)


@dataclass(frozen=True, slots=True, eq=False)
class Product(AbstractElement):
    """Elements of different structure, one after the other.

    Parameters
    ----------
    parts
        The elements in the order in which they act.
    """

    parts: tuple[AbstractElement, ...]

    def act(self, flat: np.ndarray) -> np.ndarray:
        for part in self.parts:
            flat = part.act(flat)
        return flat

    def inverse(self) -> Product:
        return Product(self.shape, tuple(part.inverse() for part in reversed(self.parts)))


def factors(element: AbstractElement) -> tuple[AbstractElement, ...]:
    """Return the elements of a product in acting order, or the element alone."""
    return element.parts if isinstance(element, Product) else (element,)


def identity(shape: Shape) -> SignedPermutation:
    """Return the identity map on `shape`."""
    d = int(np.prod(shape))
    return SignedPermutation(shape, np.arange(d), np.ones(d))


def read_signed_permutation(matrix: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (source, signs) of a signed permutation matrix, or None when it is not one."""
    source = np.abs(matrix).argmax(axis=1)
    signs = np.sign(matrix[np.arange(len(matrix)), source])
    rebuilt = np.zeros(matrix.shape)
    rebuilt[np.arange(len(matrix)), source] = signs
    if np.abs(matrix - rebuilt).max() > tolerance or len(np.unique(source)) != len(source):
        return None
    return source, signs
