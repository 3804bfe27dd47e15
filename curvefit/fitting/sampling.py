"""Sampling: nutpie with the written-out density, or PyMC's own samplers with the PyMC model."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curvefit.errors import FitError, MissingDependencyError
from curvefit.fitting.hierarchy import Hierarchy
from curvefit.fitting.layout import Layout
from curvefit.fitting.model import build_model
from curvefit.fitting.model_data import start_point
from curvefit.fitting.penalised import Penalised
from curvefit.fitting.settings import FitSettings
from curvefit.seeding import generator, seed_for

if TYPE_CHECKING:
    import arviz as az

    from curvefit.fitting.density import Preconditioned

_FEWEST_DRAWS = 20
_STATS = ("diverging", "n_steps")  # others differ between samplers and metrics


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything a sampler needs of one fit; of its draws, one in `keep_every` is kept."""

    layout: Layout
    hierarchy: Hierarchy
    start: Penalised
    settings: FitSettings
    progress_bar: bool = False
    keep_every: int = 1

    def kept(self, found: az.InferenceData) -> az.InferenceData:
        """Return one in `keep_every` of the draws."""
        return found.isel(
            draw=slice(self.keep_every - 1, None, self.keep_every), groups=["posterior", "sample_stats"]
        )


def sample(problem: Problem, *, seed: int, earlier: az.InferenceData | None = None) -> az.InferenceData:
    """Return posterior draws of the sampled parameters (no warm-up draws).

    nutpie's draws have a group `unconstrained_posterior` too: x, the coordinates of `Density`. What `earlier` draws say in it
    decides the coordinates that sampling moves in.

    Ctrl-C ends nutpie's sampling: the draws so far come back, and `posterior.attrs["interrupted"]` says how many.

    Raises
    ------
    KeyboardInterrupt
        When Ctrl-C came before there were draws to speak of.
    FitError
        When the sampler found no finite density to start from.
    MissingDependencyError
        When the chosen sampler is not installed.
    """
    import arviz as az

    if problem.settings.sampler == "nutpie":
        groups = _sample_nutpie(problem, seed, earlier)
    else:
        groups = _sample_pymc(problem, seed)
    stats = groups.pop("sample_stats")
    kept = stats[[name for name in _STATS if name in stats]]
    return az.InferenceData(sample_stats=kept, **groups)


def nutpie_model(problem: Problem, earlier: az.InferenceData | None = None) -> tuple[Any, Preconditioned]:
    """Return what nutpie samples, with coordinates `y` as its one variable, and the density that names them."""
    from curvefit.fitting.density import Density, highest, round_along, round_at
    from curvefit.fitting.density.for_nutpie import nutpie_model_of

    written = Density(problem.layout, problem.hierarchy, problem.settings, problem.start)
    if earlier is None:
        density = round_at(written, highest(written, written.centre))
    else:
        density = round_along(written, earlier["unconstrained_posterior"]["x"].values)

    def start(seed: Any) -> np.ndarray:
        return density.centre + 0.1 * np.random.default_rng(seed).normal(size=len(density.centre))

    return nutpie_model_of(density.native, start, len(density.centre)), density


def _sample_nutpie(problem: Problem, seed: int, earlier: az.InferenceData | None) -> dict[str, Any]:
    import nutpie

    settings = problem.settings
    model, density = nutpie_model(problem, earlier)
    # Else nutpie's threads fail one by one, and take the process with them.
    if not np.isfinite(density(density.centre)[0]):
        raise FitError(
            "the density is not finite where sampling starts: look at the priors and at the flags of the curves"
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            sampler = nutpie.sample(
                model,
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=min(settings.chains, settings.cores or os.cpu_count() or 1),
                seed=seed_for(settings.seed, "nutpie", seed) % 2**31,
                save_warmup=False,
                progress_bar=problem.progress_bar,
                target_accept=settings.acceptance(len(problem.layout.triplets)),
                blocking=False,
            )
            try:
                found = sampler.wait()
            except KeyboardInterrupt:
                found = _draws_so_far(sampler.abort(), wanted=settings.draws)
    except RuntimeError as error:
        raise FitError(f"nutpie could not sample: {error}") from error
    return _named(problem.kept(found), density)


def _named(found: az.InferenceData, density: Preconditioned) -> dict[str, Any]:
    """Return draws of y as draws of x, and as draws of parameters by name."""
    import arviz as az

    x = np.array([[density.at(y) for y in chain] for chain in found["posterior"]["y"].values])
    draws = [[density.density.expand(at) for at in chain] for chain in x]
    values = {name: np.array([[draw[name] for draw in chain] for chain in draws]) for name in draws[0][0]}
    posterior = az.convert_to_dataset(values)
    posterior.attrs = found["posterior"].attrs
    return {
        "posterior": posterior,
        "unconstrained_posterior": az.convert_to_dataset({"x": x}),
        "sample_stats": found["sample_stats"],
    }


def _draws_so_far(found: az.InferenceData, *, wanted: int) -> az.InferenceData:
    """Keep the chains that came far, cut to their common length; nutpie pads the others with NaN."""
    lengths = np.isfinite(found["posterior"]["y"].values).all(axis=2).sum(axis=1)
    chains = np.flatnonzero(lengths >= max(_FEWEST_DRAWS, lengths.max(initial=0) / 2))
    if not len(chains):
        raise KeyboardInterrupt
    kept = int(lengths[chains].min())
    found = found.isel(chain=chains, draw=slice(kept), groups=["posterior", "sample_stats"])
    done = f"{len(chains)} chain(s) with {kept} of {wanted} draws"
    found["posterior"].attrs["interrupted"] = done
    warnings.warn(f"interrupted: the fit goes on with {done}, and its status says so", stacklevel=2)
    return found


def _sample_pymc(problem: Problem, seed: int) -> dict[str, Any]:
    import pymc as pm

    settings = problem.settings
    if settings.sampler == "numpyro":
        try:
            import numpyro  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(
                "sampler 'numpyro' needs: pip install 'curvefit[numpyro]'"
            ) from error
    model = build_model(problem.layout, problem.hierarchy, settings, problem.start)
    rng = generator(settings.seed, "start", seed)
    centre = start_point(problem.layout, problem.hierarchy, settings, problem.start)
    with model:
        starts = []
        for _ in range(settings.chains):
            values = {k: v + 0.1 * rng.normal(size=v.shape) for k, v in centre.items()}
            starts.append(_natural_start(values))
        found = pm.sample(
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=min(settings.chains, settings.cores or os.cpu_count() or 1),
            random_seed=seed_for(settings.seed, settings.sampler, seed) % 2**31,
            target_accept=settings.acceptance(len(problem.layout.triplets)),
            nuts_sampler=settings.sampler,
            initvals=starts,
            init="adapt_diag",
            quiet=not problem.progress_bar,
            compute_convergence_checks=False,
        )
    found = problem.kept(found)
    # Coordinates, and a sign that means nothing, in which chains may differ.
    posterior = found["posterior"].drop_vars(
        ["noise_floor_signed", "theta_free", "walk_free"], errors="ignore"
    )
    return {"posterior": posterior, "sample_stats": found["sample_stats"]}


def _natural_start(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return starting values of the random variables."""
    start = {}
    for name, value in values.items():
        if name.endswith("_log__"):
            start[name.removesuffix("_log__")] = np.exp(value)
        elif name.endswith("_logodds__"):
            start[name.removesuffix("_logodds__")] = 1 / (1 + np.exp(-value))
        else:
            start[name] = value
    return start
