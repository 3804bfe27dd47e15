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
        Per curve: its row, its modes there, its cells, and their weights in the modes, shape (cells, modes).
    """

    rate: np.ndarray
    parts: list[tuple[int, slice, np.ndarray, np.ndarray]]

    def combine(self, values: np.ndarray) -> np.ndarray:
        """Return the modes of values per cell, shape (cells, ...), as (rows, modes, ...); 0 where a row has fewer."""
        found = np.zeros((*self.rate.shape, *values.shape[1:]))
        for row, where, cells, weights in self.parts:
            found[row, where] = np.tensordot(weights, values[cells], axes=(0, 0))
        return found


def certainty(rate: Any, walk: Any) -> Any:
    """Return the inverse variance of modes around a law that walks by `walk`, in the shape of their rates; numpy or pytensor."""
    return 1.0 / (1.0 + rate * walk**2)


def walk_modes(
    rows: Iterable[int], curves: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], n_rows: int
) -> Modes:
    """Return the modes of curves, given each one's row, cells, covariance without a walk, and that of a walk of step 1."""
    parts, rates, used = [], [], np.zeros(n_rows, int)
    for row, (cells, covariance, walked) in zip(rows, curves, strict=True):
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        rate, turn = np.linalg.eigh(root @ walked @ root.T)
        where = slice(used[row], used[row] + len(cells))
        used[row] = where.stop
        parts.append((int(row), where, cells, root.T @ turn))
        rates.append(np.maximum(rate, 0.0))
    found = np.zeros((n_rows, used.max()))
    for (row, where, _, _), rate in zip(parts, rates, strict=True):
        found[row, where] = rate
    return Modes(found, parts)
