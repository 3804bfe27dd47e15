"""Finite-population effects: every draw decomposed over the grid of data, models and inference algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from curvefit.triplet import AXES, Triplet


def level_index(triplets: Sequence[Triplet]) -> tuple[np.ndarray, dict[str, tuple[str, ...]]]:
    """Return each triplet's level numbers, shape (triplets, 3), and the labels of each axis."""
    labels = {axis: tuple(dict.fromkeys(getattr(t, axis) for t in triplets)) for axis in AXES}
    index = [[labels[axis].index(getattr(t, axis)) for axis in AXES] for t in triplets]
    return np.array(index, int).reshape(-1, len(AXES)), labels


def contrasts(k: int) -> np.ndarray:
    """Return an orthonormal basis of the vectors of length `k` that sum to zero, shape (k, k - 1)."""
    basis = np.zeros((k, k - 1))
    for c in range(k - 1):
        basis[: c + 1, c] = 1.0
        basis[c + 1, c] = -(c + 1)
        basis[:, c] /= np.sqrt((c + 1) * (c + 2))
    return basis


def term_columns(
    index: np.ndarray, sizes: Sequence[int], term: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the design columns of a term per curve, and per cell of the term's own grid.

    Effects written as ``columns @ normal(0, sd)`` have the covariance of `pymc.ZeroSumNormal` with that sd.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (triplets, columns) and (cells, columns); cells in C order of the term's axes.
    """
    grid = np.ones((1, 1))
    for axis in term:
        grid = np.kron(grid, contrasts(sizes[axis]))
    cell = np.zeros(len(index), int)
    for axis in term:
        cell = cell * sizes[axis] + index[:, axis]
    return grid[cell], grid


def factorial_terms(index: np.ndarray, orders: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the terms of the given orders that can be told from a residual per curve.

    Axes with one level give no term, and a term whose every cell holds at most one curve is that residual.
    """
    sizes = index.max(axis=0) + 1
    varied = [a for a in range(index.shape[1]) if sizes[a] > 1]
    terms = []
    for order in orders:
        for term in combinations(varied, order):
            cells, counts = np.unique(index[:, term], axis=0, return_counts=True)
            if counts.max() > 1 and len(cells) > 1:
                terms.append(term)
    return terms


def decompose(values: np.ndarray, triplets: Sequence[Triplet]) -> dict[tuple[str, ...], np.ndarray]:
    """Decompose draws over curves into grand mean, main effects and interactions.

    Orders are fitted one after the other by least squares (all terms of an order at once); on a full grid this is
    the analysis of variance. On a grid with holes the lower orders are taken first.

    Parameters
    ----------
    values
        Draws, shape (draws, triplets).
    triplets
        The triplets in that order.

    Returns
    -------
    dict
        Term to draws of shape (draws, levels...); NaN for cells without a curve.
    """
    index, _ = level_index(triplets)
    sizes = [int(k) for k in index.max(axis=0) + 1]
    varied = [a for a in range(len(AXES)) if sizes[a] > 1]
    n_draws = len(values)
    orders: list[list[tuple[int, ...]]] = [list(combinations(varied, order)) for order in (1, 2, 3)]
    design = {term: term_columns(index, sizes, term) for order in orders for term in order}
    first = orders[0]
    together = np.hstack([np.ones((len(index), 1)), *[design[t][0] for t in first]])
    solved = np.linalg.pinv(together) @ values.T
    rest = values.T - together @ solved
    found: dict[tuple[str, ...], np.ndarray] = {(): solved[0]}
    found.update(_cells(first, design, solved[1:], index, sizes, n_draws))
    for order in orders[1:]:
        if not order:
            continue
        together = np.hstack([design[t][0] for t in order])
        solved = np.linalg.pinv(together) @ rest
        rest = rest - together @ solved
        found.update(_cells(order, design, solved, index, sizes, n_draws))
    return found


def _cells(terms, design, solved, index, sizes, n_draws) -> dict[tuple[str, ...], np.ndarray]:
    found, start = {}, 0
    for term in terms:
        _, grid = design[term]
        stop = start + grid.shape[1]
        cells = (grid @ solved[start:stop]).T.reshape(n_draws, *[sizes[a] for a in term])
        seen = np.zeros([sizes[a] for a in term], bool)
        seen[tuple(index[:, a] for a in term)] = True
        cells[:, ~seen] = np.nan
        found[tuple(AXES[a] for a in term)] = cells
        start = stop
    return found
