"""What every group is: a description from which elements are drawn, and the registry of them."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.registry import Registry
from curvefit.symmetry.elements import AbstractElement, Shape


@dataclass(frozen=True, slots=True)
class AbstractGroup(abc.ABC):
    """A closed group of orthogonal maps of images ``(height, width, channels)``.

    Laws (contract-tested): draws lie in the group, and so do their inverses and compositions; draws are
    isometries; equal seeds give equal draws.

    Parameters
    ----------
    shape
        ``(height, width, channels)`` of the images it acts on.
    """

    label: ClassVar[str]
    """How the group is written in tables, for example ``O(c)^p``."""
    supergroups: ClassVar[tuple[str, ...]] = ("o-cp",)
    """Registered names of the smallest groups that contain this one whatever the shape, and whatever the number
    of a numbered group; the trivial group lies in all of them unsaid."""
    numbered: ClassVar[str | None] = None
    """The setting that a number at the end of the name gives (``"patch"`` of ``o-patch-4``), if any."""

    shape: Shape

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(int(side) != side or side < 1 for side in self.shape):
            raise InvalidInputError(
                f"shape {self.shape} must be three positive integers (height, width, channels)"
            )
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))

    @classmethod
    def nested(cls, small: int, large: int) -> bool:
        """Return whether the group of number `small` lies in that of number `large` whatever the shape."""
        return small == large

    @classmethod
    def same_as(cls, number: int) -> str | None:
        """Return the name of another group that the one of `number` is whatever the shape, or None."""
        return None

    @classmethod
    def side_unit(cls, number: int) -> int | None:
        """Return what divides the sides of every image that the group of `number` acts on; None where its pixels have places of
        their own, so that no smaller image stands for a large one."""
        return 1

    @property
    def pixels(self) -> int:
        """Number p of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def channels(self) -> int:
        """Number c of channels."""
        return self.shape[2]

    @property
    def size(self) -> int:
        """Number d = cp of coordinates."""
        return self.pixels * self.channels

    @abc.abstractmethod
    def sample(self, seed: int | np.random.Generator) -> AbstractElement:
        """Return one element drawn uniformly (from Haar measure), determined by `seed`."""

    @abc.abstractmethod
    def admits(self, matrix: np.ndarray, *, tolerance: float = 1e-9) -> bool:
        """Return whether an orthogonal ``(d, d)`` matrix belongs to the group."""

    @property
    @abc.abstractmethod
    def order(self) -> int | None:
        """Number of elements, or None when infinite."""

    @property
    def dimension(self) -> int:
        """Dimension as a Lie group; 0 for finite groups."""
        return 0

    @property
    def orbit_dimension(self) -> int:
        """Dimension of the orbit of a generic image; 0 for finite groups."""
        return 0

    def contains(self, element: AbstractElement, *, tolerance: float = 1e-9) -> bool:
        """Return whether `element` belongs to the group (builds its matrix: for small shapes)."""
        return element.shape == self.shape and self.admits(element.matrix(), tolerance=tolerance)


GROUPS: Registry[type[AbstractGroup]] = Registry("group")
