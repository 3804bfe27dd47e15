"""Approximate mode: a normal distribution along the ridges of the penalised fit, with the spread that the group level adds.

Against full sampling its intervals are too short (normal approximations of this model covered .68 to .75 at a
nominal .90 in trials), so its status says that it must not be quoted. A few dozen curves take a second.
"""

from __future__ import annotations

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.ridge import DEGREE, floor_index
from curvefit.fitting.settings import FitSettings
from curvefit.seeding import generator

DRAWS = 2000


def approximate_draws(
    layout: Layout, hierarchy: Hierarchy, start: Penalised, settings: FitSettings
) -> dict[str, np.ndarray]:
    """Return normal draws of theta, one chain, with what curves share held: noise at its estimates, common parameters where
    curves were fitted, the means of their priors. Intervals know nothing of how uncertain these are.
    """
    rng = generator(settings.seed, "approximate")
    n_terms = len(hierarchy.terms)
    n_own = len(hierarchy.curve_specs)
    if hierarchy.pooled:
        spread = start.scale[n_terms:] ** 2
        for k in range(n_own):
            mine = hierarchy.column_parameter == k
            leverage = hierarchy.design[:, mine] ** 2 * start.scale[hierarchy.column_term[mine]] ** 2
            spread[k] += leverage.sum(axis=1).mean()
    else:
        spread = hierarchy.mean_prior[:, 1] ** 2
    theta = _along_ridges(hierarchy, start, 1.0 / spread, rng)
    draws = {
        "theta": theta[None],
        "log_noise": np.tile(np.log(start.shared.noise), (1, DRAWS, 1)),
        "noise_slope": np.full((1, DRAWS), start.shared.noise_slope),
        "noise_floor": np.full((1, DRAWS), start.shared.noise_floor),
    }
    if settings.walks:
        draws["walk"] = np.full((1, DRAWS), start.shared.walk)
    if layout.correlated:
        draws["noise_correlation"] = np.full((1, DRAWS), start.shared.correlation)
    if hierarchy.common_specs:
        draws["common"] = np.tile(start.shared.common, (1, DRAWS, 1))
    return draws


def _along_ridges(
    hierarchy: Hierarchy, start: Penalised, precision: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw the floors, then the other parameters given them, shape (DRAWS, rows, parameters)."""
    rows, n_own = start.theta.shape
    eta = start.eta if hierarchy.pooled else hierarchy.mean_prior[None, :, 0]
    information, along = start.ridge.at_walk(start.shared.walk)
    score = along[None, ..., 0]
    pivot = floor_index(hierarchy)
    theta = np.empty((DRAWS, rows, n_own))
    others = np.arange(n_own)
    if pivot is not None:
        total = precision[pivot] + information[:, pivot, pivot]
        centre = (precision[pivot] * eta[:, pivot] + along[:, pivot, 0]) / total
        theta[..., pivot] = centre + rng.normal(size=(DRAWS, rows)) / np.sqrt(total)
        level = start.ridge.level(hierarchy.curve_specs[pivot].constrain(theta[..., pivot]))
        powers = level[..., None] ** np.arange(DEGREE + 1)
        score = np.einsum("rkp,drp->drk", along, powers)
        others = np.delete(others, pivot)
    total = information[:, others][:, :, others] + np.diag(precision[others])
    centre = np.linalg.solve(total, (precision[others] * eta[:, others] + score[..., others])[..., None])[
        ..., 0
    ]
    spread = np.linalg.cholesky(np.linalg.inv(total))
    z = rng.normal(size=(DRAWS, rows, len(others)))
    theta[..., others] = centre + np.einsum("rkl,drl->drk", spread, z)
    return theta
