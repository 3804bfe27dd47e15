"""Likelihoods in pytensor: what seeds and finite test sets do to the law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

#: Degrees of freedom of the Student-t likelihoods: heavy enough for a failed run, light enough to have a variance.
STUDENT_FREEDOM = 4.0
_SMALLEST_VARIANCE = 1e-6


def transformed_law(link: str, error: Any) -> Any:
    """Return the law on the scale on which noise is additive."""
    return pt.log(error) if link == "log" else pt.log(error) - pt.log1p(-error)


def counting_variance(link: str, error: Any, data: dict[str, Any]) -> Any:
    """Return the variance of a cell that the test set or a given standard error causes, on that scale."""
    if link == "log" or data["cell_test"] is None:
        return data["cell_variance"]
    return 1.0 / (data["cell_test"] * error * (1.0 - error))


def add_gaussian(link: str, error: Any, seed_variance: Any, data: dict[str, Any], correlation: Any) -> None:
    """Add the Gaussian likelihood, seeds aggregated, with noise correlated along n within a seed.

    Seed noise is first-order autoregressive in log n, counting noise is independent. The density of a chain is the
    product of conditionals given the two predecessors (Vecchia's approximation, exact for two and three sizes; the
    conditional of an autoregression plus white noise forgets fast). Runs with the same predecessors share their
    conditional, so means and centred cross products over seeds are sufficient.
    """
    mean = transformed_law(link, error)
    variance = seed_variance + counting_variance(link, error, data)
    count, observed, cross = data["pattern_count"], data["pattern_mean"], data["pattern_cross"]
    cell = data["pattern_cell"]
    if correlation is None:
        own = variance[cell[:, 0]]
        squares = cross[:, 0] + count * (observed[:, 0] - mean[cell[:, 0]]) ** 2
    else:
        sd = pt.sqrt(seed_variance)
        sd0, sd1, sd2 = (sd[cell[:, a]] for a in range(3))
        gap, mask = data["pattern_gap"], data["pattern_mask"]
        log_correlation = pt.log(correlation)
        c01 = mask[:, 0] * sd0 * sd1 * pt.exp(gap[:, 0] * log_correlation)
        c02 = mask[:, 1] * sd0 * sd2 * pt.exp(gap[:, 1] * log_correlation)
        c12 = mask[:, 1] * sd1 * sd2 * pt.exp(gap[:, 2] * log_correlation)
        v0, v1, v2 = (variance[cell[:, a]] for a in range(3))
        determinant = v1 * v2 - c12**2
        w1 = (c01 * v2 - c02 * c12) / determinant
        w2 = (c02 * v1 - c01 * c12) / determinant
        own = v0 - w1 * c01 - w2 * c02
        rest = [observed[:, a] - mean[cell[:, a]] for a in range(3)]
        squares = (
            cross[:, 0]
            + w1**2 * cross[:, 1]
            + w2**2 * cross[:, 2]
            - 2 * w1 * cross[:, 3]
            - 2 * w2 * cross[:, 4]
            + 2 * w1 * w2 * cross[:, 5]
            + count * (rest[0] - w1 * rest[1] - w2 * rest[2]) ** 2
        )
    density = -0.5 * (count * pt.log(2 * np.pi * own) + squares / own)
    pm.Potential("log_likelihood", density.sum())


def add_student(link: str, error: Any, seed_variance: Any, data: dict[str, Any]) -> None:
    """Add the Student-t likelihood, a run at a time; the scale has the variance of the Gaussian one."""
    mean = transformed_law(link, error)
    variance = seed_variance + counting_variance(link, error, data)
    cell = data["run_cell"]
    scale = pt.sqrt(variance[cell] * (STUDENT_FREEDOM - 2.0) / STUDENT_FREEDOM)
    pm.StudentT("y", nu=STUDENT_FREEDOM, mu=mean[cell], sigma=scale, observed=data["run_value"])


def add_beta_binomial(error: Any, seed_variance: Any, data: dict[str, Any]) -> None:
    """Add the beta-binomial likelihood, whose spread on the logit scale is that of the seed noise."""
    concentration = 1.0 / (pt.maximum(seed_variance, _SMALLEST_VARIANCE) * error * (1.0 - error))
    cell = data["run_cell"]
    pm.BetaBinomial(
        "y",
        alpha=(error * concentration)[cell],
        beta=((1.0 - error) * concentration)[cell],
        n=data["run_test"],
        observed=data["run_errors"],
    )
