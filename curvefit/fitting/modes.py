"""Modes: independent combinations of each curve's means, every one of which a walk around the law makes less certain at a rate of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Combinations of the cells of each row (see `Hierarchy.row`) with variances ``1 + rate * walk**2`` and no covariance.

    Parameters
    ----------
    rate
        Shape (rows, modes); 0 where a row has fewer.
    parts
        Curves of as many cells together: their rows (curves, 1), their modes there and their cells, both (curves, cells), and
        the weights of cells in modes, shape (curves, modes, cells).
    """

    rate: np.ndarray
    parts: list[tuple[np.ndarray, ...]]

    def combine(self, values: np.ndarray) -> np.ndarray:
        """Return the modes of values per cell, shape (cells, ...), as (rows, modes, ...); 0 where a row has fewer."""
        found = np.zeros((*self.rate.shape, *values.shape[1:]))
        for row, where, cells, weights in self.parts:
            found[row, where] = np.einsum("cmn,cn...->cm...", weights, values[cells])
        return found


def certainty(rate: Any, walk: Any) -> Any:
    """Return the inverse variance of modes around a law that walks by `walk`, in the shape of their rates; numpy or pytensor."""
    return 1.0 / (1.0 + rate * walk**2)


def walk_modes(
    rows: Iterable[int], curves: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], n_rows: int
) -> Modes:
    """Return the modes of curves, given each one's row, cells, covariance without a walk, and that of a walk of step 1."""
    alike: dict[int, list[Any]] = {}
    rates, used = [], np.zeros(n_rows, int)
    for row, (cells, covariance, walked) in zip(rows, curves, strict=True):
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        rate, turn = np.linalg.eigh(root @ walked @ root.T)
        where = used[row] + np.arange(len(cells))
        used[row] += len(cells)
        alike.setdefault(len(cells), []).append(([row], where, cells, turn.T @ root))
        rates.append((row, where, np.maximum(rate, 0.0)))
    found = np.zeros((n_rows, used.max()))
    for row, where, rate in rates:
        found[row, where] = rate
    return Modes(found, [tuple(map(np.array, zip(*curves))) for curves in alike.values()])
