"""What a fit expects of its curves at any size: law, bend and walk, all of which go on beyond the data, and the noise of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.fitting.bend import bent_sizes_at
from curvefit.fitting.discrepancy import walk_at
from curvefit.fitting.known_likelihoods import LIKELIHOODS
from curvefit.fitting.noise import on_test_points, seed_variance, shared_shift
from curvefit.seeding import generator

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


def expected_errors(
    fit: CurveFit, sizes: np.ndarray, wanted: list[int], seed: int, *, on_test_set: bool
) -> np.ndarray:
    """Return draws of the errors of the wanted curves, shape (draws, wanted, sizes); see `CurveFit.expected_error`."""
    values = {name: fit.parameter(name)[:, wanted, None] for name in fit.law.parameter_names}
    posterior, read_at = fit.draws["posterior"], sizes
    if "bend" in posterior:
        edges = np.asarray(fit.draws["constant_data"]["bend_edge"].values)
        bend = np.asarray(posterior["bend"].values).reshape(fit.n_draws, -1)
        ahead = generator(seed, "bend")
        read_at = bent_sizes_at(sizes, edges, bend, fit.settings.priors.bend, ahead)[:, None]
    error = fit.law.error(read_at, chance=fit.chance[wanted, None], **values)
    if on_test_set and "test_shift" in posterior:
        error = on_test_points(np, LIKELIHOODS[fit.likelihood].scale.inside(error), _shifts(fit, wanted))
    if "walks" not in posterior:
        return error
    walks = posterior["walks"].values.reshape(fit.n_draws, len(fit.triplets), -1)[:, wanted]
    step = posterior["walk"].values.reshape(-1)
    seen, constant, measured = posterior["walk_size"].values, fit.draws["constant_data"], fit.measurements
    ends = constant["walk_end"].values[wanted]
    streams = [generator(seed, "walk", measured[i]) for i in wanted]
    walk = walk_at(sizes, seen, walks, step, ends, streams)
    return LIKELIHOODS[fit.likelihood].scale.shifted(error, walk)


def noise_between_seeds(fit: CurveFit, sizes: np.ndarray, wanted: list[int]) -> np.ndarray:
    """Return draws of the standard deviation between seeds on the likelihood's scale, shape (draws, wanted, sizes)."""
    posterior, constant = fit.draws["posterior"], fit.draws["constant_data"]
    names = [str(x) for x in posterior["noise"].values]
    group = [names.index(str(g)) for g in constant["noise_group"].values[wanted]]
    log_noise = posterior["log_noise"].values.reshape(fit.n_draws, -1)[:, group, None]
    slope = posterior["noise_slope"].values.reshape(-1, 1, 1)
    floor = posterior["noise_floor"].values.reshape(-1, 1, 1)
    relative = np.log(sizes / float(constant["noise_size"]))
    return np.sqrt(seed_variance(np, log_noise, slope, floor, relative))


def _shifts(fit: CurveFit, wanted: list[int]) -> np.ndarray:
    """Return draws of how far all runs on a test set are moved, as an angle, shape (draws, wanted, 1)."""
    posterior, constant = fit.draws["posterior"], fit.draws["constant_data"]
    names = [str(x) for x in posterior["test_set"].values]
    sets = [names.index(str(s)) for s in constant["scored_on"].values[wanted]]
    standard = posterior["test_shift"].values.reshape(fit.n_draws, -1)[:, sets, None]
    correlation: Any = fit.settings.priors.mean_test_correlation
    if fit.fresh_counting is not None:
        correlation = 1.0 - fit.fresh_counting[:, None, None]
    return np.asarray(shared_shift(np, standard, correlation, constant["test_points"].values[wanted, None]))
