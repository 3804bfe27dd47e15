"""Group level, forward and backward: from coordinates of means and effects to what is expected of every row's parameters.

What `curvefit.fitting.model` says in pytensor, as loops with their derivatives written out.
"""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.density.scalars import compiled, level_at, normal, polynomial


@compiled
def group_level(free, free_effect, scale, prior, design, of_parameter, of_term, known, projection, path, centre, width, pivot, eta, mean, effect, shift):  # fmt: skip
    """Fill expected parameters `eta`, means, effects and the shifts along ridges; return their log prior density.

    Parameters
    ----------
    free, free_effect
        Sampled coordinates of means (parameters,) and effects (columns,).
    scale
        Scales of the terms, then of the residuals.
    prior
        Mean and sd of every grand mean, shape (parameters, 2).
    design, of_parameter, of_term, known, projection
        See `Hierarchy` and `Penalised`.
    path, centre, width, pivot
        See `Ridge`; pivot is the floor's position, -1 without one.
    eta, mean, effect, shift
        Written: shapes (rows, parameters), (parameters,), (columns,), (rows, parameters).
    """
    rows, n_own = eta.shape
    log_density = 0.0
    shift[:] = 0.0
    for turn in range(-1, n_own):
        k = pivot if turn < 0 else turn
        if k < 0 or (turn >= 0 and k == pivot):
            continue
        moved = 0.0
        for r in range(rows):
            moved += projection[k, r] * shift[r, k]
        mean[k] = free[k] + moved
        log_density += normal(mean[k] - prior[k, 0], prior[k, 1])
        for r in range(rows):
            eta[r, k] = mean[k]
        for c in range(len(of_parameter)):
            if of_parameter[c] != k:
                continue
            own, moved = scale[of_term[c]], 0.0
            for r in range(rows):
                moved += projection[n_own + c, r] * shift[r, k]
            both = 1.0 / own**2 + known[c, 0]
            effect[c] = moved + known[c, 1] / both + free_effect[c] / math.sqrt(both)
            log_density += normal(effect[c], own) - 0.5 * math.log(both)
            for r in range(rows):
                eta[r, k] += design[r, c] * effect[c]
        if k == pivot:
            for r in range(rows):
                at, _ = level_at(eta[r, k], centre[r], width[r])
                for j in range(n_own):
                    shift[r, j] = polynomial(path[r, j], 0, at)[0]
    return log_density


@compiled
def group_level_back(free_effect, scale, prior, design, of_parameter, of_term, known, projection, path, centre, width, pivot, eta, mean, effect, to_eta, to_free, to_effect, to_log_scale):  # fmt: skip
    """Add derivatives of the log density by the coordinates, given those by `eta`; `to_eta` of the floor is changed."""
    rows, n_own = eta.shape
    to_level = np.zeros(rows)
    for turn in range(n_own):
        k = turn
        if pivot >= 0:  # the floor comes last
            k = pivot if turn == n_own - 1 else turn + (turn >= pivot)
        if k == pivot:
            for r in range(rows):
                to_eta[r, k] += to_level[r] * level_at(eta[r, k], centre[r], width[r])[1]
        to_shift = np.zeros(rows)
        total = -(mean[k] - prior[k, 0]) / prior[k, 1] ** 2
        for r in range(rows):
            total += to_eta[r, k]
        to_free[k] += total
        for r in range(rows):
            to_shift[r] += projection[k, r] * total
        for c in range(len(of_parameter)):
            if of_parameter[c] != k:
                continue
            own = scale[of_term[c]]
            back = -effect[c] / own**2
            for r in range(rows):
                back += design[r, c] * to_eta[r, k]
            both = 1.0 / own**2 + known[c, 0]
            to_effect[c] += back / math.sqrt(both)
            to_both = -(back * (known[c, 1] / both + 0.5 * free_effect[c] / math.sqrt(both)) + 0.5) / both
            to_log_scale[of_term[c]] += (effect[c] / own) ** 2 - 1.0 - 2.0 * to_both / own**2
            for r in range(rows):
                to_shift[r] += projection[n_own + c, r] * back
        if k != pivot and pivot >= 0:
            for r in range(rows):
                at, _ = level_at(eta[r, pivot], centre[r], width[r])
                to_level[r] += to_shift[r] * polynomial(path[r, k], 0, at)[1]
