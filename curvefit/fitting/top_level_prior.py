"""The priors at the top of a hierarchical fit, read at its draws."""

from __future__ import annotations

import numpy as np
from scipy import stats

from curvefit.fitting.bend import BEND_FREEDOM, step_scale
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import Layout


def top_level_log_prior(fit: CurveFit, layout: Layout) -> dict[str, np.ndarray]:
    """Return the log prior density of what has a prior of fixed numbers, not one that the fit itself estimates.

    These are the grand means and scales, or the curves' own parameters (``theta``) where nothing is pooled; parameters common
    to all curves, noise, walk and bend. A fit by ``method="approximate"`` has no draws of means, scales and bend, and holds
    noise and walk at one value.

    Returns
    -------
    dict
        Name in the posterior to log densities, summed over its values, shape (draws,).
    """
    priors, posterior = fit.settings.priors, fit.draws["posterior"]
    hierarchy = build_hierarchy(layout, fit.settings)
    norm = stats.norm.logpdf

    def drawn(name: str) -> np.ndarray:
        return np.asarray(posterior[name].values).reshape(fit.n_draws, -1)

    def bend(values: np.ndarray) -> np.ndarray:
        edges = fit.draws["constant_data"]["bend_edge"].values
        steps = np.diff(values, prepend=0.0, axis=1)
        return stats.t.logpdf(steps, BEND_FREEDOM, 0.0, step_scale(priors.bend, edges))

    own = hierarchy.mean_prior.T
    densities = {
        "mean": lambda x: norm(x, *own),
        "log_scale": lambda x: norm(x, np.log(hierarchy.scale_prior), priors.scale_width),
        "theta": lambda x: norm(x, *np.tile(own, hierarchy.n_rows)),
        "common": lambda x: norm(x, *hierarchy.common_prior.T),
        "log_noise": lambda x: norm(x, np.log(priors.noise[0]), priors.noise[1]),
        "noise_slope": lambda x: stats.halfnorm.logpdf(x, 0.0, priors.noise_slope),
        "noise_floor": lambda x: stats.halfnorm.logpdf(x, 0.0, priors.noise_floor),
        "noise_correlation": lambda x: stats.beta.logpdf(x, *priors.noise_correlation),
        "walk": lambda x: norm(np.log(x), np.log(priors.walk[0]), priors.walk[1]),
        "bend": bend,
    }
    if hierarchy.pooled:
        del densities["theta"]
    return {
        name: density(drawn(name)).sum(axis=1) for name, density in densities.items() if name in posterior
    }
