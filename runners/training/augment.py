"""Groups at work in training and testing: random elements on every batch, averages over orbits."""

from __future__ import annotations

import abc
from functools import lru_cache

import numpy as np
import torch

from curvefit.symmetry import AbstractElement, SignedPermutation
from runners.training.banks import group_elements


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


@lru_cache(maxsize=2)  # 64 rotations of 28 x 28 images take 6 s, and each chunk of a study asks anew
def augmentation_by(
    group: str, shape: tuple[int, int, int], *, device: torch.device, dtype: torch.dtype
) -> AbstractAugmentation | None:
    """Return the bank of `group`'s elements (see `group_elements`); None for the trivial group."""
    if group == "trivial":
        return None
    elements = group_elements(group, shape)
    if all(isinstance(element, SignedPermutation) for element in elements):
        return IndexMaps(elements, device=device, dtype=dtype)  # type: ignore[arg-type]
    return Matrices(elements, device=device, dtype=dtype)
