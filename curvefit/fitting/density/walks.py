"""Sampled walks with their derivatives: from coordinates that are nearly standard normal to every curve's path around its law.

What `curvefit.fitting.likelihoods.walked_error` says in pytensor, as loops.
"""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.scalars import compiled, normal


@compiled
def walk_path(x, walk, length, slot, first, seen, law, step, path, open_, later):
    """Fill standardised steps and paths from coordinates; return the steps' log prior density, Jacobian included.

    Were the data normal with what `seen` says of them, every coordinate would be standard normal given the law: the step to a
    cell is expected where the data at it and at larger sizes put it, given the path so far (a backward information filter).

    Parameters
    ----------
    x
        Coordinates, shape (steps,).
    walk
        Standard deviation of a step over a doubling.
    length, slot, first
        Roots of the doublings stepped, number of the step (-1 where that is 0), and of the curve's first cell, per cell.
    seen
        Mean and information of the data at each cell on the likelihood's scale, shape (cells, 2).
    law
        The law on that scale, shape (cells,).
    step, path
        Written: shapes (steps,) and (cells,).
    open_, later
        Written and kept for `walk_back`: precision of every step given the path so far, shape (cells,); information and score
        of the data from each cell on, shape (cells, 2).
    """
    cells, total = len(path), 0.0
    for c in range(cells - 1, -1, -1):
        later[c, 0], later[c, 1] = seen[c, 1], seen[c, 1] * (seen[c, 0] - law[c])
        if c + 1 < cells and first[c + 1] == first[c]:
            later[c, 0] += later[c + 1, 0] / open_[c + 1]
            later[c, 1] += later[c + 1, 1] / open_[c + 1]
        open_[c] = 1.0 + (walk * length[c]) ** 2 * later[c, 0]
    for c in range(cells):
        before = path[c - 1] if first[c] < c else 0.0
        path[c], k = before, slot[c]
        if k >= 0:
            size = walk * length[c]
            step[k] = size * (later[c, 1] - later[c, 0] * before) / open_[c] + x[k] / math.sqrt(open_[c])
            path[c] += size * step[k]
            total += normal(step[k], 1.0) - 0.5 * math.log(open_[c])
    return total


@compiled
def walk_back(x, walk, length, slot, first, seen, step, path, open_, later, to_path, to_x, to_law):
    """Add derivatives by coordinates and by the law, given those by the path (which are changed); return that by the log of the walk."""
    cells, to_log_walk = len(path), 0.0
    to_open, to_later, to_size = np.zeros(cells), np.zeros((cells, 2)), np.zeros(cells)
    for c in range(cells - 1, -1, -1):
        before, to_before, k = path[c - 1] if first[c] < c else 0.0, to_path[c], slot[c]
        if k >= 0:
            size = walk * length[c]
            back = to_path[c] * size - step[k]
            to_x[k] += back / math.sqrt(open_[c])
            pull = (later[c, 1] - later[c, 0] * before) / open_[c]
            to_size[c] += to_path[c] * step[k] + back * pull
            to_later[c, 1] += back * size / open_[c]
            to_later[c, 0] -= back * size * before / open_[c]
            to_open[c] -= (back * (size * pull + 0.5 * x[k] / math.sqrt(open_[c])) + 0.5) / open_[c]
            to_before -= back * size * later[c, 0] / open_[c]
        if first[c] < c:
            to_path[c - 1] += to_before
    for c in range(cells):
        size = walk * length[c]
        to_size[c] += 2.0 * to_open[c] * size * later[c, 0]
        to_later[c, 0] += to_open[c] * size * size
        to_law[c] -= to_later[c, 1] * seen[c, 1]
        to_log_walk += to_size[c] * size
        if c + 1 < cells and first[c + 1] == first[c]:
            for k in range(2):
                share = to_later[c, k] / open_[c + 1]
                to_later[c + 1, k] += share
                to_open[c + 1] -= share * later[c + 1, k] / open_[c + 1]
    return to_log_walk
