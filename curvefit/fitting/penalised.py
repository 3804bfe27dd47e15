"""Penalised fit: a Laplace-EM of the hierarchical model in a tenth of a second, for starts and whitening.

Its point estimates are as good as the posterior's; its intervals are far too short, so they are never quoted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from curvefit.fitting.climb import best_of_prior, climb, likeliest_walk, quadratic
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.modes import certainty
from curvefit.fitting.ridge import Ridge, trace_ridge
from curvefit.fitting.shared import Shared, moment_estimates

_STEP = 1e-4
_FIRST_STEPS, _STEPS = 60, 15
_ROUNDS, _ROUNDS_ALONE = 6, 2


@dataclass(frozen=True, slots=True, eq=False)
class Penalised:
    """Result of the penalised fit, on the estimated scale.

    Parameters
    ----------
    theta, eta
        Curve-level parameters and what the group level expects of them, shape (rows, parameters).
    fisher
        Information of the data at theta (inverse variance, no prior), for the Cramer-Rao bound.
    ridge
        Quadratic approximation of each row's log likelihood around its ridge.
    projection
        From changes of a parameter over the rows to those of its grand mean (first rows, one per parameter) and effects (one row
        per column), shape (parameters + columns, rows).
    mean, scale
        Grand means, and scales (terms, then residuals).
    effect_known
        What the data say about each effect: information and score (information times estimate), shape (columns, 2).
    shared
        What was held while curves were fitted.
    seen
        Mean of the data at each cell on the transformed scale, and its information (inverse variance around law and walk), shape
        (cells, 2).
    """

    theta: np.ndarray
    eta: np.ndarray
    fisher: np.ndarray
    ridge: Ridge
    projection: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    effect_known: np.ndarray
    shared: Shared
    seen: np.ndarray


def penalised_fit(
    layout: Layout,
    hierarchy: Hierarchy,
    *,
    walk: float = 0.0,
    before: Penalised | None = None,
    walk_prior: tuple[float, float] | None = None,
) -> Penalised:
    """Fit curves and group levels in turn.

    Parameters
    ----------
    walk
        Step of the curves' walk that is assumed.
    before
        Fit to go on from: its theta, eta and scales, holding its `shared`. By default from the best of some points of the prior, holding
        moment estimates and no bend.
    walk_prior
        Median and log-sd of the prior of that step, which is then estimated each time curves were fitted; None to hold it.
    """
    seed_mean, count = layout.seed_means()
    if before is None:
        shared = moment_estimates(layout, hierarchy, seed_mean, count, walk=walk)
    else:
        shared = before.shared
    modes = shared.modes(layout, hierarchy, seed_mean)
    prior_mean, prior_sd = hierarchy.mean_prior.T
    rows, n_own, n_terms = hierarchy.n_rows, len(hierarchy.curve_specs), len(hierarchy.terms)
    longest = np.minimum(0.7, prior_sd)

    def left(at: np.ndarray) -> np.ndarray:
        return modes.combine(seed_mean - shared.cell_means(layout, hierarchy, at))

    def linear(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return modes.combine(_slopes(layout, hierarchy, at, shared)), left(at)

    certain = certainty(modes.rate, shared.walk)
    if before is None:
        theta = best_of_prior(left, certain, hierarchy.mean_prior)
        eta, scale = np.tile(prior_mean, (rows, 1)), hierarchy.scale_prior.copy()
    else:
        theta, eta, scale = before.theta, before.eta, before.scale
    effect_known = np.zeros((hierarchy.design.shape[1], 2))
    mean = prior_mean.copy()
    projection = np.zeros((n_own + len(effect_known), rows))
    for round_ in range(_ROUNDS if hierarchy.pooled else _ROUNDS_ALONE):
        begins = before is None and round_ == 0
        if not hierarchy.pooled:
            precision = 1 / prior_sd**2
        elif begins:
            precision = 1 / np.minimum(prior_sd, 0.8) ** 2
        else:
            precision = 1 / scale[n_terms:] ** 2
        steps = _FIRST_STEPS if begins else _STEPS
        theta, slopes, rests = climb(linear, certain, theta, eta, precision, steps=steps, longest=longest)
        total = quadratic(slopes, rests, certain)[0] + np.diag(precision)
        if walk_prior:
            walk = likeliest_walk(slopes, rests, modes.rate, theta - eta, precision, walk_prior)
            shared, certain = replace(shared, walk=walk), certainty(modes.rate, walk)
        if hierarchy.pooled:
            variance = np.linalg.inv(total)
            mean, eta, scale, effect_known, projection = _group_level(
                hierarchy, theta, eta, variance, precision, scale
            )
    information, _ = quadratic(slopes, rests, certain)
    fisher = information + 1e-6 * np.eye(n_own)
    if hierarchy.pooled:  # the sampler goes where other grand means and effects lead it
        precision = 1 / (scale[n_terms:] ** 2 + prior_sd**2)
    ridge = trace_ridge(layout, hierarchy, linear, modes.rate, shared.walk, theta, eta, precision)
    seen = np.column_stack([seed_mean, count / sum(shared.run_variances(layout, seed_mean))])
    return Penalised(theta, eta, fisher, ridge, projection, mean, scale, effect_known, shared, seen)


def _slopes(layout: Layout, hierarchy: Hierarchy, theta: np.ndarray, shared: Shared) -> np.ndarray:
    """Return how the law at every cell changes with the theta of its row, shape (cells, parameters)."""
    slopes = np.empty((len(layout.cell_curve), theta.shape[1]))
    for k in range(theta.shape[1]):
        shift = np.zeros(theta.shape[1])
        shift[k] = _STEP
        upper = shared.cell_means(layout, hierarchy, theta + shift)
        slopes[:, k] = (upper - shared.cell_means(layout, hierarchy, theta - shift)) / (2 * _STEP)
    return slopes


def _group_level(hierarchy, theta, eta, variance, precision, scale):
    """Return grand means, what they and effects expect, scales, what is known of effects, and projection: regression on working responses."""
    n_terms = len(hierarchy.terms)
    bounds = np.outer(hierarchy.scale_prior**2, [0.04, 25.0])
    mean = np.empty(theta.shape[1])
    projection = np.zeros((theta.shape[1] + hierarchy.design.shape[1], len(theta)))
    effect_known = np.zeros((hierarchy.design.shape[1], 2))
    eta, scale = eta.copy(), scale.copy()
    for k in range(theta.shape[1]):
        mine = hierarchy.column_parameter == k
        terms = hierarchy.column_term[mine]
        design = np.column_stack([np.ones(len(theta)), hierarchy.design[:, mine]])
        data = np.maximum(1 / np.maximum(variance[:, k, k], 1e-8) - precision[k], 1e-3)
        working = theta[:, k] + precision[k] / data * (theta[:, k] - eta[:, k])
        weight = 1 / (scale[n_terms + k] ** 2 + 1 / data)
        prior_mean, prior_sd = hierarchy.mean_prior[k]
        ridge = np.r_[1 / prior_sd**2, 1 / scale[terms] ** 2]
        covariance = np.linalg.inv((design.T * weight) @ design + np.diag(ridge))
        right = design.T @ (weight * working)
        right[0] += ridge[0] * prior_mean
        solved = covariance @ right
        eta[:, k] = design @ solved
        mean[k] = solved[0]
        projection[np.r_[k, theta.shape[1] + np.flatnonzero(mine)]] = covariance @ (design.T * weight)
        total = 1 / np.diag(covariance)[1:]
        effect_known[mine] = np.column_stack([np.maximum(total - ridge[1:], 0.0), total * solved[1:]])
        for t in np.unique(terms):
            pick = np.r_[False, terms == t]
            scale[t] = np.sqrt(np.clip((solved[pick] ** 2 + np.diag(covariance)[pick]).mean(), *bounds[t]))
        rest = theta[:, k] - eta[:, k]
        scale[n_terms + k] = np.sqrt(np.clip((rest**2 + variance[:, k, k]).mean(), *bounds[n_terms + k]))
    return mean, eta, scale, effect_known, projection
