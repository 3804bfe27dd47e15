"""The bend: how much slower or faster all curves fall at smaller sizes than at the largest, and beyond them.

No law holds over all sizes. What curves have in common in that is one stretching of log n: below the largest sizes, which
define the exponent, local exponents are those of the law times ``exp(bend)``, in pieces of at least a factor of four in n.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Fewest doublings of n that a piece of the bend is wide.
NARROWEST = 2.0
#: Fewest curves that can tell what they share from what is their own.
FEWEST_CURVES = 4
#: Degrees of freedom of the Student-t prior of the change from piece to piece: most changes are small, some are breaks.
BEND_FREEDOM = 4.0


def bend_edges(sizes: np.ndarray, n_curves: int) -> np.ndarray:
    """Return the sizes that bound the pieces, descending from the largest size; the last piece has no lower bound.

    Every piece is as wide. There is one piece, and so no bend, where sizes span less than two of the narrowest or curves are
    fewer than `FEWEST_CURVES`.
    """
    largest, total = sizes.max(), np.log2(sizes.max() / sizes.min())
    pieces = max(int(total / NARROWEST + 1e-9), 1) if n_curves >= FEWEST_CURVES else 1
    return largest * 2.0 ** (-total / pieces * np.arange(pieces))


def doublings_in_pieces(n: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the doublings of each bent piece (all but the first) that lie between `n` and the largest size.

    Returns
    -------
    numpy.ndarray
        Shape (len(n), len(edges) - 1).
    """
    if len(edges) == 1:
        return np.zeros((len(n), 0))
    below = np.log2(edges[1:] / n[:, None])
    width = np.append(np.full(len(edges) - 2, piece_width(edges)), np.inf)
    return np.clip(below, 0.0, width)


def piece_width(edges: np.ndarray) -> float:
    """Return the width of a piece in doublings."""
    return float(np.log2(edges[0] / edges[1]))


def step_scale(scale: float, edges: np.ndarray) -> float:
    """Return the scale of the bend's change from piece to piece, given that over a doubling."""
    return scale * float(np.sqrt(piece_width(edges)))


def bent_size(xp: Any, log_size: Any, doublings: Any, bend: Any) -> Any:
    """Return the sizes at which the law is read, for numpy and pytensor.

    Parameters
    ----------
    xp
        Array namespace.
    log_size
        Log of the sizes, shape (cells,).
    doublings
        See `doublings_in_pieces`, shape (cells, pieces).
    bend
        Log ratio of the local exponent in each piece to that at the largest sizes, shape (pieces,) or (..., pieces).
    """
    return xp.exp(log_size - np.log(2.0) * xp.dot(xp.expm1(bend), doublings.T))


def bend_notes(edges: np.ndarray, bend: np.ndarray) -> tuple[str, ...]:
    """Return a sentence on the piece that is bent most, when its 90 % interval leaves out the law's own exponents.

    Parameters
    ----------
    edges
        See `bend_edges`, in examples.
    bend
        Draws, shape (draws, pieces).
    """
    low, middle, high = np.quantile(np.exp(bend), [0.05, 0.5, 0.95], axis=0)
    sure = (low > 1) | (high < 1)
    if not sure.any():
        return ()
    most = int(np.argmax(np.where(sure, abs(np.log(middle)), 0.0)))
    there = f"{middle[most]:.2f} ({low[most]:.2f} to {high[most]:.2f})"
    sentence = (
        f"all curves bend: below n = {edges[most + 1]:,.0f} their exponents are {there} times those above n = {edges[1]:,.0f}, "
        "which are the ones quoted"
    )
    return (sentence,)


def bent_sizes_at(
    n: np.ndarray, edges: np.ndarray, bend: np.ndarray, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the sizes at which the law is read for draws of the bend, which goes on changing beyond the largest size.

    Changes to come are taken to be as large as those seen: Student-t around none, their mean square that of the changes of the
    draw and of `BEND_FREEDOM` changes of the prior's scale.

    Parameters
    ----------
    n
        Sizes asked for, shape (asked,).
    edges
        See `bend_edges`.
    bend
        Shape (draws, pieces).
    scale
        Scale of the change of the bend over a doubling.
    rng
        Of the changes beyond the data: the same state goes on the same way, for all curves alike.

    Returns
    -------
    numpy.ndarray
        Shape (draws, asked).
    """
    width = piece_width(edges)
    found = bent_size(np, np.log(n), doublings_in_pieces(n, edges), bend)
    beyond = np.maximum(np.log2(n / edges[0]), 0.0)
    ahead = np.arange(np.ceil(beyond.max() / width - 1e-9))
    if not len(ahead):
        return found
    usual = BEND_FREEDOM * step_scale(scale, edges) ** 2 + (np.diff(bend, prepend=0.0, axis=1) ** 2).sum(
        axis=1
    )
    size = np.sqrt(usual / (BEND_FREEDOM + bend.shape[1]))
    later = np.cumsum(size * rng.standard_t(BEND_FREEDOM, (len(ahead), len(bend))), axis=0).T
    return found * 2.0 ** (np.expm1(later) @ np.clip(beyond[:, None] - width * ahead, 0.0, width).T)
