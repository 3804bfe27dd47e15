"""Seeds by hashed path: any subset of a study re-runs alike, in any order, on any machine."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def seed_for(*path: object) -> int:
    """Return a 63-bit seed that depends on every part of `path` and on nothing else.

    Parameters
    ----------
    path
        Numbers (Python's or numpy's), texts and tuples of them, for example ``(study_seed, "subset", replicate)``.

    Raises
    ------
    TypeError
        For any other object: its text may differ from process to process.

    Examples
    --------
    >>> seed_for(0, "subset", 1) == seed_for(0, "subset", 1)
    True
    >>> seed_for(0, "subset", 1) == seed_for(0, "subset", 2)
    False
    """
    text = json.dumps(path, sort_keys=True, separators=(",", ":"), default=_plain)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(*path: object) -> np.random.Generator:
    """Return a numpy generator seeded by `path` (see `seed_for`)."""
    return np.random.default_rng(seed_for(*path))


def _plain(part: object) -> object:
    """Return a numpy scalar or array as Python values, so that equal numbers give equal seeds."""
    if isinstance(part, np.generic | np.ndarray):
        return part.tolist()
    raise TypeError(f"a seed's path holds {part!r}; allowed: numbers, texts and tuples of them")
