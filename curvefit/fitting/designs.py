"""What to run next: the (triplet, size, seeds) that tells most about the exponents for its price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.triplet import AXES

#: Proposals that tell less than this share of the best one come last, however cheap: starting a run has its price.
WORTH_STARTING = 0.25


def design(
    fit: CurveFit, *, sizes: Any = None, seeds: int = 2, times: float = 8.0, draws: int = 400
) -> pd.DataFrame:
    """Rank what could be run next by information on the exponents per second.

    The gain is how much the runs would shrink the posterior variance of the log exponent: with the predicted error
    linear in it, ``0.5 * log((s + v) / v')`` where s is the predictive variance of the log error, v the noise of
    `seeds` runs, and v' what is left of s when the log exponent is known, plus v. Seconds are those of this
    triplet's runs, extrapolated as a power of n; the number of examples stands in where no seconds were recorded.

    Parameters
    ----------
    fit
        A hierarchical fit.
    sizes
        Sizes to consider; by default log-spaced ones from the smallest seen to `times` the largest.
    seeds
        Runs per proposal.

    Returns
    -------
    pandas.DataFrame
        One row a proposal, best first (those that tell less than a quarter of the best one last): data, model, inference, n_train, seeds, gain (nats), cost (seconds or
        examples, see cost_unit), gain_per_cost, exponent_sd_now, exponent_sd_after (of the log exponent).
    """
    if seeds < 1:
        raise InvalidInputError(f"seeds must be 1 or more, not {seeds}")
    usable, means = fit.curves.usable, fit.curves.means()
    low, high = float(usable["n_train"].min()), float(usable["n_train"].max()) * times
    grid = (
        np.unique(np.geomspace(low, high, 10).round())
        if sizes is None
        else np.atleast_1d(np.asarray(sizes, float))
    )
    fit = fit.thinned(draws)
    log_exponent = fit.parameter("log_exponent")
    log_error = np.log(np.maximum(fit.expected_error(grid), 1e-12))
    rows = []
    for i, triplet in enumerate(fit.triplets):
        mine = usable[(usable[list(AXES)] == list(triplet)).all(axis=1)]
        part = means[(means[list(AXES)] == list(triplet)).all(axis=1)]
        cost, unit = _cost(mine, grid, seeds)
        target = log_exponent[:, i] - log_exponent[:, i].mean()
        variance = target.var()
        for j, n in enumerate(grid):
            error = log_error[:, i, j] - log_error[:, i, j].mean()
            noise = _noise(part, float(np.exp(log_error[:, i, j]).mean()), n) ** 2 / seeds
            total = error.var() + noise
            explained = (target @ error / len(target)) ** 2 / (max(variance, 1e-12) * total)
            explained = float(np.clip(explained, 0.0, 1 - 1e-9))
            gain = -0.5 * np.log1p(-explained)
            rows.append(
                {
                    **triplet._asdict(), "n_train": int(n), "seeds": seeds, "gain": gain, "cost": cost[j],
                    "cost_unit": unit, "gain_per_cost": gain / cost[j], "exponent_sd_now": float(np.sqrt(variance)),
                    "exponent_sd_after": float(np.sqrt(variance * (1 - explained))),
                }
            )  # fmt: skip
    table = pd.DataFrame(rows)
    worth = table["gain"] >= WORTH_STARTING * table["gain"].max()
    ranked = table.assign(_worth=worth).sort_values(
        ["_worth", "gain_per_cost"], ascending=False, ignore_index=True
    )
    return ranked.drop(columns="_worth")


def _noise(part: pd.DataFrame, error: float, n: float) -> float:
    """Relative noise of one run at size n, interpolated from the runs seen, never below the counting noise."""
    relative = part["value_se"] * np.sqrt(part["replicates"]) / part["value"].clip(lower=1e-12)
    known = np.isfinite(relative) & (relative > 0)
    n_test = float((part["n_test"] / part["replicates"]).max())
    counting = np.sqrt(max(1 - error, 0.0) / (error * n_test)) if n_test > 0 and error > 0 else 0.0
    if not known.any():
        return max(counting, 0.02)
    seen = np.exp(np.interp(np.log(n), np.log(part["n_train"][known]), np.log(relative[known])))
    return float(max(seen, counting))


def _cost(mine: pd.DataFrame, grid: np.ndarray, seeds: int) -> tuple[np.ndarray, str]:
    timed = mine[mine["seconds"] > 0]
    if timed["n_train"].nunique() < 2:
        return grid * seeds, "examples"
    slope, intercept = np.polyfit(np.log(timed["n_train"]), np.log(timed["seconds"]), 1)
    return np.exp(intercept + max(slope, 0.0) * np.log(grid)) * seeds, "seconds"
