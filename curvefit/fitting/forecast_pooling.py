"""Empirical Bayes over curves: what many curves say about shape, noise and discrepancy becomes the prior of each.

Every curve was integrated under the default priors; its particles are weighted anew under priors fitted to all
curves (EM on weighted particles), so that nothing is integrated twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from curvefit.fitting.forecast_curve import CurveEnsemble
from curvefit.fitting.forecast_posterior import ShapePosterior

#: The default priors count as this many curves.
PRIOR_CURVES = 5.0
ROUNDS = 30
NARROWEST = 0.15


@dataclass(frozen=True, slots=True)
class PooledPrior:
    """Prior of one family, fitted to all curves.

    Parameters
    ----------
    mean, sd
        Of the standardised shape parameters (parameters,); 0 and 1 are the default prior.
    log_cells
        Log prior of the noise and speed grid (cells,).
    """

    mean: np.ndarray
    sd: np.ndarray
    log_cells: np.ndarray


def fit_prior(posteriors: Sequence[ShapePosterior], log_cells: np.ndarray) -> PooledPrior:
    """Fit the prior of one family to the particles of all curves; `log_cells` is the grid's default log prior."""
    z = np.concatenate([posterior.standard for posterior in posteriors])
    log_weights = np.concatenate([posterior.log_weights for posterior in posteriors])
    counts = np.array([len(posterior.standard) for posterior in posteriors])
    first_of = np.cumsum(counts) - counts
    dimension, strength = z.shape[1], PRIOR_CURVES
    prior = PooledPrior(np.zeros(dimension), np.ones(dimension), log_cells)
    for _ in range(ROUNDS):
        logs = _under(prior, z, log_weights, log_cells)
        highest = np.maximum.reduceat(logs.max(axis=1), first_of)
        weight = np.exp(logs - np.repeat(highest, counts)[:, None])
        weight /= np.repeat(np.add.reduceat(weight.sum(axis=1), first_of), counts)[:, None]
        particle = weight.sum(axis=1)
        first, second, cells = particle @ z, particle @ z**2, weight.sum(axis=0)
        total = len(posteriors) + strength
        mean = first / total
        variance = (second + strength) / total - mean**2
        cells = (cells + strength * np.exp(log_cells)) / total
        new = PooledPrior(mean, np.sqrt(np.maximum(variance, NARROWEST**2)), np.log(cells))
        moved = np.abs(new.mean - prior.mean).max() + np.abs(new.sd - prior.sd).max()
        prior = new
        if moved < 1e-3:
            break
    return prior


def pool(ensembles: Sequence[CurveEnsemble]) -> list[CurveEnsemble]:
    """Return the ensembles under priors fitted to all of them."""
    if len(ensembles) < 2:
        return list(ensembles)
    log_cells = ensembles[0].grid.log_prior
    found = []
    for j in range(len(ensembles[0].posteriors)):
        posteriors = [ensemble.posteriors[j] for ensemble in ensembles]
        prior = fit_prior(posteriors, log_cells)
        found.append([reweight(posterior, prior, log_cells) for posterior in posteriors])
    return [
        replace(ensemble, posteriors=tuple(column[i] for column in found))
        for i, ensemble in enumerate(ensembles)
    ]


def reweight(posterior: ShapePosterior, prior: PooledPrior, log_cells: np.ndarray) -> ShapePosterior:
    """Return a posterior under another prior, by importance weights."""
    logs = _under(prior, posterior.standard, posterior.log_weights, log_cells)
    gained = float(logsumexp(logs))
    log_weights = logs - gained
    particle = logsumexp(log_weights, axis=1)
    effective = float(np.exp(-logsumexp(2 * particle)))
    return replace(
        posterior, log_weights=log_weights, log_evidence=posterior.log_evidence + gained, effective=effective
    )


def _under(prior: PooledPrior, z: np.ndarray, log_weights: np.ndarray, log_cells: np.ndarray) -> np.ndarray:
    """Return log weights (particles, cells) under another prior, not normalised."""
    ratio = (-0.5 * ((z - prior.mean) / prior.sd) ** 2 - np.log(prior.sd) + 0.5 * z**2).sum(axis=1)
    return log_weights + ratio[:, None] + (prior.log_cells - log_cells)
