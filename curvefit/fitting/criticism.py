"""Criticism of a hierarchical fit: posterior predictive checks by size and triplet, LOO by cell, prior sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.run_likelihoods import (
    fitted_layout,
    replicate_runs,
    run_log_density,
    run_values,
    seen_cells,
)
from curvefit.fitting.top_level_prior import top_level_log_prior
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az
    import xarray as xr

MOST_DRAWS = 1000
CAREFUL_K = 0.7


def predictive_draws(fit: CurveFit, *, seed: int = 0) -> az.InferenceData:
    """Return the fit's draws with every run drawn anew from its likelihood, beside the runs that were seen.

    Returns
    -------
    arviz.InferenceData
        At most `MOST_DRAWS` draws. Groups ``posterior_predictive`` and ``observed_data`` hold the variable ``value`` (error rate
        or loss) over the dimension ``run``, which knows its triplet and size; for `arviz.plot_ppc` and its like.
    """
    import arviz as az
    import xarray as xr

    fit, rng = fit.thinned(MOST_DRAWS), generator(seed, "predictive-check")
    layout = fitted_layout(fit)
    cells = list(seen_cells(fit, layout))
    runs = [cell for cell in cells for _ in cell.runs]
    coords = _coords("run", np.arange(len(runs)), [c.triplet for c in runs], [c.n_train for c in runs])
    copies = np.concatenate([replicate_runs(layout, cell, rng) for cell in cells], axis=1)
    seen = np.concatenate([run_values(layout, cell) for cell in cells])
    return az.InferenceData(
        posterior=fit.draws["posterior"],
        posterior_predictive=_by_chain(fit, {"value": copies}, ["run"], coords),
        observed_data=xr.Dataset({"value": ("run", seen)}, coords=coords),
    )


def check_predictions(fit: CurveFit, *, probability: float = 0.9, seed: int = 0) -> pd.DataFrame:
    """Compare every observed mean, and spread between seeds, with replicated data of the fit (`predictive_draws`).

    Returns
    -------
    pandas.DataFrame
        One row per measured curve and size: observed, predicted (median), low, high, inside, p_mean (probability of a lower
        replicate, ties counted half), and p_spread (of a smaller sd between seeds; NaN for one seed).
    """
    tails, rows = equal_tails(probability), []
    data = predictive_draws(fit, seed=seed)
    observed = data["observed_data"]["value"]
    value, copies = observed.values, data["posterior_predictive"]["value"].values.reshape(-1, observed.size)
    cells = pd.DataFrame({name: observed[name].values for name in (*AXES, "n_train")})
    for key, part in cells.groupby([*AXES, "n_train"], sort=False):
        seen, drawn = value[part.index], copies[:, part.index]
        mean, means = seen.mean(), drawn.mean(axis=1)
        low, middle, high = np.quantile(means, tails)
        several = len(seen) > 1
        rows.append(
            {
                **dict(zip(cells.columns, key)),
                "observed": mean,
                "predicted": middle,
                "low": low,
                "high": high,
                "inside": bool(low <= mean <= high),
                "p_mean": _share_below(means, mean),
                "p_spread": _share_below(drawn.std(axis=1, ddof=1), seen.std(ddof=1)) if several else np.nan,
            }
        )
    return pd.DataFrame(rows)


def residuals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `check_predictions` with `residual`: the normal score of each observed mean among its replicates."""
    from scipy import stats

    p = table["p_mean"].clip(0.001, 0.999)
    return table.assign(residual=stats.norm.ppf(p))


def cell_log_likelihood(fit: CurveFit) -> az.InferenceData:
    """Return the fit's draws with the log likelihood of every cell (measured curve and size) and the log of top-level priors.

    Seeds of one cell are taken together: leaving out one seed of many says little about a curve. Correlation of
    the noise along n is not part of it.

    Returns
    -------
    arviz.InferenceData
        At most `MOST_DRAWS` draws. Group ``log_likelihood`` holds the variable ``cell`` over the dimension ``cell_name``, which
        knows its triplet and size; ``log_prior`` a variable for every parameter of `top_level_log_prior`. For `arviz.loo`,
        `arviz.psens` and their like.
    """
    import arviz as az

    fit = fit.thinned(MOST_DRAWS)
    layout = fitted_layout(fit)
    cells = list(seen_cells(fit, layout))
    triplets, sizes = [cell.triplet for cell in cells], [cell.n_train for cell in cells]
    coords = _coords("cell_name", [f"{t} | {n}" for t, n in zip(triplets, sizes)], triplets, sizes)
    cell = np.stack([run_log_density(layout, cell).sum(axis=1) for cell in cells], axis=1)
    return az.InferenceData(
        posterior=fit.draws["posterior"],
        log_likelihood=_by_chain(fit, {"cell": cell}, ["cell_name"], coords),
        log_prior=_by_chain(fit, top_level_log_prior(fit, layout), [], {}),
    )


def loo_cells(fit: CurveFit) -> pd.DataFrame:
    """Return PSIS-LOO by cell: log predictive density without the cell, and its Pareto k.

    A secondary check: cells of the largest sizes often have k above 0.7, and leaving one size out inside the range
    says little about extrapolation; `rolling_origin` does. Densities are those of the likelihood's scale.
    """
    import warnings

    import arviz as az

    data = cell_log_likelihood(fit)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        loo = az.loo(data, pointwise=True, var_name="cell")
    cells = data["log_likelihood"]["cell"]
    table = pd.DataFrame({name: cells[name].values for name in (*AXES, "n_train")})
    k = loo.pareto_k.values
    return table.assign(elpd=loo.loo_i.values, pareto_k=k, reliable=k <= CAREFUL_K)


def prior_sensitivity(fit: CurveFit, *, parameter: str | None = None) -> pd.DataFrame:
    """Return how exponents move when the top-level priors, or the data, count a little more.

    The derivative of a posterior mean with respect to the power of the prior is the posterior covariance with the log
    prior; it is given in posterior standard deviations per doubling of the power. Only top-level priors
    (see `top_level_log_prior`) are scaled: scaling the group-level densities too would flag every exponent.

    Parameters
    ----------
    parameter
        What moves, as `CurveFit.parameter` takes it; the log exponent, or the first parameter of a family without exponent.

    Returns
    -------
    pandas.DataFrame
        One row a triplet: parameter, prior_shift, data_shift (in sd per doubling), and flag
        (``"prior-driven"`` where the prior's shift exceeds 0.3 and the data's). Pooled fits by ``method="approximate"`` hold
        fixed what the top-level priors are of: their prior_shift is NaN.
    """
    names = fit.law.parameter_names
    parameter = parameter or ("log_exponent" if "exponent" in names else names[0])
    layout = fitted_layout(fit)
    log_prior = np.sum([*top_level_log_prior(fit, layout).values()], axis=0)
    log_likelihood = np.zeros(fit.n_draws)
    for cell in seen_cells(fit, layout):
        log_likelihood += run_log_density(layout, cell).sum(axis=1)
    values = fit.parameter(parameter)
    table = pd.DataFrame(fit.triplets, columns=list(AXES)).assign(
        parameter=parameter, prior_shift=_shift(values, log_prior), data_shift=_shift(values, log_likelihood)
    )
    driven = (table["prior_shift"].abs() > 0.3) & (table["prior_shift"].abs() > table["data_shift"].abs())
    return table.assign(flag=np.where(driven, "prior-driven", ""))


def _shift(values: np.ndarray, log_part: np.ndarray) -> np.ndarray:
    """Return how far means of `values` (draws, curves) move, in sd, when a part of the density counts twice; NaN where it is constant."""
    if not np.ptp(log_part) > 0:
        return np.full(values.shape[1], np.nan)
    away = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    return np.log(2.0) * ((log_part - log_part.mean()) @ away) / len(away)


def _by_chain(fit: CurveFit, draws: dict[str, np.ndarray], dims: list[str], coords: dict) -> xr.Dataset:
    """Return draws of shape (draws, ...) as a dataset with the chains of the fit."""
    import xarray as xr

    posterior = fit.draws["posterior"]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    return xr.Dataset(
        {name: (["chain", "draw", *dims], x.reshape(*shape, *x.shape[1:])) for name, x in draws.items()},
        coords={"chain": posterior["chain"], "draw": posterior["draw"], **coords},
    )


def _coords(dim: str, labels: object, triplets: list[Triplet], sizes: list[int]) -> dict:
    """Return the labels of a dimension whose values each belong to a triplet and a size."""
    members = {axis: (dim, [getattr(t, axis) for t in triplets]) for axis in AXES}
    return {dim: labels, "triplet": (dim, [str(t) for t in triplets]), **members, "n_train": (dim, sizes)}


def _share_below(copies: np.ndarray, seen: float) -> float:
    """Return the share of replicates below what was seen, ties counted half (means of counts differ by rounding)."""
    tie = np.isclose(copies, seen, rtol=1e-9, atol=0.0)
    return float(((copies < seen) & ~tie).mean() + tie.mean() / 2)
