"""Groups at work in training and testing: random elements on every batch, averages over orbits."""

from __future__ import annotations

import abc

import numpy as np
import torch

from curvefit.seeding import generator
from curvefit.symmetry import AbstractElement, SignedPermutation, get_group

BANK = 64
"""Elements drawn where a group has more than `LARGEST` of them."""
LARGEST = 256


class AbstractAugmentation(abc.ABC):
    """A bank of group elements on the device, applied to batches by number."""

    n_elements: int

    @abc.abstractmethod
    def __call__(self, x: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
        """Return images ``(model, example, height, width, channel)`` each moved by its element.

        Parameters
        ----------
        x
            Images.
        elements
            ``(model, example)`` numbers of elements.
        """


class IndexMaps(AbstractAugmentation):
    """Signed permutations of coordinates: a gather with signs."""

    def __init__(
        self, elements: list[SignedPermutation], *, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.n_elements = len(elements)
        self._source = torch.as_tensor(np.stack([e.source for e in elements]), device=device)
        signs = np.stack([e.signs for e in elements])
        self._signs = None if (signs == 1).all() else torch.as_tensor(signs, device=device, dtype=dtype)

    def __call__(self, x: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(2)
        moved = flat.gather(2, self._source[elements])
        if self._signs is not None:
            moved = moved * self._signs[elements]
        return moved.view(x.shape)


class Matrices(AbstractAugmentation):
    """Rotations: a dense matrix per net and batch (the first example's element moves the batch)."""

    def __init__(self, elements: list[AbstractElement], *, device: torch.device, dtype: torch.dtype) -> None:
        self.n_elements = len(elements)
        matrices = np.stack([element.matrix().T for element in elements])
        self._matrices = torch.as_tensor(matrices, device=device, dtype=dtype)

    def __call__(self, x: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
        return torch.bmm(x.flatten(2), self._matrices[elements[:, 0]]).view(x.shape)


def augmentation_by(
    group: str, shape: tuple[int, int, int], *, device: torch.device, dtype: torch.dtype
) -> AbstractAugmentation | None:
    """Return the bank of `group`'s elements (None for the trivial group).

    All elements of a group of pixel maps with at most `LARGEST` of them; otherwise `BANK` draws, the same
    for every run.
    """
    if group == "trivial":
        return None
    elements = group_elements(group, shape)
    if all(isinstance(element, SignedPermutation) for element in elements):
        return IndexMaps(elements, device=device, dtype=dtype)  # type: ignore[arg-type]
    return Matrices(elements, device=device, dtype=dtype)


def group_elements(group: str, shape: tuple[int, int, int]) -> list[AbstractElement]:
    """Return all elements of a small group of pixel maps, or `BANK` draws from any other group."""
    described = get_group(group, shape=shape)
    maps = getattr(described, "maps", None)
    if maps is not None and (described.order or LARGEST + 1) <= LARGEST:
        return [described.element(index) for index in range(len(maps()))]  # type: ignore[attr-defined]
    rng = generator("augmentation", group, shape)
    return [described.sample(rng) for _ in range(BANK)]
