"""Chains of sizes within a curve, aggregated to what the Gaussian likelihood needs."""

from __future__ import annotations

import numpy as np
import pandas as pd


def chain_patterns(
    table: pd.DataFrame, y: np.ndarray, run_cell: np.ndarray, cell_n: np.ndarray, correlated: bool
) -> dict[str, np.ndarray]:
    """Return sufficient statistics of every cell with its two predecessors (see `Layout`).

    With noise correlated along n, over the seeds that share all three cells; else over the seeds of each cell.
    """
    if correlated:
        cell, mask, count, mean, cross = _within_seeds(table, y, run_cell, cell_n)
    else:
        cell, mask, count, mean, cross = _between_means(y, run_cell, cell_n, table["curve"].to_numpy())
    log2 = np.log2(cell_n[cell])
    return {
        "pattern_cell": cell,
        "pattern_gap": np.stack(
            [log2[:, 0] - log2[:, 1], log2[:, 0] - log2[:, 2], log2[:, 1] - log2[:, 2]], axis=1
        ),
        "pattern_mask": mask.astype(float),
        "pattern_count": count.astype(float),
        "pattern_mean": mean,
        "pattern_cross": cross,
    }


def _within_seeds(table, y, run_cell, cell_n):
    order = np.lexsort((table["n_train"], table["seed"], table["curve"]))
    chain = table[["curve", "seed"]].to_numpy()[order]
    runs = np.stack([order, np.roll(order, 1), np.roll(order, 2)], axis=1)
    same1, same2 = np.zeros((2, len(order)), bool)
    same1[1:] = (chain[1:] == chain[:-1]).all(axis=1)
    same2[2:] = (chain[2:] == chain[:-2]).all(axis=1)
    same1 &= cell_n[run_cell[runs[:, 0]]] > cell_n[run_cell[runs[:, 1]]]
    same2 &= same1 & (cell_n[run_cell[runs[:, 1]]] > cell_n[run_cell[runs[:, 2]]])
    runs[~same1, 1] = runs[~same1, 0]
    runs[~same2, 2] = runs[~same2, 1]
    keys, inverse, count = np.unique(
        np.column_stack([run_cell[runs], same1, same2]), axis=0, return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    values = y[runs]
    mean = np.stack([np.bincount(inverse, values[:, a]) for a in range(3)], axis=1) / count[:, None]
    rest = values - mean[inverse]
    pairs = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    cross = np.stack([np.bincount(inverse, rest[:, a] * rest[:, b]) for a, b in pairs], axis=1)
    return keys[:, :3].astype(int), keys[:, 3:], np.tile(count[:, None], (1, 3)), mean, cross


def _between_means(y, run_cell, cell_n, run_curve):
    count = np.bincount(run_cell)
    mean = np.bincount(run_cell, y) / count
    squares = np.bincount(run_cell, (y - mean[run_cell]) ** 2)
    curve = np.zeros(len(count), int)
    curve[run_cell] = run_curve
    cell = np.tile(np.arange(len(count))[:, None], (1, 3))
    before = np.full(len(count), -1)  # the last cell of the same curve with fewer examples
    for this in range(1, len(count)):
        if curve[this] == curve[this - 1]:
            before[this] = this - 1 if cell_n[this] > cell_n[this - 1] else before[this - 1]
    second = np.where(before >= 0, before[before], -1)
    mask = np.stack([before >= 0, second >= 0], axis=1)
    cell[mask[:, 0], 1] = before[mask[:, 0]]
    cell[:, 2] = np.where(mask[:, 1], second, cell[:, 1])
    cross = np.column_stack([squares, np.zeros((len(count), 5))])
    return cell, mask, count[cell], mean[cell], cross
