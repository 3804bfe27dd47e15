"""Draws of where the walk of every curve around its law went, given the draws of the other parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.fitting.bend import bent_size
from curvefit.fitting.discrepancy import walk_within
from curvefit.fitting.hierarchy import Hierarchy, natural_values
from curvefit.fitting.layout import Layout
from curvefit.fitting.noise import (
    counting_variance,
    covariance_of_means,
    on_test_points,
    seed_variance,
    shared_shift,
)


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
        sizes, and held beyond its largest.
    """
    chains, kept = draws["walk"].shape
    step = draws["walk"].reshape(-1)
    flat = {k: v.reshape(chains * kept, *v.shape[2:]) for k, v in draws.items()}
    sizes, means, strides = np.unique(layout.cell_size), layout.seed_means()[0], layout.strides
    walks = np.zeros((len(step), len(layout.triplets), len(sizes)), np.float32)
    for curve in range(len(layout.triplets)):
        cells = np.flatnonzero(layout.cell_curve == curve)
        knots, first = np.unique(layout.cell_size[cells], return_index=True)
        if "walk_step" in flat:
            steps = np.zeros((len(step), len(cells)))
            steps[:, strides[cells] > 0] = flat["walk_step"][:, layout.cell_curve[strides > 0] == curve]
            at_cells = np.cumsum(step[:, None] * strides[cells] * steps, axis=1)
        else:
            at_cells = _posterior_walk(
                layout, hierarchy, means, flat, step, curve, cells, strides[cells], rng
            )
        walks[:, curve] = walk_within(sizes[None], knots, at_cells[:, None, first])[:, 0]
    return sizes, walks.reshape(chains, kept, *walks.shape[1:])


def _posterior_walk(layout, hierarchy, means, flat, step, curve, cells, strides, rng) -> np.ndarray:
    """Draw the walk at a curve's cells by conditioning a prior draw on the means (Matheron's rule), shape (draws, cells)."""
    n_draws, n_cells = len(step), len(cells)
    mean = means[cells]
    theta, common = flat["theta"][:, hierarchy.row[curve]], flat.get("common")
    values = natural_values(layout, hierarchy, theta, common, curve=curve)
    chance = layout.chance[curve]
    with np.errstate(over="ignore", under="ignore"):
        size = layout.cell_size[cells]
        if "bend" in flat:
            size = bent_size(np, np.log(size), layout.cell_bend[cells], flat["bend"])
        error = layout.family.error(size, chance=chance, **values)
    error = layout.scale.inside(error)
    agreement: Any = 0.0
    test = layout.cell_test[cells] if layout.counted else None
    if "test_correlation" in flat:
        agreement = flat["test_correlation"][:, None]
        standard = flat["test_shift"][:, layout.test_set[curve], None]
        shift = shared_shift(np, standard, agreement, test)
        error = layout.scale.inside(on_test_points(np, error, shift))
    relative = np.log(layout.cell_size[cells] / layout.middle_size)
    log_noise = flat["log_noise"][:, layout.noise_group[curve], None]
    slope, floor = flat["noise_slope"][:, None], flat["noise_floor"][:, None]
    variance = seed_variance(np, log_noise, slope, floor, relative)
    counting = (1.0 - agreement) * counting_variance(error, test, layout.cell_variance[cells])
    counting = np.broadcast_to(counting, error.shape)
    doublings = layout.cell_doublings[cells]
    correlation = flat["noise_correlation"] if layout.correlated else 0.0
    noise = covariance_of_means(doublings, variance, counting, layout.shared_seeds(cells), correlation)
    prior = step[:, None, None] ** 2 * np.minimum.outer(doublings, doublings)
    walk = np.cumsum(step[:, None] * strides * rng.standard_normal((n_draws, n_cells)), axis=1)
    shaken = np.einsum("dij,dj->di", np.linalg.cholesky(noise), rng.standard_normal((n_draws, n_cells)))
    rest = mean - layout.scale.transform(error) - walk - shaken
    return walk + np.einsum("dij,dj->di", prior, np.linalg.solve(prior + noise, rest[..., None])[..., 0])
