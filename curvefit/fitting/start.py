"""Where a fit starts: the penalised fit, for sampling made once more at what the density's top says of what curves share.

The first fit takes noise from the spread of seeds and knows of no bend. Where it is wrong in either, so are the curvature and the
ridges in whose units the sampler moves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.penalised import Penalised, penalised_fit
from curvefit.fitting.settings import FitSettings

#: Correlations and noise floors nearer to their ends than this are not held: no step leads back from there.
_LEAST = 0.01


def start_of_fit(
    layout: Layout, hierarchy: Hierarchy, settings: FitSettings, *, walk_as_usual: bool = False
) -> Penalised:
    """Return the penalised fit that draws are made from: the first one in approximate mode, where it is not finite, or the second leads nowhere.

    The step of the curves' walk is estimated, or held at the median of its prior where it is to be as usual.
    """
    walk_prior = settings.priors.walk if settings.walks and not walk_as_usual else None
    first = penalised_fit(layout, hierarchy, walk=settings.usual_walk, walk_prior=walk_prior)
    if settings.method == "approximate" or not np.isfinite(first.theta).all():
        return first
    from curvefit.fitting.density import Density, highest

    density = Density(layout, hierarchy, settings, first)
    top = highest(density, density.centre)
    at, shared = density.expand(top), first.shared
    shared = replace(
        shared,
        noise=np.exp(at["log_noise"]),
        noise_slope=float(at["noise_slope"]),
        noise_floor=max(float(at["noise_floor"]), _LEAST),
        correlation=_held(at, "noise_correlation"),
        test_correlation=_held(at, "test_correlation"),
        bend=at.get("bend", shared.bend),
        common=at.get("common", shared.common),
    )
    before = replace(first, theta=at["theta"], eta=density.expected(top), shared=shared)
    second = penalised_fit(layout, hierarchy, before=before, walk_prior=walk_prior)
    there = Density(layout, hierarchy, settings, second)
    return second if np.isfinite(there(there.centre)[0]) else first


def _held(at: dict[str, np.ndarray], name: str) -> float:
    """Return a correlation at the top of the density, kept from its ends; 0 where the model has none."""
    return float(np.clip(at[name], _LEAST, 1.0 - _LEAST)) if name in at else 0.0
