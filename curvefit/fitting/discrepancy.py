"""The discrepancy of curves from their law: a walk in log n, read at any size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def walk_at(
    n: np.ndarray,
    sizes: np.ndarray,
    walk: np.ndarray,
    step: np.ndarray,
    ends: np.ndarray,
    streams: Sequence[np.random.Generator],
) -> np.ndarray:
    """Return walks at sizes `n`: interpolated in log n inside each curve's data, walking on beyond its largest size.

    Parameters
    ----------
    n
        Sizes asked for, shape (asked,).
    sizes, walk
        Sizes of the data, ascending, and the walk at them, shape (draws, curves, sizes); what stands beyond a curve's end is not read.
    step
        Standard deviation of the walk a doubling, shape (draws,).
    ends
        Largest size of every curve, one of `sizes`, shape (curves,).
    streams
        Random numbers of every curve's steps beyond the data: the same states go on the same way, whatever else is asked.

    Returns
    -------
    numpy.ndarray
        Shape (draws, curves, asked).
    """
    inside = np.minimum(n, ends[:, None])
    found = walk_within(inside, sizes, walk)
    doublings = np.log2(n / inside)
    if doublings.any():
        ahead = np.stack([walk_ahead(x, len(found), own) for x, own in zip(doublings, streams)], axis=1)
        found += step[:, None, None] * ahead
    return found


def walk_within(n: np.ndarray, sizes: np.ndarray, walk: np.ndarray) -> np.ndarray:
    """Return walks, known at `sizes` (draws, curves, sizes), at `n` (curves, asked): interpolated in log n, held beyond the ends."""
    where = np.interp(np.log(n), np.log(sizes), np.arange(len(sizes)))
    left = where.astype(int)
    right, share = np.minimum(left + 1, len(sizes) - 1), where - left
    at_left, at_right = (np.take_along_axis(walk, side[None], axis=-1) for side in (left, right))
    return (1 - share) * at_left + share * at_right


def walk_ahead(doublings: np.ndarray, draws: int, stream: np.random.Generator) -> np.ndarray:
    """Return walks of standard deviation 1 a doubling, from 0 where the data end.

    Every doubling ahead has two normal numbers of its own: its step, and how far the walk strays from the straight line between
    its ends. So a walk is the same function of n whichever sizes it is read at. Its variance is the number of doublings at any size;
    covariances, too, are a walk's, except that within one doubling all of it strays to the same side.

    Parameters
    ----------
    doublings
        Where to read it, in doublings of n beyond the data, not negative, shape (asked,).
    draws
        Number of walks.
    stream
        Random numbers: the same state gives the same walks.

    Returns
    -------
    numpy.ndarray
        Shape (draws, asked).
    """
    whole = np.floor(doublings).astype(int)
    share = (doublings - whole)[:, None]
    step, stray = np.moveaxis(stream.standard_normal((whole.max(initial=0) + 1, 2, draws)), 1, 0)
    start = np.cumsum(step, axis=0) - step
    return (start[whole] + share * step[whole] + np.sqrt(share * (1 - share)) * stray[whole]).T
