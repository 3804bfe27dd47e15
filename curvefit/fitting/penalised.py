"""Penalised fit: a Laplace-EM of the hierarchical model in a tenth of a second, for starts and whitening.

Its point estimates are as good as the posterior's; its intervals are far too short, so they are never quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curvefit.fitting.hierarchy import Hierarchy, natural_values
from curvefit.fitting.layout import Layout
from curvefit.fitting.noise import counting_variance
from curvefit.fitting.ridge import Ridge, trace_ridge

_STEP = 1e-4
_FLOOR_VARIANCE = 4e-4


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
    noise, noise_slope, noise_floor, correlation
        Seed noise per group at the middle size, its fall with n, what is left, correlation per doubling.
    step_known
        What the data say about the standardised step of a walk of size 1 to each cell: information, shape (cells,).
    walk
        Step of the curves' walk that was assumed, standard deviation a doubling.
    """

    theta: np.ndarray
    eta: np.ndarray
    fisher: np.ndarray
    ridge: Ridge
    projection: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    effect_known: np.ndarray
    noise: np.ndarray
    noise_slope: float
    noise_floor: float
    correlation: float
    step_known: np.ndarray
    walk: float


def penalised_fit(layout: Layout, hierarchy: Hierarchy, *, walk: float = 0.0, rounds: int = 6) -> Penalised:
    """Fit curves and group levels in turn; robust to a poor start because steps are bounded."""
    seed_mean, count = layout.seed_means()
    noise, slope, correlation = _noise(layout, seed_mean, count)
    weights = _weights(layout, seed_mean, count, noise, slope, correlation, walk)
    prior_mean, prior_sd = hierarchy.mean_prior.T
    rows, n_own = hierarchy.n_rows, len(hierarchy.curve_specs)
    theta = np.tile(prior_mean, (rows, 1))
    eta = theta.copy()
    n_terms = len(hierarchy.terms)
    scale = hierarchy.scale_prior.copy()
    longest = np.minimum(0.7, prior_sd)
    common = hierarchy.common_prior[:, 0]

    def squares(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _squares(layout, hierarchy, at, common, seed_mean, weights)

    effect_known = np.zeros((hierarchy.design.shape[1], 2))
    mean = prior_mean.copy()
    projection = np.zeros((n_own + len(effect_known), rows))
    for round_ in range(rounds if hierarchy.pooled else 2):
        if not hierarchy.pooled:
            precision = 1 / prior_sd**2
        elif round_ == 0:
            precision = 1 / np.minimum(prior_sd, 0.8) ** 2
        else:
            precision = 1 / scale[n_terms:] ** 2
        for _ in range(40 if round_ == 0 else 10):
            _, information, gradient = squares(theta)
            total = information + np.diag(precision)
            step = np.linalg.solve(total, (gradient - precision * (theta - eta))[..., None])[..., 0]
            step = np.clip(step, -longest, longest)
            theta = theta + step
            if np.abs(step / prior_sd).max() < 1e-3:
                break
        if hierarchy.pooled:
            variance = np.linalg.inv(total)
            mean, eta, scale, effect_known, projection = _group_level(
                hierarchy, theta, eta, variance, precision, scale
            )
    _, information, gradient = squares(theta)
    fisher = information + 1e-6 * np.eye(n_own)
    if hierarchy.pooled:
        precision = 1 / scale[n_terms:] ** 2
    ridge = trace_ridge(layout, hierarchy, squares, theta, eta, precision)
    noise_floor = 0.03
    return Penalised(
        theta,
        eta,
        fisher,
        ridge,
        projection,
        mean,
        scale,
        effect_known,
        noise,
        slope,
        noise_floor,
        correlation,
        _step_information(layout, _weights(layout, seed_mean, count, noise, slope, correlation, 0.0)),
        walk,
    )


def cell_means(layout: Layout, hierarchy: Hierarchy, theta: np.ndarray, common: np.ndarray) -> np.ndarray:
    """Return the law at every cell on the transformed scale."""
    values = natural_values(layout, hierarchy, theta, common)
    error = layout.family.error(layout.cell_size, chance=layout.chance[layout.cell_curve], **values)
    tiny = 1e-9
    return layout.transform(np.clip(error, tiny, 1 - tiny if layout.link == "logit" else None))


def _counting_variance(layout: Layout, mean: np.ndarray) -> np.ndarray:
    test = layout.cell_test if layout.counted else None
    return counting_variance(layout.link, layout.errors(mean), test, layout.cell_variance)


def _noise(layout: Layout, mean: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return moment estimates of seed noise per group at the middle size, its slope, and its correlation."""
    spread = np.bincount(
        layout.run_cell, (layout.run_value - mean[layout.run_cell]) ** 2, minlength=len(mean)
    )
    several = count > 1
    groups = len(layout.noise_names)
    if not several.any():
        return np.full(groups, 0.1), 0.1, 0.3 if layout.correlated else 0.0
    excess = spread[several] / (count[several] - 1) - _counting_variance(layout, mean)[several]
    log_excess = np.log(np.maximum(excess, _FLOOR_VARIANCE))
    x = np.log(layout.cell_size[several] / layout.middle_size)
    group = layout.noise_group[layout.cell_curve[several]]
    one_hot = np.eye(groups)[group]
    design = np.column_stack([one_hot, x])
    ridge = np.diag([0.5] * groups + [1.0])
    target = np.r_[np.full(groups, np.log(0.15**2)), -0.4]
    solved = np.linalg.solve(design.T @ design + ridge, design.T @ log_excess + ridge @ target)
    noise = np.exp(0.5 * solved[:groups] + 0.3)
    slope = float(np.clip(-0.5 * solved[-1], 0.02, 0.8))
    correlation = 0.0
    if layout.correlated:
        product = layout.pattern_cross[:, 3] * layout.pattern_mask[:, 0]
        norm = np.sqrt(layout.pattern_cross[:, 0] * layout.pattern_cross[:, 1]) * layout.pattern_mask[:, 0]
        correlation = float(np.clip(product.sum() / max(norm.sum(), 1e-12), 0.1, 0.9))
    return noise, slope, correlation


def _weights(layout, mean, count, noise, slope, correlation, walk) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, per row of theta, its cells and the inverse covariance of their seed means."""
    group = layout.noise_group[layout.cell_curve]
    sd = noise[group] * (layout.cell_size / layout.middle_size) ** -slope
    sd = np.sqrt(sd**2 + 0.03**2)
    counting = _counting_variance(layout, mean)
    found = []
    for curve in range(len(layout.triplets)):
        cells = np.flatnonzero(layout.cell_curve == curve)
        log2 = np.log2(layout.cell_size[cells])
        lag = np.abs(log2[:, None] - log2[None])
        correlated = correlation**lag if correlation > 0 else np.eye(len(cells))
        covariance = correlated * np.outer(sd[cells], sd[cells]) + np.diag(counting[cells])
        covariance /= np.sqrt(np.outer(count[cells], count[cells]))
        covariance += walk**2 * np.minimum.outer(layout.cell_doublings[cells], layout.cell_doublings[cells])
        found.append((cells, np.linalg.inv(covariance)))
    return found


def _step_information(layout: Layout, weights: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the information of a curve's means about each step of its walk alone, shape (cells,)."""
    found = np.empty(len(layout.cell_curve))
    for cells, weight in weights:
        later = np.triu(np.ones_like(weight))
        stepped = np.maximum(np.diff(layout.cell_doublings[cells], prepend=0.0), 0.0)
        found[cells] = stepped * np.einsum("ij,jk,ik->i", later, weight, later)
    return found


def _squares(layout, hierarchy, theta, common, mean, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sum of squares, Gauss-Newton information and gradient of every row of theta."""
    rest = mean - cell_means(layout, hierarchy, theta, common)
    n_own = theta.shape[1]
    jacobian = np.empty((len(rest), n_own))
    for k in range(n_own):
        shift = np.zeros(n_own)
        shift[k] = _STEP
        upper = cell_means(layout, hierarchy, theta + shift, common)
        jacobian[:, k] = (upper - cell_means(layout, hierarchy, theta - shift, common)) / (2 * _STEP)
    information = np.zeros((len(theta), n_own, n_own))
    gradient = np.zeros((len(theta), n_own))
    squares = np.zeros(len(theta))
    for curve, (cells, weight) in enumerate(weights):
        row = hierarchy.row[curve]
        weighted = jacobian[cells].T @ weight
        information[row] += weighted @ jacobian[cells]
        gradient[row] += weighted @ rest[cells]
        squares[row] += rest[cells] @ weight @ rest[cells]
    return squares, information, gradient


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
