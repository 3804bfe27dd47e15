"""The gate: what draws must pass before they count as a posterior."""

from __future__ import annotations

import warnings
from dataclasses import replace
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

    from curvefit.fitting.hierarchy import Hierarchy
    from curvefit.fitting.layout import Layout
    from curvefit.fitting.penalised import Penalised
    from curvefit.fitting.settings import FitSettings


def sample_through_gate(
    layout: Layout,
    hierarchy: Hierarchy,
    start: Penalised,
    settings: FitSettings,
    *,
    progress_bar: bool = False,
) -> tuple[az.InferenceData, FitStatus]:
    """Sample, and sample more while the gate is not passed and reruns are left.

    Chains that agree and only are too short are joined by as many more; others are run again, twice as long, with smaller steps
    where they diverged. With nutpie both move in coordinates learned from the draws before.
    """
    import arviz as az

    from curvefit.fitting.sampling import Problem, sample

    found = sample(Problem(layout, hierarchy, start, settings, progress_bar), seed=0)
    status, interrupted = check_draws(found), _interruption(found)
    history: list[str] = []
    for attempt in range(1, settings.reruns + 1):
        if status.converged or interrupted:
            break
        reasons, joined = ", ".join(status.messages), status.needs_only_draws
        if joined:
            said = f"{settings.chains} more chains"
        else:
            update: dict[str, float] = {"draws": 2 * settings.draws, "tune": 2 * settings.tune}
            said = f"run again with {update['tune']} warm-up and {update['draws']} draws a chain"
            if status.diverges:
                update["target_accept"] = 1 - (1 - settings.acceptance(len(layout.triplets))) / 2
                said += " and an acceptance rate nearer 1"
            settings = settings.model_copy(update=update)
        history.append(f"{said}, because {reasons}")
        more = sample(Problem(layout, hierarchy, start, settings, progress_bar), seed=attempt, earlier=found)
        interrupted = _interruption(more)
        if not interrupted:
            found = az.concat(found, more, dim="chain", reset_dim=True) if joined else more
            status = check_draws(found)
    if interrupted:
        messages = (f"interrupted: {interrupted}", *status.messages)
        status = replace(status, converged=False, interrupted=True, messages=messages)
    return found, replace(status, messages=(*status.messages, *history))


def _interruption(draws: az.InferenceData) -> str:
    """Return how far interrupted sampling came; nothing when it was not."""
    return str(draws["posterior"].attrs.get("interrupted", ""))


def check_draws(draws: az.InferenceData) -> FitStatus:
    """Return the status of posterior draws: R-hat and ESS over all sampled parameters, divergences."""
    import arviz as az

    posterior = draws["posterior"]
    sampled = posterior[[v for v in posterior.data_vars if not v.endswith("__")]]
    chains, kept = posterior.sizes["chain"], posterior.sizes["draw"]
    total = chains * kept
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
    status = FitStatus(False, (), worst, bulk, tail, n_divergent, total)
    if status.diverges:
        messages.append(f"{n_divergent} of {total} draws diverged, above {100 * MAX_DIVERGENT_FRACTION:g} %")
    return replace(status, converged=not messages, messages=tuple(messages))


def _of_variables(reduced: xr.Dataset) -> dict[str, float]:
    """Return the numbers of a dataset of scalars by variable."""
    return {str(name): float(value) for name, value in reduced.data_vars.items()}
