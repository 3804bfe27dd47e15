"""Approximate mode: a normal distribution at the penalised fit, with the spread that the group level adds.

Against full sampling its intervals are too short (normal approximations of this model covered .68 to .75 at a
nominal .90 in trials), so its status says that it must not be quoted. It answers in well under a second.
"""

from __future__ import annotations

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.settings import FitSettings
from curvefit.seeding import generator

DRAWS = 2000


def approximate_draws(
    layout: Layout, hierarchy: Hierarchy, start: Penalised, settings: FitSettings
) -> dict[str, np.ndarray]:
    """Return normal draws of theta, one chain, with the noise parameters held at their estimates."""
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
    covariance = np.linalg.inv(start.information + np.diag(1 / spread))
    factor = np.linalg.cholesky(covariance)
    z = rng.normal(size=(DRAWS, hierarchy.n_rows, n_own))
    theta = start.theta + np.einsum("rkl,drl->drk", factor, z)
    draws = {
        "theta": theta[None],
        "log_noise": np.tile(np.log(start.noise), (1, DRAWS, 1)),
        "noise_slope": np.full((1, DRAWS), start.noise_slope),
        "noise_floor": np.full((1, DRAWS), start.noise_floor),
    }
    if layout.correlated:
        draws["noise_correlation"] = np.full((1, DRAWS), start.correlation)
    if hierarchy.common_specs:
        mean, sd = hierarchy.common_prior.T
        draws["common"] = rng.normal(mean, sd, (1, DRAWS, len(mean)))
    return draws
