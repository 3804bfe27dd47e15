"""Draws of where the walk of every curve around its law went, given the draws of the other parameters."""

from __future__ import annotations

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy, natural_values
from curvefit.fitting.layout import Layout


def draw_walks(
    layout: Layout, hierarchy: Hierarchy, draws: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw every curve's walk given the other parameters' draws.

    Parameters
    ----------
    layout, hierarchy
        Data and design.
    draws
        Sampled parameters, each of shape (chains, draws, ...).

    Returns
    -------
    tuple of numpy.ndarray
        All sizes of the data, ascending (as in the layout), and the walk at them on the likelihood's scale, shape (chains,
        draws, measured curves, sizes), single precision: 0 at and below a curve's smallest size, interpolated between its
        sizes, and walking on beyond its largest.
    """
    chains, kept = draws["walk"].shape
    step = draws["walk"].reshape(-1)
    flat = {k: v.reshape(chains * kept, *v.shape[2:]) for k, v in draws.items()}
    sizes = np.unique(layout.cell_size)
    walks = np.zeros((len(step), len(layout.triplets), len(sizes)), np.float32)
    for curve in range(len(layout.triplets)):
        cells = np.flatnonzero(layout.cell_curve == curve)
        knots, first = np.unique(layout.cell_size[cells], return_index=True)
        if "walk_step" in flat:
            doublings = layout.cell_doublings[cells]
            length = np.sqrt(np.diff(doublings, prepend=0.0))
            at_cells = np.cumsum(step[:, None] * length * flat["walk_step"][:, cells], axis=1)
        else:
            at_cells = _posterior_walk(layout, hierarchy, flat, step, curve, cells, rng)
        walks[:, curve] = _between(np.log2(knots), at_cells[:, first], np.log2(sizes), step, rng)
    return sizes, walks.reshape(chains, kept, *walks.shape[1:])


def _posterior_walk(layout, hierarchy, flat, step, curve, cells, rng) -> np.ndarray:
    """Draw the walk at a curve's cells by conditioning a prior draw on the means (Matheron's rule), shape (draws, cells)."""
    n_draws, n_cells = len(step), len(cells)
    count = np.bincount(layout.run_cell, minlength=len(layout.cell_curve))[cells]
    total = np.bincount(layout.run_cell, layout.run_value, minlength=len(layout.cell_curve))[cells]
    theta, common = flat["theta"][:, hierarchy.row[curve]], flat.get("common")
    values = natural_values(layout, hierarchy, theta, common, curve=curve)
    chance = layout.chance[curve]
    with np.errstate(over="ignore", under="ignore"):
        error = layout.family.error(layout.cell_size[cells], chance=chance, **values)
    error = np.clip(error, 1e-9, 1 - 1e-9 if layout.link == "logit" else None)
    relative = np.log(layout.cell_size[cells] / layout.middle_size)
    log_noise = flat["log_noise"][:, layout.noise_group[curve], None]
    variance = (
        np.exp(2 * (log_noise - flat["noise_slope"][:, None] * relative)) + flat["noise_floor"][:, None] ** 2
    )
    counting = np.broadcast_to(layout.cell_variance[cells], error.shape)
    if layout.link == "logit" and (layout.cell_test[cells] > 0).all():
        counting = 1 / (layout.cell_test[cells] * error * (1 - error))
    lag = np.abs(np.subtract.outer(relative, relative)) / np.log(2.0)
    alike = np.eye(n_cells)[None]
    if layout.correlated:
        alike = flat["noise_correlation"][:, None, None] ** lag
    sd = np.sqrt(variance / count)
    noise = alike * sd[:, :, None] * sd[:, None, :] + np.eye(n_cells) * (counting / count)[:, None, :]
    doublings = layout.cell_doublings[cells]
    prior = step[:, None, None] ** 2 * np.minimum.outer(doublings, doublings)
    length = np.sqrt(np.maximum(np.diff(doublings, prepend=0.0), 0.0))
    walk = np.cumsum(step[:, None] * length * rng.standard_normal((n_draws, n_cells)), axis=1)
    shaken = np.einsum("dij,dj->di", np.linalg.cholesky(noise), rng.standard_normal((n_draws, n_cells)))
    rest = total / count - layout.transform(error) - walk - shaken
    return walk + np.einsum("dij,dj->di", prior, np.linalg.solve(prior + noise, rest[..., None])[..., 0])


def _between(knots, walk, sizes, step, rng) -> np.ndarray:
    """Return the walk at other log2 sizes than its knots: a draw of the walk between and beyond them."""
    found = np.empty((len(walk), len(sizes)))
    place = np.searchsorted(knots, sizes)
    last, at = walk[:, -1].copy(), knots[-1]
    for k, size in enumerate(sizes):
        right = place[k]
        if right < len(knots) and (knots[right] == size or right == 0):
            found[:, k] = walk[:, right] if knots[right] == size else 0.0
        elif right < len(knots):
            share = (size - knots[right - 1]) / (knots[right] - knots[right - 1])
            found[:, k] = (1 - share) * walk[:, right - 1] + share * walk[:, right]
        else:
            last = last + step * np.sqrt(size - at) * rng.standard_normal(len(walk))
            found[:, k], at = last, size
    return found
