"""One evaluation of the density in two stages, before and after the family's law, each one compiled call."""

from __future__ import annotations

import math

import numpy as np

from curvefit.fitting.bend import BEND_FREEDOM
from curvefit.fitting.density.cells import (
    bent,
    bent_back,
    error_back,
    from_scale,
    natural,
    natural_back,
    noise,
    noise_back,
    on_points,
    on_points_back,
    to_scale,
)
from curvefit.fitting.density.curve_level import curve_level, curve_level_back
from curvefit.fitting.density.gaussian import gaussian
from curvefit.fitting.density.group_level import group_level, group_level_back
from curvefit.fitting.density.runs import beta_binomial, student
from curvefit.fitting.density.scalars import LOG_2PI, compiled, normal, student_steps
from curvefit.fitting.density.walks import walk_back, walk_path

#: Blocks of the sampled coordinates, in order; a block may be empty.
BLOCKS = ("theta", "log_scale", "mean", "effect", "common", "bend_step", "log_walk", "walk_free", "log_noise", "slope", "floor", "correlation", "test_correlation", "test_shift")  # fmt: skip
_THETA, _SCALE, _MEAN, _EFFECT, _COMMON, _BEND, _WALK, _STEP, _NOISE, _SLOPE, _FLOOR, _CORRELATION, _AGREEMENT, _SHIFT, _END = range(15)  # fmt: skip


@compiled
def walk_step(x, starts):
    """Return the step of the curves' walk; 0 for curves that do not walk."""
    return math.exp(x[starts[_WALK]]) if starts[_STEP] > starts[_WALK] else 0.0


@compiled
def walk_coordinates(x, starts):
    """Return the coordinates of the steps of walks, shape (steps,)."""
    return x[starts[_STEP] : starts[_NOISE]]


@compiled
def on_test_sets(x, starts, points, error):
    """Return the law's errors on the test points that runs share, the correlation of their counting noise, and the share that each has for itself.

    `points` as in `after_law`; without them errors as they are, 0 and 1.
    """
    if points is None:
        return error, 0.0, 1.0
    agreement, fresh, found = points[0], 1.0, np.empty(len(error))
    if starts[_SHIFT] > starts[_AGREEMENT]:
        odds = x[starts[_AGREEMENT]]
        agreement, fresh = math.exp(-_log1p_exp(-odds)), math.exp(-_log1p_exp(odds))
    on_points(error, points[1], points[2], x[starts[_SHIFT] : starts[_END]], agreement, found)
    return found, agreement, fresh


@compiled
def exponentials(x, first, stop):
    """Return the exponentials of a block of coordinates."""
    found = np.empty(stop - first)
    for i in range(len(found)):
        found[i] = math.exp(x[first + i])
    return found


@compiled
def before_law(x, starts, prior, group, ridge, own, common, where, bend):
    """Return curve and group level at the coordinates, and the natural parameters of every cell.

    Parameters
    ----------
    x, starts
        Coordinates, and where each of `BLOCKS` begins in them (one more entry: their number).
    prior
        Mean and sd of every curve-level parameter's grand mean, shape (parameters, 2).
    group, ridge
        Arguments of `group_level`, None where rows share no means and effects, and of `curve_level`.
    own, common
        Support codes and whether in units, of curve-level and of common parameters.
    where
        Row, unit and row 0 of every cell.
    bend
        Sizes, doublings in the bend's pieces (cells, pieces), and the scale of its steps.

    Returns
    -------
    tuple
        Log prior density; (theta, eta, sd, scale, mean, effect, known, factor, solved, bend, sizes at which the law is read); values and slopes, shape (parameters, cells).
    """
    n_own, pivot = len(prior), ridge[4]
    z = x[starts[_THETA] : starts[_SCALE]].reshape((-1, n_own))
    theta, eta, shift = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    scale = exponentials(x, starts[_SCALE], starts[_MEAN])
    mean, effect = np.empty(n_own), np.empty(starts[_COMMON] - starts[_EFFECT])
    total = 0.0
    if group is not None:
        free, free_effect = x[starts[_MEAN] : starts[_EFFECT]], x[starts[_EFFECT] : starts[_COMMON]]
        total += group_level(free, free_effect, scale, prior, *group, eta, mean, effect, shift)
        sd = scale[len(scale) - n_own :]
    else:
        sd = prior[:, 1].copy()
        for k in range(n_own):
            mean[k] = prior[k, 0]
            for row in range(len(z)):
                eta[row, k] = prior[k, 0]
    others = n_own - 1 if pivot >= 0 else n_own
    known = np.empty((len(z), n_own, ridge[1].shape[3]))
    factor, solved = np.empty((len(z), others, others)), np.empty((len(z), others))
    walk = walk_step(x, starts)
    total += curve_level(z, eta, sd, walk, *ridge, theta, known, factor, solved)
    n_common = starts[_BEND] - starts[_COMMON]
    value, slope = np.empty((n_own + n_common, len(where[0]))), np.empty((n_own + n_common, len(where[0])))
    natural(theta, *own, where[0], where[1], value[:n_own], slope[:n_own])
    if n_common:
        at = x[starts[_COMMON] : starts[_BEND]].reshape((1, -1))
        natural(at, *common, where[2], where[1], value[n_own:], slope[n_own:])
    step, bends, size = (
        x[starts[_BEND] : starts[_WALK]],
        np.empty(starts[_WALK] - starts[_BEND]),
        np.empty(len(where[0])),
    )
    bent(*bend, step, bends, size)
    return total, (theta, eta, sd, scale, mean, effect, known, factor, solved, bends, size), value, slope


@compiled
def after_law(x, starts, prior, group, ridge, where, bend, level, slope, error, partial, by_size, log_link, counted, correlated, points, cells, walks, of_noise, patterns, values, counts, priors, normals):  # fmt: skip
    """Return the rest of the log density (likelihood, noise priors) and the gradient of all of it.

    Parameters
    ----------
    level, slope
        From `before_law`.
    error, partial, by_size
        The law per cell, its partial derivatives by the natural parameters, shape (parameters, cells), and by the size.
    log_link, counted, correlated
        Whether noise adds on logs, errors are counts, seed noise is correlated along n.
    points
        Correlation of the counting noise where it is held, and arguments `of_set` and `unit` of `on_points`; None where no test points are
        shared. Where it is a coordinate, runs have less counting noise for themselves by what they share.
    cells
        Test points (0 for none) and known variances per cell.
    walks
        Arguments `length`, `slot`, `first` and `seen` of `walk_path`; None where no walk is sampled.
    of_noise
        Log of size over the middle size, and noise group, per cell.
    patterns, values, counts
        Arguments of `gaussian`; cell and value of every run; cell and errors of every run. All but one are None: which one
        there is says the likelihood, and no code of the others is compiled.
    priors
        Width of the half-normal of the noise's slope; the two numbers and the log normaliser of the beta priors of the two
        correlations, of seed noise along n and of counting noise, shape (7,).
    normals
        Mean and sd of the normal prior of every coordinate, sd 0 for coordinates with another.
    """
    n_own, n_cells = len(prior), len(error)
    to = np.zeros(len(x))
    total = 0.0
    for i in range(len(x)):
        if normals[i, 1] > 0:
            apart = x[i] - normals[i, 0]
            total += normal(apart, normals[i, 1])
            to[i] -= apart / normals[i, 1] ** 2
    at = starts[_SLOPE]
    square = math.exp(2.0 * x[at]) / priors[0] ** 2
    total += 0.5 * (math.log(4.0) - LOG_2PI) - math.log(priors[0]) - 0.5 * square + x[at]
    to[at] += 1.0 - square
    total += student_steps(x[starts[_BEND] : starts[_WALK]], BEND_FREEDOM, to[starts[_BEND] : starts[_WALK]])
    log_correlation = -np.inf
    if correlated:
        log_correlation = -_log1p_exp(-x[starts[_CORRELATION]])
        total += _beta_prior(x, to, starts[_CORRELATION], priors[1:4])
    if starts[_SHIFT] > starts[_AGREEMENT]:
        total += _beta_prior(x, to, starts[_AGREEMENT], priors[4:7])
    anywhere = error
    error, agreement, fresh = on_test_sets(x, starts, points, anywhere)

    scaled, seed, counting, law = np.empty(n_cells), np.empty(n_cells), np.empty(n_cells), error
    to_scale(log_link, error, scaled)
    walking, walk = starts[_STEP] > starts[_WALK], walk_step(x, starts)
    if walks is not None:
        free = walk_coordinates(x, starts)
        step, path, open_, later = (
            np.empty(len(free)),
            np.empty(n_cells),
            np.empty(n_cells),
            np.empty((n_cells, 2)),
        )
        total += walk_path(free, walk, *walks, scaled, step, path, open_, later)
        for c in range(n_cells):
            scaled[c] += path[c]
        law = np.empty(n_cells)
        from_scale(log_link, scaled, law)
    log_noise, fall, rest = x[starts[_NOISE] : starts[_SLOPE]], math.exp(x[starts[_SLOPE]]), x[starts[_FLOOR]]
    noise(log_link, law, *cells, *of_noise, log_noise, fall, rest, fresh, seed, counting)

    to_scaled, to_seed, to_counting, to_law = (
        np.zeros(n_cells),
        np.zeros(n_cells),
        np.zeros(n_cells),
        np.zeros(n_cells),
    )
    if patterns is not None:
        integrated = walk if walks is None else 0.0
        found, to_correlation, to_log_walk = gaussian(
            *patterns, scaled, seed, counting, log_correlation, integrated, to_scaled, to_seed, to_counting
        )
        total += found
        if correlated:
            to[starts[_CORRELATION]] += to_correlation * -math.expm1(log_correlation)
        if walking:
            to[starts[_WALK]] += to_log_walk
    if values is not None:
        total += student(*values, scaled, seed + counting, to_scaled, to_seed)
        for c in range(n_cells):
            to_counting[c] += to_seed[c]
    if counts is not None:
        total += beta_binomial(*counts, cells[0], law, seed, to_law, to_seed)
        for c in range(n_cells):
            to_scaled[c] += to_law[c] * law[c] * (1.0 - law[c])
    to_fall, to_rest = noise_back(*of_noise, rest, seed, to_seed, to[starts[_NOISE] : starts[_SLOPE]])
    to[starts[_SLOPE]] += to_fall * fall
    to[starts[_FLOOR]] += to_rest
    error_back(log_link, counted, law, counting, to_scaled, to_counting, to_law)
    if walks is not None:  # back to the scale on which the walk adds, and from there to the law that walked
        to_path, to_free = np.empty(n_cells), walk_coordinates(to, starts)
        for c in range(n_cells):
            to_path[c] = to_scaled[c] = to_law[c] * law[c] * (1.0 if log_link else 1.0 - law[c])
        to[starts[_WALK]] += walk_back(
            free, walk, *walks, step, path, open_, later, to_path, to_free, to_scaled
        )
        error_back(log_link, 0, error, counting, to_scaled, to_counting, to_law)
    if points is not None:
        shift, to_shift = x[starts[_SHIFT] : starts[_END]], to[starts[_SHIFT] : starts[_END]]
        together = on_points_back(anywhere, points[1], points[2], shift, agreement, to_law, to_shift)
        if starts[_SHIFT] > starts[_AGREEMENT]:
            alone = (to_counting * counting).sum()
            to[starts[_AGREEMENT]] += together * (1.0 - agreement) - alone * agreement
    theta, eta, sd, scale, mean, effect, known, factor, solved, bends, size = level
    to_theta, to_eta, to_log_sd = np.zeros_like(theta), np.zeros_like(theta), np.zeros(n_own)
    natural_back(to_law, partial[:n_own], slope[:n_own], where[0], to_theta)
    if len(partial) > n_own:
        to_common = to[starts[_COMMON] : starts[_BEND]].reshape((1, -1))
        natural_back(to_law, partial[n_own:], slope[n_own:], where[2], to_common)
    if len(bends):
        bent_back(bend[1], bend[2], bends, to_law, by_size, size, to[starts[_BEND] : starts[_WALK]])
    z = x[starts[_THETA] : starts[_SCALE]].reshape((-1, n_own))
    to_z = to[starts[_THETA] : starts[_SCALE]].reshape((-1, n_own))
    to_log_walk = curve_level_back(
        z, eta, sd, walk, *ridge, theta, known, factor, solved, to_theta, to_z, to_eta, to_log_sd
    )
    if walking:
        to[starts[_WALK]] += to_log_walk
    if group is not None:
        to_scale_ = to[starts[_SCALE] : starts[_MEAN]]
        for k in range(n_own):
            to_scale_[len(scale) - n_own + k] += to_log_sd[k]
        to_mean, to_effect = to[starts[_MEAN] : starts[_EFFECT]], to[starts[_EFFECT] : starts[_COMMON]]
        free_effect = x[starts[_EFFECT] : starts[_COMMON]]
        group_level_back(
            free_effect, scale, prior, *group, eta, mean, effect, to_eta, to_mean, to_effect, to_scale_
        )
    return total, to


@compiled
def _beta_prior(x, to, at, prior):
    """Return the log density of a beta variable's log odds, coordinate `at`; add its derivative."""
    log_share, log_rest = -_log1p_exp(-x[at]), -_log1p_exp(x[at])
    to[at] += prior[0] * math.exp(log_rest) - prior[1] * math.exp(log_share)
    return prior[0] * log_share + prior[1] * log_rest - prior[2]


@compiled
def _log1p_exp(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
