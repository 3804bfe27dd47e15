"""What a fit expects of its curves at any size: law, bend and walk, all of which go on beyond the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curvefit.fitting.bend import bent_sizes_at
from curvefit.fitting.discrepancy import walk_at
from curvefit.fitting.known_likelihoods import LIKELIHOODS
from curvefit.seeding import generator

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


def expected_errors(fit: CurveFit, sizes: np.ndarray, wanted: list[int], seed: int) -> np.ndarray:
    """Return draws of the errors of the wanted curves, shape (draws, wanted, sizes); see `CurveFit.expected_error`."""
    values = {name: fit.parameter(name)[:, wanted, None] for name in fit.law.parameter_names}
    posterior, read_at = fit.draws["posterior"], sizes
    if "bend" in posterior:
        edges = np.asarray(fit.draws["constant_data"]["bend_edge"].values)
        bend = np.asarray(posterior["bend"].values).reshape(fit.n_draws, -1)
        ahead = generator(seed, "bend")
        read_at = bent_sizes_at(sizes, edges, bend, fit.settings.priors.bend, ahead)[:, None]
    error = fit.law.error(read_at, chance=fit.chance[wanted, None], **values)
    if "walks" not in posterior:
        return error
    walks = posterior["walks"].values.reshape(fit.n_draws, len(fit.triplets), -1)[:, wanted]
    step = posterior["walk"].values.reshape(-1)
    seen, constant, measured = posterior["walk_size"].values, fit.draws["constant_data"], fit.measurements
    ends = constant["walk_end"].values[wanted]
    streams = [generator(seed, "walk", measured[i]) for i in wanted]
    walk = walk_at(sizes, seen, walks, step, ends, streams)
    return LIKELIHOODS[fit.likelihood].scale.shifted(error, walk)
