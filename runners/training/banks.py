"""Elements of a group that stand for it in training and testing: all of a small group, draws from a large one."""

from __future__ import annotations

from curvefit.seeding import generator
from curvefit.symmetry import AbstractElement, get_group

BANK = 64
"""Elements drawn where a group has more than `LARGEST` of them."""
LARGEST = 256


def is_whole(group: str, shape: tuple[int, int, int]) -> bool:
    """Return whether `group_elements` gives the whole group: pixel maps, at most `LARGEST` of them."""
    described = get_group(group, shape=shape)
    return hasattr(described, "maps") and (described.order or LARGEST + 1) <= LARGEST


def group_elements(group: str, shape: tuple[int, int, int]) -> list[AbstractElement]:
    """Return all elements of a small group of pixel maps, or `BANK` draws from any other, the same for every run."""
    described = get_group(group, shape=shape)
    if is_whole(group, shape):
        return [described.element(index) for index in range(len(described.maps()))]  # type: ignore[attr-defined]
    rng = generator("augmentation", group, shape)
    return [described.sample(rng) for _ in range(BANK)]
