"""The gate: what draws must pass before they count as a posterior."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from curvefit.fitting.status import (
    MAX_DIVERGENT_FRACTION,
    MAX_R_HAT,
    MAX_R_HAT_EXPONENT,
    MIN_ESS,
    FitStatus,
)

if TYPE_CHECKING:
    import arviz as az
    import xarray as xr


def check_draws(draws: az.InferenceData, *, n_divergent: int | None = None) -> FitStatus:
    """Return the status of posterior draws: R-hat and ESS over all sampled parameters, divergences."""
    import arviz as az

    posterior = draws["posterior"]
    sampled = posterior[[v for v in posterior.data_vars if not v.endswith("__")]]
    chains, kept = posterior.sizes["chain"], posterior.sizes["draw"]
    total = chains * kept
    if n_divergent is None:
        n_divergent = int(draws["sample_stats"]["diverging"].sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bulk = min(_of_variables(az.ess(sampled, method="bulk").min(skipna=False)).values())
        tail = min(_of_variables(az.ess(sampled, method="tail").min(skipna=False)).values())
        r_hat = _of_variables(az.rhat(sampled, method="rank").max(skipna=False)) if chains > 1 else {}
    worst = max(r_hat.values()) if r_hat else float("nan")
    messages = []
    if chains < 2:
        messages.append("one chain alone cannot show convergence")
    if worst > MAX_R_HAT:
        name = max(r_hat, key=lambda v: r_hat[v])
        messages.append(f"R-hat of {name} is {worst:.3f}, above {MAX_R_HAT}")
    curve_level = r_hat.get("theta", 0.0)
    if MAX_R_HAT_EXPONENT < curve_level <= MAX_R_HAT:
        messages.append(f"R-hat of the curves' parameters is {curve_level:.3f}, above {MAX_R_HAT_EXPONENT}")
    needed = min(MIN_ESS, 0.4 * total)
    if bulk < needed:
        messages.append(f"the smallest bulk ESS is {bulk:.0f}, below {needed:.0f}")
    if tail < needed:
        messages.append(f"the smallest tail ESS is {tail:.0f}, below {needed:.0f}")
    if n_divergent > MAX_DIVERGENT_FRACTION * total:
        messages.append(f"{n_divergent} of {total} draws diverged, above {100 * MAX_DIVERGENT_FRACTION:g} %")
    return FitStatus(not messages, tuple(messages), worst, bulk, tail, n_divergent, total)


def _of_variables(reduced: xr.Dataset) -> dict[str, float]:
    """Return the numbers of a dataset of scalars by variable."""
    return {str(name): float(value) for name, value in reduced.data_vars.items()}
