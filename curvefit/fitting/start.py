"""Where sampling starts: the penalised fit, made once more at what the density's top says of noise, bend and common parameters.

The first fit takes noise from the spread of seeds and knows of no bend. Where it is wrong in either, so are the curvature and the
ridges in whose units the sampler moves.
"""

from __future__ import annotations

import numpy as np

from curvefit.fitting.density import Density, Preconditioned
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.penalised import Guess, Penalised, penalised_fit
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.shared import Shared

#: Correlations and noise floors nearer to their ends than this are not held: no step leads back from there.
_LEAST = 0.01


def start_of_sampling(layout: Layout, hierarchy: Hierarchy, settings: FitSettings) -> Penalised:
    """Return the penalised fit that the sampler's coordinates are made of."""
    first = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    if not np.isfinite(first.theta).all():
        return first
    density = Density(layout, hierarchy, settings, first)
    top = Preconditioned(density).top
    at, correlation = density.expand(top), first.shared.correlation
    if layout.correlated:
        correlation = float(np.clip(at["noise_correlation"], _LEAST, 1.0 - _LEAST))
    shared = Shared(
        noise=np.exp(at["log_noise"]),
        noise_slope=float(at["noise_slope"]),
        noise_floor=max(float(at["noise_floor"]), _LEAST),
        correlation=correlation,
        walk=first.shared.walk,
        bend=at.get("bend", first.shared.bend),
        common=at.get("common", first.shared.common),
    )
    return penalised_fit(
        layout, hierarchy, shared=shared, guess=Guess(at["theta"], density.expected(top), first.scale)
    )
