"""What to run next: the (triplet, size, seeds) that tells most about the exponents for its price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from curvefit.arguments import check_count, check_times, positive_sizes
from curvefit.curves.frames import rows_of
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.known_likelihoods import LIKELIHOODS
from curvefit.triplet import AXES

#: Proposals that tell less than this share of the best one come last, however cheap: starting a run has its price.
WORTH_STARTING = 0.25
#: Sizes of proposals are whole numbers of 64 bits.
LARGEST_SIZE = 2.0**63
#: Noise of a run, relative to its error, where a fit has no model of noise and nothing is known of the runs.
USUAL_NOISE = 0.02


def design(
    fit: CurveFit,
    *,
    sizes: Any = None,
    seeds: int | Sequence[int] = (1, 2, 4),
    times: float = 8.0,
    draws: int = 400,
) -> pd.DataFrame:
    """Rank what could be run next, and with how many seeds, by information on the exponents per second.

    The gain is how much the runs would shrink the posterior variance of the log exponent: with the predicted error
    linear in it, ``0.5 * log((s + v) / v')`` where s is the predictive variance of the log error, v the noise of
    the mean of so many runs, and v' what is left of s when the log exponent is known, plus v. Noise is that of the fit's model, and
    for error rates the counting noise of test sets as large as those of the curve.

    A second seed tells less than the first, and costs as much: where noise is small beside s it tells next to nothing. Several
    seeds thus come first only where one alone tells too little to be worth starting.

    Seconds are those of the triplet's runs, extrapolated as a power of n. Unless seconds are known for two sizes of every curve, the
    number of examples stands in for all of them, so that all proposals are compared in one unit.

    Parameters
    ----------
    fit
        A hierarchical fit.
    sizes
        Sizes to consider; by default log-spaced ones from the smallest seen to `times` the largest.
    seeds
        Runs per proposal; several numbers are compared.
    times
        How far proposed sizes go without `sizes`: this many times the largest one seen, 1 or more.
    draws
        Draws of the fit that are used at most, 2 or more.

    Returns
    -------
    pandas.DataFrame
        One row a proposal, best first (those that tell less than a quarter of the best one last): data, model, inference,
        n_train, seeds, gain (nats), cost (of all its runs), cost_unit (``"seconds"`` or ``"examples"``, the same in all rows),
        gain_per_cost, exponent_sd_now, exponent_sd_after (of the log exponent).

    Raises
    ------
    InvalidInputError
        When the fit's family has no exponent, or a size is no positive number below ``2**63``.
    """
    numbers = np.atleast_1d(np.asarray(seeds))
    if not numbers.size or not (numbers >= 1).all() or (numbers != np.floor(numbers)).any():
        raise InvalidInputError(f"seeds must be whole numbers of 1 or more, not {seeds}")
    check_times(times)
    check_count("draws", draws, least=2)
    if "exponent" not in fit.draws["posterior"]:
        raise InvalidInputError(f"family {fit.family!r} has no exponent to design for")
    usable = fit.curves.usable
    low, high = float(usable["n_train"].min()), float(usable["n_train"].max()) * times
    grid = np.unique(np.geomspace(low, high, 10).round()) if sizes is None else positive_sizes(sizes)
    if grid.max() >= LARGEST_SIZE:
        raise InvalidInputError(f"sizes must be below 2**63, which {grid.max():g} is not")
    fit = fit.thinned(draws)
    log_exponent = fit.parameter("log_exponent")
    log_error = np.log(np.maximum(fit.expected_error(grid, on_test_set=True), 1e-12))
    runs = [rows_of(usable, t) for t in fit.triplets]
    costs, unit = _costs(runs, grid)
    tables = []
    for i, triplet in enumerate(fit.triplets):
        target = log_exponent[:, i] - log_exponent[:, i].mean()
        variance = target.var()
        error = log_error[:, i] - log_error[:, i].mean(axis=0)
        noise = _noise_variance(fit, i, runs[i], grid, np.exp(log_error[:, i]))
        total = error.var(axis=0) + noise / numbers[:, None]
        explained = (target @ error / len(target)) ** 2 / (max(variance, 1e-12) * total)
        explained = np.clip(explained, 0.0, 1 - 1e-9)
        frame = pd.DataFrame(
            {
                "n_train": np.tile(grid.astype(int), len(numbers)),
                "seeds": np.repeat(numbers.astype(int), len(grid)),
                "gain": (-0.5 * np.log1p(-explained)).ravel(),
                "cost": (costs[i] * numbers[:, None]).ravel(),
                "cost_unit": unit,
                "exponent_sd_now": float(np.sqrt(variance)),
                "exponent_sd_after": np.sqrt(variance * (1 - explained)).ravel(),
            }
        )
        tables.append(frame.assign(**triplet._asdict()))
    table = pd.concat(tables, ignore_index=True)
    table.insert(table.columns.get_loc("cost_unit") + 1, "gain_per_cost", table["gain"] / table["cost"])
    worth = table["gain"] >= WORTH_STARTING * table["gain"].max()
    order = np.lexsort((-table["gain_per_cost"], ~worth))
    return table.iloc[order].reset_index(drop=True)[[*AXES, *table.columns.drop(list(AXES))]]


def _noise_variance(
    fit: CurveFit, i: int, runs: pd.DataFrame, grid: np.ndarray, error: np.ndarray
) -> np.ndarray:
    """Return the variance of the log error of one run at every size: between seeds, and from counting or its standard error.

    Parameters
    ----------
    i, runs
        A triplet's position, and its runs.
    grid, error
        Sizes, and draws of the expected error there, shape (draws, sizes).
    """
    mean, n_test = error.mean(axis=0), float(runs["n_test"].max())
    if n_test > 0 and fit.curves.metric == "error-rate":
        own = fit.fresh_counting
        known = (1.0 if own is None else own.mean()) * (1 - np.minimum(mean, 1.0)) / (mean * n_test)
    else:
        known = np.nan_to_num(float((runs["value_se"] / runs["value"]).median())) ** 2
    if fit.has_noise:
        to_log = LIKELIHOODS[fit.likelihood].scale.log_slope(error)
        return np.square(fit.noise_sd(grid, at=[i])[:, 0] * to_log).mean(axis=0) + known
    between = runs.groupby("n_train")["value"].agg(lambda seen: np.var(np.log(seen[seen > 0]), ddof=1))
    between = between[between > 0]
    seen = np.full(len(grid), USUAL_NOISE**2)
    if len(between):
        seen = np.exp(np.interp(np.log(grid), np.log(between.index.to_numpy(float)), np.log(between)))
    return np.maximum(seen, known)


def _costs(runs: list[pd.DataFrame], grid: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the cost of one run of every triplet at every size, shape (triplets, sizes), and its unit: one for all."""
    timed = [part[part["seconds"] > 0] for part in runs]
    if any(part["n_train"].nunique() < 2 for part in timed):
        return np.tile(grid, (len(runs), 1)), "examples"
    lines = [np.polyfit(np.log(part["n_train"]), np.log(part["seconds"]), 1) for part in timed]
    return np.exp([level + max(slope, 0.0) * np.log(grid) for slope, level in lines]), "seconds"
