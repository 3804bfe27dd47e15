"""Likelihoods in pytensor: what seeds and finite test sets do to the law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from curvefit.fitting.noise import (
    SMALLEST_VARIANCE,
    STUDENT_FREEDOM,
    on_test_points,
    shared_shift,
    student_scale,
)
from curvefit.fitting.scale import AbstractScale

_PAIRS = ((0, 1), (0, 2), (1, 2))


def shared_points_error(scale: AbstractScale, error: Any, correlation: Any, data: dict[str, Any]) -> Any:
    """Return the law on the test points that all runs of a data set share, whose shift is a standard normal parameter."""
    standard = pm.Normal("test_shift", 0.0, 1.0, dims="test_set")[data["cell_test_set"]]
    shift = shared_shift(pt, standard, correlation, data["cell_test"])
    return scale.inside(on_test_points(pt, error, shift), pt)


def add_gaussian(
    scale: AbstractScale,
    error: Any,
    seed_variance: Any,
    counting: Any,
    data: dict[str, Any],
    correlation: Any,
    walk: Any,
) -> None:
    """Add the Gaussian likelihood: means over seeds around law plus walk, and the scatter of seeds around their means.

    Seed noise is first-order autoregressive in log n, counting noise of variance `counting` is independent, the walk is one for all seeds of a
    curve and integrated out (`Layout.walk_integrates`); where `walk` is None, `error` has walked already, or nothing walks.
    The density of a chain is the product of conditionals given the two predecessors (Vecchia's approximation, exact for up
    to three sizes; the conditional of such a process plus white noise forgets fast). Runs with the same predecessors share
    their conditional, so means and centred cross products over seeds are sufficient.
    """
    mean = scale.transform(error, pt)
    variance = seed_variance + counting
    cell, count, observed = data["pattern_cell"], data["pattern_count"], data["pattern_mean"]
    at = [cell[:, a] for a in range(3)]
    one = [variance[at[a]] for a in range(3)]
    if correlation is None:
        scatter, squares = one[0], data["pattern_cross"][:, 0]
    else:
        sd, gap, mask = pt.sqrt(seed_variance), data["pattern_gap"], data["pattern_mask"]
        log_correlation = pt.log(correlation)
        between = [
            mask[:, max(a, b) - 1] * sd[at[a]] * sd[at[b]] * pt.exp(gap[:, k] * log_correlation)
            for k, (a, b) in enumerate(_PAIRS)
        ]
        w1, w2, scatter = _conditional(one, between)
        cross = data["pattern_cross"]
        squares = (
            cross[:, 0]
            + w1**2 * cross[:, 1]
            + w2**2 * cross[:, 2]
            - 2 * w1 * cross[:, 3]
            - 2 * w2 * cross[:, 4]
            + 2 * w1 * w2 * cross[:, 5]
        )
    density = -0.5 * ((count[:, 0] - 1) * pt.log(2 * np.pi * scatter) + squares / scatter)
    rest = [observed[:, a] - mean[at[a]] for a in range(3)]
    averaged = [one[a] / count[:, a] for a in range(3)]
    if walk is None:
        own, apart = scatter / count[:, 0], rest[0]
        if correlation is not None:
            apart = rest[0] - w1 * rest[1] - w2 * rest[2]
    else:
        walked = walk**2 * data["pattern_walk"]
        averaged = [averaged[a] + walked[:, a] for a in range(3)]
        joint = [walked[:, 3 + k] for k in range(3)]
        if correlation is not None:
            joint = [own / count[:, 0] + shared for own, shared in zip(between, joint)]
        w1, w2, own = _conditional(averaged, joint)
        apart = rest[0] - w1 * rest[1] - w2 * rest[2]
    # The density of a mean of K runs times that of their scatter is theirs up to the root of K.
    density = density - 0.5 * (pt.log(2 * np.pi * own * count[:, 0]) + apart**2 / own)
    pm.Potential("log_likelihood", density.sum())


def _conditional(variance: list[Any], between: list[Any]) -> tuple[Any, Any, Any]:
    """Return weights of the two predecessors and the variance left, elementwise over patterns."""
    _, v1, v2 = variance
    c01, c02, c12 = between
    determinant = v1 * v2 - c12**2
    w1 = (c01 * v2 - c02 * c12) / determinant
    w2 = (c02 * v1 - c01 * c12) / determinant
    return w1, w2, variance[0] - w1 * c01 - w2 * c02


def walked_error(
    scale: AbstractScale, error: Any, walk: Any, data: dict[str, Any], stride: np.ndarray, n_sizes: int
) -> Any:
    """Return the law with a walk of its own for every curve, its standardised steps being parameters with normal priors.

    They are sampled as what is left of them when each is expected where data at its cell and at larger sizes put it, given the
    path so far (a backward information filter): exact for any start, and standard normal were the data normal.

    Parameters
    ----------
    stride
        See `Layout.strides`; nothing is stepped where it is 0.
    n_sizes
        Most cells of a curve.
    """
    stepped = np.flatnonzero(stride)
    free = pm.Flat("walk_free", shape=len(stepped))
    law, cells = scale.transform(error, pt), data["walk_cell"]
    padded = [
        pt.concatenate([values, pt.zeros(1)])[cells]
        for values in (
            pt.set_subtensor(pt.zeros(len(stride))[stepped], free),
            data["cell_seen"][:, 1],
            data["cell_seen"][:, 1] * (data["cell_seen"][:, 0] - law),
            data["cell_stride"],
        )
    ]
    x, information, score, strides = ([column[:, k] for k in range(n_sizes)] for column in padded)
    size = [walk * one for one in strides]
    left: list[Any] = [None] * n_sizes
    for k in reversed(range(n_sizes)):
        if k + 1 < n_sizes:
            information[k] = information[k] + information[k + 1] / left[k + 1]
            score[k] = score[k] + score[k + 1] / left[k + 1]
        left[k] = 1.0 + size[k] ** 2 * information[k]
    path, steps, paths, log_prior = pt.zeros(x[0].shape), [], [], 0.0
    for k in range(n_sizes):
        steps.append(size[k] * (score[k] - information[k] * path) / left[k] + x[k] / pt.sqrt(left[k]))
        path = path + size[k] * steps[k]
        paths.append(path)
        normal = -0.5 * (steps[k] ** 2 + np.log(2 * np.pi) + pt.log(left[k]))
        log_prior = log_prior + pt.switch(pt.gt(strides[k], 0.0), normal, 0.0).sum()
    pm.Potential("walk_step_prior", log_prior)
    inside = pt.lt(cells, len(stride)).nonzero()
    pm.Deterministic("walk_step", pt.stack(steps, axis=1)[inside][stepped])
    shifted = law + pt.stack(paths, axis=1)[inside]
    return scale.errors(shifted, pt)


def add_student(
    scale: AbstractScale, error: Any, seed_variance: Any, counting: Any, data: dict[str, Any]
) -> None:
    """Add the Student-t likelihood, a run at a time; the scale has the variance of the Gaussian one."""
    mean = scale.transform(error, pt)
    cell = data["run_cell"]
    sigma = student_scale((seed_variance + counting)[cell])
    pm.StudentT("y", nu=STUDENT_FREEDOM, mu=mean[cell], sigma=sigma, observed=data["run_value"])


def add_beta_binomial(error: Any, seed_variance: Any, data: dict[str, Any]) -> None:
    """Add the beta-binomial likelihood, whose spread on the logit scale is that of the seed noise."""
    concentration = 1.0 / (pt.maximum(seed_variance, SMALLEST_VARIANCE) * error * (1.0 - error))
    cell = data["run_cell"]
    pm.BetaBinomial(
        "y",
        alpha=(error * concentration)[cell],
        beta=((1.0 - error) * concentration)[cell],
        n=data["run_test"],
        observed=data["run_errors"],
    )
