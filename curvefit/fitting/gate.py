"""The gate: what draws must pass before they count as a posterior."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from curvefit.fitting.status import (
    MAX_DIVERGENT_FRACTION,
    MAX_R_HAT,
    MAX_R_HAT_APART,
    MAX_R_HAT_THETA,
    MIN_ESS,
    FitStatus,
)

#: More draws than the smallest ESS asks for, since it is itself uncertain.
_ENOUGH = 1.25
#: At most so many times as many draws at once, and so many times those of the first try in a chain.
_MOST_TIMES, _LONGEST = 4, 16
#: Leapfrog steps that no try exceeds, unless it is only twice as long as the one before: ten minutes of CPU for fifty curves.
_MOST_STEPS = 3e6

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

    Chains that agree and only are too short are joined by more of them; others are run again, longer, with smaller steps where
    they diverged. How many or how long, the smallest ESS says. With nutpie both move in coordinates learned from the draws before.
    """
    import arviz as az

    from curvefit.fitting.sampling import Problem, sample

    found = sample(Problem(layout, hierarchy, start, settings, progress_bar), seed=0)
    status, interrupted = check_draws(found), _interruption(found)
    first, history = settings.draws, []
    for attempt in range(1, settings.reruns + 1):
        if status.converged or interrupted:
            break
        joined = status.needs_only_draws
        changed, keep_every, said = _more(found, status, settings, first, len(layout.triplets))
        history.append(f"{said}, because {', '.join(status.messages)}")
        problem = Problem(layout, hierarchy, start, changed, progress_bar, keep_every)
        try:
            more = sample(problem, seed=attempt, earlier=found)
            interrupted = _interruption(more)
        except KeyboardInterrupt:
            interrupted = "the last try had no draws yet"
        if interrupted:
            break
        if joined:
            found = az.concat(found, more, dim="chain", reset_dim=True)
        else:
            found, settings = more, changed
        status = check_draws(found)
    if interrupted:
        messages = (f"interrupted: {interrupted}", *status.messages)
        status = replace(status, converged=False, interrupted=True, messages=messages)
    return found, replace(status, messages=(*status.messages, *history))


def _more(
    found: az.InferenceData, status: FitStatus, settings: FitSettings, first: int, curves: int
) -> tuple[FitSettings, int, str]:
    """Return settings to sample more with, one in how many draws to keep, and what to say of it, given the draws a chain of the first try."""
    times = _times_more(found, status, settings)
    update: dict[str, float]
    if status.needs_only_draws:
        update = {"chains": (times - 1) * found["posterior"].sizes["chain"]}
        said = f"{update['chains']} more chains"
    else:
        update = {"draws": min(times * settings.draws, _LONGEST * first), "tune": 2 * settings.tune}
        said = f"run again with {update['tune']} warm-up and {update['draws']} draws a chain"
        if status.diverges:
            update["target_accept"] = 1 - (1 - settings.acceptance(curves)) / 2
            said += " and an acceptance rate nearer 1"
    changed = settings.model_copy(update=update)
    keep_every = max(changed.draws // (2 * first), 1)
    return changed, keep_every, said + (f" (one in {keep_every} kept)" if keep_every > 1 else "")


def _times_more(found: az.InferenceData, status: FitStatus, settings: FitSettings) -> int:
    """Return how many times as many draws are wanted: twice, or what the smallest ESS says where chains agree enough for it to say something."""
    smallest = min(status.min_ess_bulk, status.min_ess_tail)
    if status.max_r_hat > MAX_R_HAT_APART or not smallest > 0.0:
        return 2
    wanted = _ENOUGH * needed_ess(status.n_draws) / smallest
    steps = found["sample_stats"].get("n_steps", 1.0)
    bearable = _MOST_STEPS / (float(np.mean(steps)) * settings.draws * found["posterior"].sizes["chain"])
    return int(np.clip(np.ceil(wanted), 2, max(2, min(_MOST_TIMES, bearable))))


def _interruption(draws: az.InferenceData) -> str:
    """Return how far interrupted sampling came; nothing when it was not."""
    return str(draws["posterior"].attrs.get("interrupted", ""))


def check_draws(draws: az.InferenceData) -> FitStatus:
    """Return the status of posterior draws: R-hat and ESS over all sampled parameters, divergences."""
    import arviz as az

    posterior = draws["posterior"]
    sampled = posterior[[v for v in posterior.data_vars if not v.endswith("__")]]
    sampled = sampled.where(np.isfinite(sampled))
    chains, kept = posterior.sizes["chain"], posterior.sizes["draw"]
    total = chains * kept
    n_divergent = int(draws["sample_stats"]["diverging"].sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bulk, tail = (
            _worst(az.ess(sampled, method=method).min(skipna=False), -1)[1] for method in ("bulk", "tail")
        )
        r_hat = az.rhat(sampled, method="rank").max(skipna=False) if chains > 1 else None
    messages, worst = [], float("nan")
    if r_hat is None:
        messages.append("one chain alone cannot show convergence")
    else:
        name, worst = _worst(r_hat, 1)
        curve_level = float(r_hat.get("theta", 0.0))
        if np.isnan(worst):
            messages.append(f"{name} has no R-hat: it is not finite everywhere, or never moved")
        elif worst > MAX_R_HAT:
            messages.append(f"R-hat of {name} is {worst:.3f}, above {MAX_R_HAT}")
        if MAX_R_HAT_THETA < curve_level <= MAX_R_HAT:
            messages.append(f"R-hat of the curves' parameters is {curve_level:.3f}, above {MAX_R_HAT_THETA}")
    needed = needed_ess(total)
    for name, smallest in (("bulk", bulk), ("tail", tail)):
        if not smallest >= needed:
            messages.append(f"the smallest {name} ESS is {smallest:.0f}, below {needed:.0f}")
    status = FitStatus(False, (), worst, bulk, tail, n_divergent, total)
    if status.diverges:
        messages.append(f"{n_divergent} of {total} draws diverged, above {100 * MAX_DIVERGENT_FRACTION:g} %")
    return replace(status, converged=not messages, messages=tuple(messages))


def needed_ess(total: int) -> float:
    """Return the ESS that so many draws must have."""
    return min(MIN_ESS, 0.4 * total)


def _worst(found: xr.Dataset, sign: int) -> tuple[str, float]:
    """Return the name and value of the largest scalar of a dataset times `sign`, one that is not a number before all others."""
    values = {str(name): float(value) for name, value in found.data_vars.items()}
    name = max(values, key=lambda v: (np.isnan(values[v]), sign * values[v]))
    return name, values[name]
