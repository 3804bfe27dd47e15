"""Likelihoods in pytensor: what seeds and finite test sets do to the law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from curvefit.fitting.noise import SMALLEST_VARIANCE, STUDENT_FREEDOM, counting_variance

_PAIRS = ((0, 1), (0, 2), (1, 2))


def transformed_law(link: str, error: Any) -> Any:
    """Return the law on the scale on which noise is additive."""
    return pt.log(error) if link == "log" else pt.log(error) - pt.log1p(-error)


def add_gaussian(
    link: str, error: Any, seed_variance: Any, data: dict[str, Any], correlation: Any, walk: Any
) -> None:
    """Add the Gaussian likelihood: means over seeds around law plus walk, and the scatter of seeds around their means.

    Seed noise is first-order autoregressive in log n, counting noise is independent, the walk is one for all seeds of a
    curve and integrated out. The density of a chain is the product of conditionals given the two predecessors (Vecchia's
    approximation, exact for up to three sizes; the conditional of such a process plus white noise forgets fast). Runs
    with the same predecessors share their conditional, so means and centred cross products over seeds are sufficient.
    """
    mean = transformed_law(link, error)
    variance = seed_variance + counting_variance(link, error, data["cell_test"], data["cell_variance"])
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


def walked_error(link: str, error: Any, walk: Any, data: dict[str, Any]) -> Any:
    """Return the law with a walk of its own for every curve, its steps being parameters.

    They are sampled in units of what prior and data leave open of each, which is exact for any start.
    """
    doublings = data["cell_doublings"]
    units = (1.0 + walk**2 * data["step_known"]) ** -0.5
    step = pm.Normal("walk_step", 0.0, 1.0 / units) * units
    first = data["cell_first"]
    length = pt.sqrt(pt.maximum(doublings - pt.concatenate([doublings[:1], doublings[:-1]]), 0.0))
    path = pt.cumsum(walk * length * step)
    shifted = transformed_law(link, error) + path - path[first]
    return pt.exp(shifted) if link == "log" else pt.sigmoid(shifted)


def add_student(link: str, error: Any, seed_variance: Any, data: dict[str, Any]) -> None:
    """Add the Student-t likelihood, a run at a time; the scale has the variance of the Gaussian one."""
    mean = transformed_law(link, error)
    variance = seed_variance + counting_variance(link, error, data["cell_test"], data["cell_variance"])
    cell = data["run_cell"]
    scale = pt.sqrt(variance[cell] * (STUDENT_FREEDOM - 2.0) / STUDENT_FREEDOM)
    pm.StudentT("y", nu=STUDENT_FREEDOM, mu=mean[cell], sigma=scale, observed=data["run_value"])


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
