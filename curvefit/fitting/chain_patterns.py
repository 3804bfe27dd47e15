"""Chains of sizes within a seed, aggregated to what the likelihood of nested training sets needs."""

from __future__ import annotations

import numpy as np
import pandas as pd


def chain_patterns(
    table: pd.DataFrame, y: np.ndarray, run_cell: np.ndarray, cell_n: np.ndarray, correlated: bool
) -> dict[str, np.ndarray]:
    """Return sufficient statistics over the seeds that share a cell and its two predecessors (see `Layout`)."""
    order = np.lexsort((table["n_train"], table["seed"], table["curve"]))
    chain = table[["curve", "seed"]].to_numpy()[order]
    runs = np.stack([order, np.roll(order, 1), np.roll(order, 2)], axis=1)
    same1, same2 = np.zeros((2, len(order)), bool)
    if correlated:
        same1[1:] = (chain[1:] == chain[:-1]).all(axis=1)
        same2[2:] = (chain[2:] == chain[:-2]).all(axis=1)
    same1 &= cell_n[run_cell[runs[:, 0]]] > cell_n[run_cell[runs[:, 1]]]
    same2 &= same1 & (cell_n[run_cell[runs[:, 1]]] > cell_n[run_cell[runs[:, 2]]])
    runs[~same1, 1] = runs[~same1, 0]
    runs[~same2, 2] = runs[~same2, 1]
    mask = np.stack([same1, same2], axis=1)
    keys, inverse, count = np.unique(
        np.column_stack([run_cell[runs], mask]), axis=0, return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    values = y[runs]
    mean = np.stack([np.bincount(inverse, values[:, a]) for a in range(3)], axis=1) / count[:, None]
    rest = values - mean[inverse]
    cross = [
        np.bincount(inverse, rest[:, a] * rest[:, b])
        for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    ]
    cell = keys[:, :3].astype(int)
    log2 = np.log2(cell_n[cell])
    return {
        "pattern_cell": cell,
        "pattern_gap": np.stack(
            [log2[:, 0] - log2[:, 1], log2[:, 0] - log2[:, 2], log2[:, 1] - log2[:, 2]], axis=1
        ),
        "pattern_mask": keys[:, 3:].astype(float),
        "pattern_count": count.astype(float),
        "pattern_mean": mean,
        "pattern_cross": np.stack(cross, axis=1),
    }
