"""The priors at the top of the model, which have fixed numbers and not what the fit itself estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from curvefit.fitting.bend import BEND_FREEDOM, step_scale
from curvefit.fitting.hierarchy import Hierarchy, build_hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.model_data import n_bends
from curvefit.fitting.settings import FitSettings

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


def top_level_priors(layout: Layout, hierarchy: Hierarchy, settings: FitSettings) -> dict[str, Any]:
    """Return the prior of everything that is estimated and has no parent in the model, as scipy's frozen distributions.

    Returns
    -------
    dict
        Grand means ``mean`` (parameters,) and ``log_scale``, or ``theta`` (rows, parameters) where nothing is pooled;
        ``common``; changes from piece to piece ``bend_step``; ``log_walk``; ``log_noise`` of each group; ``noise_slope``;
        ``noise_floor``; ``noise_correlation``; ``test_correlation``: those that the model of this layout has.
    """
    priors = settings.priors
    if hierarchy.pooled:
        found = {
            "mean": stats.norm(*hierarchy.mean_prior.T),
            "log_scale": stats.norm(np.log(hierarchy.scale_prior), priors.scale_width),
        }
    else:
        found = {"theta": stats.norm(*np.stack([hierarchy.mean_prior.T] * hierarchy.n_rows, axis=1))}
    if hierarchy.common_specs:
        found["common"] = stats.norm(*hierarchy.common_prior.T)
    if pieces := n_bends(layout, settings):
        scale = np.full(pieces, step_scale(priors.bend, layout.bend_edges))
        found["bend_step"] = stats.t(BEND_FREEDOM, 0.0, scale)
    if settings.walks:
        found["log_walk"] = stats.norm(np.log(priors.walk[0]), priors.walk[1])
    groups = np.ones(len(layout.noise_names))
    found["log_noise"] = stats.norm(np.log(priors.noise[0]) * groups, priors.noise[1])
    found["noise_slope"] = stats.halfnorm(scale=priors.noise_slope)
    found["noise_floor"] = stats.halfnorm(scale=priors.noise_floor)
    if layout.correlated:
        found["noise_correlation"] = stats.beta(*priors.noise_correlation)
    if layout.agreement_estimated:
        found["test_correlation"] = stats.beta(*priors.test_correlation)
    return found


def top_level_log_prior(fit: CurveFit, layout: Layout) -> dict[str, np.ndarray]:
    """Return the log density of each of `top_level_priors` at the draws of a fit.

    A fit by ``method="approximate"`` has no draws of means, scales and bend, and holds noise and walk at one value.

    Returns
    -------
    dict
        Name in the posterior to log densities, summed over its values, shape (draws,).
    """
    posterior = fit.draws["posterior"]
    drawn = {
        name: values.values.reshape(fit.n_draws, *values.shape[2:]) for name, values in posterior.items()
    }
    sampled = {"bend": "bend_step", "walk": "log_walk"}
    if "bend" in drawn:
        drawn["bend"] = np.diff(drawn["bend"], prepend=0.0, axis=1)
    if "walk" in drawn:
        drawn["walk"] = np.log(drawn["walk"])
    given = top_level_priors(layout, build_hierarchy(layout, fit.settings), fit.settings)
    densities = {
        name: given[sampled.get(name, name)].logpdf(values)
        for name, values in drawn.items()
        if sampled.get(name, name) in given
    }
    return {name: values.reshape(fit.n_draws, -1).sum(axis=1) for name, values in densities.items()}
