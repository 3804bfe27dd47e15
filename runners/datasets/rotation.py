"""One fixed element of a group that acts on training and test inputs alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from curvefit.errors import CurvefitError
from curvefit.seeding import generator
from curvefit.symmetry import GROUPS, AbstractElement, get_group, preserves
from curvefit.symmetry.elements import Shape
from curvefit.symmetry.lattice import split_name

CHUNK = 256
"""Inputs moved by one matrix product."""


def _registered_group(name: str) -> str:
    try:
        GROUPS[split_name(name)[0]]
    except CurvefitError as error:
        raise ValueError(str(error)) from None
    return name


GroupName = Annotated[str, AfterValidator(_registered_group)]


@lru_cache(maxsize=4)
def draw_element(group: str, shape: Shape, study_seed: int) -> AbstractElement:
    """Return the element of `group` on `shape` that belongs to a study's seed."""
    return get_group(group, shape=shape).sample(generator(study_seed, "rotation", group, shape))


def rotate(x: np.ndarray, element: AbstractElement) -> np.ndarray:
    """Return inputs ``(n, height, width, channels)`` after `element`; a prefix of `x` gives a prefix to the last bit.

    All matrix products have one size, since rounding depends on it.
    """
    chunks = [x[start : start + CHUNK] for start in range(0, len(x), CHUNK)]
    if chunks and len(chunks[-1]) < CHUNK:
        chunks[-1] = np.concatenate([chunks[-1], np.zeros((CHUNK - len(chunks[-1]), *x.shape[1:]))])
    return np.concatenate([element(chunk) for chunk in chunks])[: len(x)]


def symmetry_after(rotation: str, data_symmetry: str, shape: Shape) -> str:
    """Return what is known of a task's symmetry once a fixed element of `rotation` has acted on its inputs.

    It stays where the rotation carries the group to itself; otherwise it becomes a conjugate that has no
    registered name, and ``"trivial"`` is what can be said.
    """
    return data_symmetry if preserves(rotation, data_symmetry, shape=shape) else "trivial"
