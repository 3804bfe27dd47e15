"""Which group contains which, where an algorithm sits in the chain, and how data and model agree."""

from __future__ import annotations

import enum
import re
from dataclasses import fields
from functools import cache

import numpy as np

from curvefit.errors import unknown_name
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import Shape

CHAIN = {
    "orthogonal": {"all": "o-cp", "per-pixel": "o-c-per-pixel", "shared": "o-c-shared"},
    "signed-permutation": {
        "all": "signed-s-cp",
        "per-pixel": "signed-s-c-per-pixel",
        "shared": "signed-s-c-shared",
    },
}
"""Groups of the chain from the largest down, by kind of elements and level."""

SIDE = 8
"""Pixels a side of an image at most, where inclusions are tested by draws."""


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
    """Return the registered name and settings of a group name such as ``o-patch-4`` or ``o-c-tail-1``."""
    match = re.fullmatch(r"(.+)-(\d+)", name)
    if match and match[1] in GROUPS and (setting := GROUPS[match[1]].numbered):
        return match[1], {setting: int(match[2])}
    return name, {}


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
    registered, numbers = split_name(name)
    return GROUPS[registered](tuple(shape), **numbers)  # type: ignore[arg-type]


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
    if elements not in CHAIN:
        raise unknown_name("kind of group elements", elements, CHAIN)
    if level == "trivial":
        return "trivial"
    if level not in CHAIN[elements]:
        raise unknown_name("symmetry level", level, [*CHAIN[elements], "trivial"])
    return CHAIN[elements][level]


def is_subgroup(
    small: str, large: str, *, shape: Shape | None = None, transform: str = "trivial", draws: int = 24
) -> bool:
    """Return whether group `small` lies inside group `large` (every group lies inside itself).

    Without `shape` the answer is the declared lattice: inclusions that hold for every shape. With `shape`
    coincidences of that shape count too (for one channel, O(c)^p is {±1}^p): `draws` random elements of
    `small` are tested for membership. A proper subgroup has index two or more, so a wrong "yes" has
    probability below 2**-draws. Large images are tested at a smaller shape with the same coincidences.

    Parameters
    ----------
    small, large
        Registered names.
    shape
        ``(height, width, channels)``.
    transform
        Group whose elements g carry `small` along first: is ``g S g'`` inside `large` for every g?
    draws
        Random elements, or pairs of them.

    Raises
    ------
    UnknownNameError
        When no such group is registered.
    InvalidInputError
        When a group cannot act on `shape`.
    """
    declared = _declared(small, large) and (small == "trivial" or _declared(transform, large))
    if shape is None:
        return declared
    tested = _small_shape((small, large, transform), shape)
    return declared or _drawn_inside(small, large, tested, transform, draws)


def preserves(transform: str, group: str, *, shape: Shape, draws: int = 24) -> bool:
    """Return whether the elements g of `transform` carry `group` to itself: ``g G g' = G``.

    A task that `group` leaves unchanged has the symmetry ``g G g'`` after its inputs were transformed by g: the
    same group if and only if this holds. Tested on `draws` random pairs of elements.
    """
    return is_subgroup(group, group, shape=shape, transform=transform, draws=draws)


def commute(first: str, second: str, *, shape: Shape, draws: int = 24) -> bool:
    """Return whether every element of one group commutes with every element of the other, by `draws` random pairs."""
    shape = _small_shape((first, second), shape)
    one, other = get_group(first, shape=shape), get_group(second, shape=shape)
    rng = np.random.default_rng(0)
    pairs = ((one.sample(rng).matrix(), other.sample(rng).matrix()) for _ in range(draws))
    return all(np.allclose(g @ h, h @ g, atol=1e-7) for g, h in pairs)


def alignment(
    data_symmetry: str, model_symmetry: str, *, shape: Shape | None = None, transform: str = "trivial"
) -> Alignment:
    """Return how the symmetry of (M, I) agrees with the data's, from the subgroup lattice.

    Parameters
    ----------
    data_symmetry
        Group that leaves the task unchanged.
    model_symmetry
        Group that leaves (M, I) unchanged.
    shape
        Image shape, so that coincidences of that shape count (see `is_subgroup`).
    transform
        Group of which an element g has acted on the data since: what leaves the task unchanged then is ``g G g'``.

    Examples
    --------
    >>> str(alignment("o-c-shared", "o-c-per-pixel"))  # the spurious symmetry of infinite VEC
    'excess'
    """
    inside = is_subgroup(model_symmetry, data_symmetry, shape=shape, transform=transform)
    around = is_subgroup(data_symmetry, model_symmetry, shape=shape, transform=transform)
    if inside and around:
        return Alignment.EXACT
    if around:
        return Alignment.EXCESS
    if not inside:
        return Alignment.MISMATCHED
    return Alignment.NONE if is_subgroup(model_symmetry, "trivial", shape=shape) else Alignment.PARTIAL


@cache
def _drawn_inside(small: str, large: str, shape: Shape, transform: str, draws: int) -> bool:
    inner, outer, moving = (get_group(name, shape=shape) for name in (small, large, transform))
    rng = np.random.default_rng(0)
    pairs = ((inner.sample(rng), moving.sample(rng)) for _ in range(draws))
    return all(outer.contains(g.after(h).after(g.inverse())) for h, g in pairs)


@cache
def _declared(small: str, large: str) -> bool:
    (low, low_number), (high, high_number) = (_numbered(name) for name in (small, large))
    if low == "trivial":
        return True
    if low == high:
        return GROUPS[low].nested(low_number, high_number)
    return any(_reaches(name, high) for name in GROUPS[low].supergroups)


def _reaches(name: str, goal: str) -> bool:
    return name == goal or any(_reaches(larger, goal) for larger in GROUPS[name].supergroups)


def _numbered(name: str) -> tuple[str, int]:
    """Return the registered name and the number, the default one where none is given, 0 where there is none.

    A numbered group that is another group whatever the shape goes by the other's name.
    """
    registered, numbers = split_name(name)
    group = GROUPS[registered]
    defaults = {field.name: field.default for field in fields(group)}
    number = int({**defaults, **numbers}[group.numbered]) if group.numbered else 0  # type: ignore[arg-type]
    same = group.same_as(number)
    return (registered, number) if same is None else _numbered(same)


def _small_shape(names: tuple[str, ...], shape: Shape) -> Shape:
    """Return a shape on which exactly those inclusions hold that hold on `shape`, where the groups must exist.

    Eight pixels a side, two patches a side and three channels tell all groups apart that more would. Fewer pixels do not:
    a scrambled group of few pixels may by chance be one that flips preserve.
    """
    for name in names:
        get_group(name, shape=shape)  # raises, with the reason, where it cannot act
    units = [GROUPS[name].side_unit(number) for name, number in map(_numbered, names)]
    known = [unit for unit in units if unit is not None]
    if len(known) < len(units):
        return (*shape[:2], min(shape[2], 3))
    unit = int(np.lcm.reduce(known))
    height, width = (min(side, unit * max(2, -(-SIDE // unit))) for side in shape[:2])
    return height, width, min(shape[2], 3)
