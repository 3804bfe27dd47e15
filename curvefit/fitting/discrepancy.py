"""The discrepancy of curves from their law: a walk in log n, read at any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def walk_at(
    n: np.ndarray,
    sizes: np.ndarray,
    walk: np.ndarray,
    step: np.ndarray,
    streams: Sequence[np.random.Generator],
) -> np.ndarray:
    """Return walks at sizes `n`: interpolated in log n inside `sizes`, walking on beyond the largest.

    Parameters
    ----------
    n
        Sizes asked for, shape (asked,).
    sizes, walk
        Sizes of the data, ascending, and the walk at them, shape (draws, curves, sizes).
    step
        Standard deviation of the walk a doubling, shape (draws,).
    streams
        Random numbers of every curve's steps beyond the data: the same states go on the same way.

    Returns
    -------
    numpy.ndarray
        Shape (draws, curves, asked).
    """
    where = np.interp(np.log(n), np.log(sizes), np.arange(len(sizes)))
    left = np.minimum(where.astype(int), len(sizes) - 1)
    share = where - left
    right = np.minimum(left + 1, len(sizes) - 1)
    found = (1 - share) * walk[..., left] + share * walk[..., right]
    order = np.argsort(n, kind="stable")
    far = order[n[order] > sizes[-1]]
    if far.size:
        length = np.sqrt(np.diff(np.log2(n[far] / sizes[-1]), prepend=0.0))
        steps = np.stack([stream.standard_normal((len(found), far.size)) for stream in streams], axis=1)
        found[..., far] += step[:, None, None] * np.cumsum(length * steps, axis=-1)
    return found


def shifted_error(error: Any, walk: np.ndarray, link: str) -> np.ndarray:
    """Return errors moved by a walk on the logit (or log) scale."""
    if link == "log":
        return error * np.exp(walk)
    error = np.clip(error, 1e-12, 1 - 1e-12)
    return 1.0 / (1.0 + (1.0 - error) / error * np.exp(-walk))
