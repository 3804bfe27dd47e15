"""Criticism of a hierarchical fit: posterior predictive checks by size and triplet, LOO by cell, prior sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import betaln
from scipy.stats import beta, t

from curvefit.fitting.bend import BEND_FREEDOM, step_scale
from curvefit.fitting.curve_fit import CurveFit
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

MOST_DRAWS = 1000
CAREFUL_K = 0.7


def check_predictions(fit: CurveFit, *, probability: float = 0.9, seed: int = 0) -> pd.DataFrame:
    """Compare every observed mean, and spread between seeds, with replicated data of the fit.

    Returns
    -------
    pandas.DataFrame
        One row per triplet and size: observed, predicted (median), low, high, inside, p_mean (probability of a lower
        replicate), and p_spread (of a smaller sd between seeds; NaN for one seed).
    """
    fit, rng, rows = fit.thinned(MOST_DRAWS), generator(seed, "predictive-check"), []
    for triplet, n, runs, error, sd in _cells(fit):
        copies = _replicate(fit, error, sd, runs, rng)
        value = runs["value"].to_numpy(float)
        low, middle, high = np.quantile(
            copies.mean(axis=1), [(1 - probability) / 2, 0.5, (1 + probability) / 2]
        )
        spread = copies.std(axis=1, ddof=1) if len(value) > 1 else None
        rows.append(
            {
                **triplet._asdict(),
                "n_train": n,
                "observed": value.mean(),
                "predicted": middle,
                "low": low,
                "high": high,
                "inside": bool(low <= value.mean() <= high),
                "p_mean": float((copies.mean(axis=1) < value.mean()).mean()),
                "p_spread": float((spread < value.std(ddof=1)).mean()) if spread is not None else np.nan,
            }
        )
    return pd.DataFrame(rows)


def cell_log_likelihood(fit: CurveFit) -> az.InferenceData:
    """Return the fit's draws with a ``log_likelihood`` group, one value per cell (triplet and size).

    Seeds of one cell are taken together: leaving out one seed of many says little about a curve. Correlation of
    the noise along n is not part of it.
    """
    import arviz as az

    fit, values, labels = fit.thinned(MOST_DRAWS), [], []
    for triplet, n, runs, error, sd in _cells(fit):
        values.append(_log_density(fit, error, sd, runs))
        labels.append(f"{triplet} | {n}")
    log_likelihood = np.stack(values, axis=1)[None]
    return az.from_dict(
        posterior={"exponent": fit.parameter("exponent")[None]},
        log_likelihood={"cell": log_likelihood},
        coords={"cell_name": labels, "triplet": [str(t) for t in fit.triplets]},
        dims={"cell": ["cell_name"], "exponent": ["triplet"]},
    )


def loo_cells(fit: CurveFit) -> pd.DataFrame:
    """Return PSIS-LOO by cell: log predictive density without the cell, and its Pareto k.

    A secondary check: cells of the largest sizes often have k above 0.7, and leaving one size out inside the range
    says little about extrapolation; `rolling_origin` does.
    """
    import warnings

    import arviz as az

    fit = fit.thinned(MOST_DRAWS)
    data = cell_log_likelihood(fit)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        loo = az.loo(data, pointwise=True, var_name="cell")
    rows = [
        {
            **triplet._asdict(),
            "n_train": n,
            "elpd": float(elpd),
            "pareto_k": float(k),
            "reliable": bool(k <= CAREFUL_K),
        }
        for (triplet, n, *_), elpd, k in zip(_cells(fit), loo.loo_i.values, loo.pareto_k.values)
    ]
    return pd.DataFrame(rows)


def prior_sensitivity(fit: CurveFit) -> pd.DataFrame:
    """Return how exponents move when the top-level priors, or the data, count a little more.

    The derivative of a posterior mean with respect to the power of the prior is the posterior covariance with the log
    prior; it is given in posterior standard deviations per doubling of the power. Only top-level priors
    (grand means, scales, noise) are scaled: scaling the group-level densities too would flag every exponent.

    Returns
    -------
    pandas.DataFrame
        One row a triplet: prior_shift, data_shift (of the log exponent, in sd per doubling), and flag
        (``"prior-driven"`` where the prior's shift exceeds 0.3 and the data's).
    """
    fit = fit.thinned(MOST_DRAWS)
    log_prior = _top_level_log_prior(fit)
    log_data = np.sum([_log_density(fit, error, sd, runs) for _, _, runs, error, sd in _cells(fit)], axis=0)
    target = fit.parameter("log_exponent")
    target = (target - target.mean(axis=0)) / np.maximum(target.std(axis=0), 1e-12)
    shifts = {
        name: np.log(2.0) * ((logs - logs.mean()) @ target) / len(target)
        for name, logs in (("prior_shift", log_prior), ("data_shift", log_data))
    }
    table = pd.DataFrame([t._asdict() for t in fit.triplets]).assign(**shifts)
    driven = (table["prior_shift"].abs() > 0.3) & (table["prior_shift"].abs() > table["data_shift"].abs())
    return table.assign(flag=np.where(driven, "prior-driven", ""))


def _cells(fit: CurveFit):
    """Yield triplet, size, its runs, and draws of the expected error and of the noise sd there."""
    for key, part in fit.curves.usable.groupby(list(AXES), sort=False):
        triplet = Triplet(*key)
        i = fit.index(triplet)
        sizes = np.sort(part["n_train"].unique())
        error, noise = fit.expected_error(sizes, at=[i])[:, 0], fit.noise_sd(sizes, at=[i])[:, 0]
        for j, n in enumerate(sizes):
            yield triplet, int(n), part[part["n_train"] == n], error[:, j], noise[:, j]


def _replicate(
    fit: CurveFit, error: np.ndarray, sd: np.ndarray, runs: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """Draw one copy of a cell's runs per draw (draws, runs)."""
    shape = (len(error), len(runs))
    tests = runs["n_test"].to_numpy(float)
    if fit.likelihood == "beta-binomial":
        a, b = _beta(error, sd)
        return rng.binomial(tests.astype(int), rng.beta(a[:, None], b[:, None], shape)) / tests
    if fit.likelihood.startswith("log-"):
        known = np.nan_to_num((runs["value_se"] / runs["value"]).to_numpy(float))
        return np.exp(
            np.log(error)[:, None] + np.sqrt(sd[:, None] ** 2 + known**2) * rng.standard_normal(shape)
        )
    logit = np.log(error / (1 - error))[:, None] + sd[:, None] * rng.standard_normal(shape)
    rate = 1 / (1 + np.exp(-logit))
    if np.isfinite(tests).all():
        return rng.binomial(tests.astype(int), rate) / tests
    known = np.nan_to_num(runs["value_se"].to_numpy(float))
    return rate + known * rng.standard_normal(shape)


def _log_density(fit: CurveFit, error: np.ndarray, sd: np.ndarray, runs: pd.DataFrame) -> np.ndarray:
    """Log density of a cell's runs per draw, summed over seeds."""
    tests, value = runs["n_test"].to_numpy(float), runs["value"].to_numpy(float)
    if fit.likelihood == "beta-binomial":
        a, b = _beta(error, sd)
        wrong = runs["n_errors"].to_numpy(float)
        return (betaln(a[:, None] + wrong, b[:, None] + tests - wrong) - betaln(a, b)[:, None]).sum(axis=1)
    se = runs["value_se"].to_numpy(float)
    if fit.likelihood.startswith("log-"):
        seen, centre, slope = np.log(value), np.log(error), value
        variance = np.nan_to_num((se / slope) ** 2)[None, :]
    else:
        half = np.where(np.isfinite(tests), 0.5 / np.where(np.isfinite(tests), tests + 1, 1.0), 1e-6)
        rate = np.clip(value, half, 1 - half)
        seen, centre = np.log(rate / (1 - rate)), np.log(error / (1 - error))
        counting = 1 / (np.where(np.isfinite(tests), tests, np.inf) * (error * (1 - error))[:, None])
        variance = counting + np.nan_to_num((se / (rate * (1 - rate))) ** 2)
    total = sd[:, None] ** 2 + variance
    return (-0.5 * (seen - centre[:, None]) ** 2 / total - 0.5 * np.log(2 * np.pi * total)).sum(axis=1)


def _beta(error: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    concentration = 1.0 / np.maximum(sd**2 * error * (1 - error), 1e-9)
    return error * concentration, (1 - error) * concentration


def _top_level_log_prior(fit: CurveFit) -> np.ndarray:
    from curvefit.fitting.hierarchy import build_hierarchy
    from curvefit.fitting.layout import lay_out

    priors, posterior = fit.settings.priors, fit.draws["posterior"]
    hierarchy = build_hierarchy(
        lay_out(fit.curves, family=fit.family, likelihood=fit.likelihood), fit.settings
    )

    def draws(name: str) -> np.ndarray:
        return np.asarray(posterior[name].values).reshape(fit.n_draws, -1)

    def normal(x: np.ndarray, mean: Any, sd: Any) -> np.ndarray:
        return (-0.5 * ((x - mean) / sd) ** 2).sum(axis=1)

    total = normal(draws("log_noise"), np.log(priors.noise[0]), priors.noise[1])
    total += normal(draws("noise_slope"), 0.0, priors.noise_slope) + normal(
        draws("noise_floor"), 0.0, priors.noise_floor
    )
    if "mean" in posterior:
        mean, sd = hierarchy.mean_prior.T
        total += normal(draws("mean"), mean, sd)
        total += normal(draws("log_scale"), np.log(hierarchy.scale_prior), priors.scale_width)
    if "common" in posterior:
        total += normal(draws("common"), *hierarchy.common_prior.T)
    if "walk" in posterior:
        total += normal(np.log(draws("walk")), np.log(priors.walk[0]), priors.walk[1])
    if "bend" in posterior:
        edges = fit.draws["constant_data"]["bend_edge"].values
        steps = np.diff(draws("bend"), prepend=0.0, axis=1) / step_scale(priors.bend, edges)
        total += t(BEND_FREEDOM).logpdf(steps).sum(axis=1)
    if "noise_correlation" in posterior:
        total += beta(*priors.noise_correlation).logpdf(draws("noise_correlation")[:, 0])
    return total
