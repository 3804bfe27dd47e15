"""Which group contains which, where an algorithm sits in the chain, and how data and model agree."""

from __future__ import annotations

import enum
import re
from functools import cache

import numpy as np

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import Shape

CHAIN = {
    ("all", "orthogonal"): "o-cp",
    ("per-pixel", "orthogonal"): "o-c-per-pixel",
    ("shared", "orthogonal"): "o-c-shared",
    ("all", "signed-permutation"): "signed-s-cp",
    ("per-pixel", "signed-permutation"): "signed-s-c-per-pixel",
    ("shared", "signed-permutation"): "signed-s-c-shared",
}

PARAMETERS = {"o-patch": "patch", "o-c-tail": "head"}
"""Groups whose name may end in a number, and the parameter that it sets."""


class Alignment(enum.StrEnum):
    """How the symmetry of (M, I) agrees with that of the data."""

    NONE = "none"
    """The data has a symmetry, (M, I) has none."""
    PARTIAL = "partial"
    """(M, I) has part of the data's symmetry."""
    EXACT = "exact"
    """The two are the same group."""
    EXCESS = "excess"
    """(M, I) has the data's symmetry and more: what it adds is spurious."""
    MISMATCHED = "mismatched"
    """Neither contains the other: a wrong symmetry."""


def split_name(name: str) -> tuple[str, dict[str, int]]:
    """Return the registered name and parameters of a group name such as ``o-patch-4`` or ``o-c-tail-1``."""
    match = re.fullmatch(r"(o-patch|o-c-tail)-(\d+)", name)
    return (match[1], {PARAMETERS[match[1]]: int(match[2])}) if match else (name, {})


def get_group(name: str, *, shape: Shape) -> AbstractGroup:
    """Return the registered group `name` acting on images of `shape`.

    Parameters
    ----------
    name
        Registered name; ``o-patch-K`` for patches of side K, ``o-c-tail-K`` for all pixels but the first K.
    shape
        ``(height, width, channels)``.

    Raises
    ------
    UnknownNameError
        When no such group is registered.
    InvalidInputError
        When the group cannot act on `shape`.

    Examples
    --------
    >>> get_group("o-c-per-pixel", shape=(7, 7, 16)).dimension
    5880
    """
    registered, parameters = split_name(name)
    return GROUPS[registered](tuple(shape), **parameters)  # type: ignore[arg-type]


def chain_group(level: str, elements: str = "orthogonal") -> str:
    """Return the name of the chain's group at an architecture's `level` with an algorithm's `elements`.

    Parameters
    ----------
    level
        ``"all"``, ``"per-pixel"``, ``"shared"`` or ``"trivial"``.
    elements
        ``"orthogonal"`` (SGD, momentum, kernels) or ``"signed-permutation"`` (Adam, AdaGrad).

    References
    ----------
    Li, Zhang, Arora (2021), arXiv:2010.08515, Table 1.
    """
    if elements not in {kind for _, kind in CHAIN}:
        raise unknown_name("kind of group elements", elements, {kind for _, kind in CHAIN})
    if level == "trivial":
        return "trivial"
    if (level, elements) not in CHAIN:
        raise unknown_name("symmetry level", level, [*{level for level, _ in CHAIN}, "trivial"])
    return CHAIN[level, elements]


def is_subgroup(small: str, large: str, *, shape: Shape | None = None, draws: int = 24) -> bool:
    """Return whether group `small` lies inside group `large` (every group lies inside itself).

    Without `shape` the answer is the declared lattice: inclusions that hold for every shape. With `shape`
    coincidences of that shape count too (for one channel, O(c)^p is {±1}^p): `draws` random elements of
    `small` are tested for membership. A proper subgroup has index two or more, so a wrong "yes" has
    probability below 2**-draws. Sides above 4 are tested at a smaller shape with the same coincidences.
    """
    if shape is None:
        return _declared(small, large)
    shape = _small_shape(small, large, shape)
    inner, outer = get_group(small, shape=shape), get_group(large, shape=shape)
    rng = np.random.default_rng(0)
    return all(outer.contains(inner.sample(rng)) for _ in range(draws))


def alignment(data_symmetry: str, model_symmetry: str, *, shape: Shape | None = None) -> Alignment:
    """Return how the symmetry of (M, I) agrees with the data's, from the subgroup lattice.

    Parameters
    ----------
    data_symmetry
        Group that leaves the task unchanged.
    model_symmetry
        Group that leaves (M, I) unchanged.
    shape
        Image shape, so that coincidences of that shape count (see `is_subgroup`).

    Examples
    --------
    >>> str(alignment("o-c-shared", "o-c-per-pixel"))  # the spurious symmetry of infinite VEC
    'excess'
    """
    inside = is_subgroup(model_symmetry, data_symmetry, shape=shape)
    around = is_subgroup(data_symmetry, model_symmetry, shape=shape)
    if inside and around:
        return Alignment.EXACT
    if around:
        return Alignment.EXCESS
    if not inside:
        return Alignment.MISMATCHED
    return Alignment.NONE if is_subgroup(model_symmetry, "trivial", shape=shape) else Alignment.PARTIAL


@cache
def _declared(small: str, large: str) -> bool:
    (small_name, small_parameters), (large_name, large_parameters) = split_name(small), split_name(large)
    start, goal = GROUPS[small_name], GROUPS[large_name]
    if small_name == large_name == "o-patch":
        sides = [parameters.get("patch", 2) for parameters in (small_parameters, large_parameters)]
        return sides[1] % sides[0] == 0
    if small_name == large_name == "o-c-tail":
        return small_parameters.get("head", 1) >= large_parameters.get("head", 1)
    if start is goal:
        return True
    return any(_declared(name, large) for name in start.supergroups)


def _small_shape(small: str, large: str, shape: Shape) -> Shape:
    if any(name.startswith("o-c-tail") for name in (small, large)):
        return shape
    sides = [split_name(name)[1].get("patch", 2) for name in (small, large) if name.startswith("o-patch")]
    if any(shape[axis] % side for side in sides for axis in (0, 1)):
        get_group(small, shape=shape), get_group(large, shape=shape)  # raises with the reason
        raise InvalidInputError(f"groups {small!r} and {large!r} cannot both act on shape {shape}")
    unit = int(np.lcm.reduce(sides)) if sides else 1
    height, width = (side if side <= 4 else unit * min(side // unit, -(-4 // unit)) for side in shape[:2])
    return height, width, min(shape[2], 3)
