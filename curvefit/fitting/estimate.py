"""fit: the verb."""

from __future__ import annotations

from typing import Any

from curvefit.curves.fittable import as_curves, refuse_hopeless
from curvefit.curves.learning_curves import LearningCurves
from curvefit.families import get_family
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.settings import FitSettings
from curvefit.settings import parse_settings


def fit(
    curves: LearningCurves,
    *,
    family: str = "power-law",
    seed: int = 0,
    progress_bar: bool = True,
    **settings: Any,
) -> CurveFit:
    """Fit all curves at once with a hierarchical model and return the posterior.

    Ctrl-C while it samples keeps the draws so far: they come back as a fit whose status is not converged.

    Parameters
    ----------
    curves
        Learning curves; a frame or a dictionary of columns is read with `LearningCurves.from_frame`.
    family
        Registered name of the curve family.
    seed
        Root of all random numbers.
    progress_bar
        Whether to show the sampler's progress and time left, on a terminal or in a notebook.
    **settings
        Fields of `FitSettings`: pooling, likelihood, discrepancy, method, sampler, draws, tune, chains, cores,
        target_accept, reruns, priors.

    Raises
    ------
    InvalidInputError
        When a setting or the curves cannot be used: no usable row, several metrics, one size a curve, or most errors above
        the chance level.
    """
    curves, chosen = read_request(curves, {"family": family, "seed": seed, **settings}, where="fit")
    refuse_hopeless(curves, from_chance=get_family(chosen.family).needs_chance)
    from curvefit.fitting.hierarchical import run_fit

    return run_fit(curves, chosen, progress_bar=progress_bar)


def read_request(curves: Any, settings: dict[str, Any], *, where: str) -> tuple[LearningCurves, FitSettings]:
    """Return learning curves, read from a frame where they are none yet, and the settings asked of the function `where`."""
    chosen = parse_settings(FitSettings, settings, where=where)
    return as_curves(curves), chosen
