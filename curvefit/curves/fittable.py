"""What no fit can answer is refused before any work starts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from curvefit.curves.curve_flags import above_chance
from curvefit.curves.learning_curves import NAME_SEEDS, LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.triplet import AXES, Triplet


def as_curves(source: Any) -> LearningCurves:
    """Return learning curves, read with `LearningCurves.from_frame` where they are a table yet."""
    return source if isinstance(source, LearningCurves) else LearningCurves.from_frame(source)


def curve_means(curves: LearningCurves) -> dict[Triplet, pd.DataFrame]:
    """Return the rows of ``curves.means()`` of every curve, for what takes curves of one metric.

    Raises
    ------
    InvalidInputError
        When the usable rows have several metrics, or there is none.
    """
    curves = as_curves(curves)
    means = curves.means()
    groups = means[means["metric"] == curves.metric].groupby(list(AXES), sort=False)
    return {Triplet(*key): part for key, part in groups}


def check_seeds(curves: LearningCurves, what: str) -> None:
    """Raise `InvalidInputError` where `what` needs to know which runs have one seed, and nothing named the seeds."""
    if not curves.seeds_matched:
        raise InvalidInputError(f"{what} needs to know the seed of every run; {NAME_SEEDS}")


def refuse_hopeless(curves: LearningCurves, *, from_chance: bool) -> None:
    """Raise where curves have nothing to fit, or contradict the level that they are said to start at.

    Parameters
    ----------
    curves
        Learning curves.
    from_chance
        Whether the fit lets curves start at their chance level, where that is known.

    Raises
    ------
    InvalidInputError
        When curves have several metrics, no curve has two sizes, or most error rates of a curve lie clearly above its chance level: a few at the
        smallest sizes may well do so, and are only flagged.
    """
    parts = curve_means(curves)
    if all(len(part) == 1 for part in parts.values()):
        raise InvalidInputError(
            "every curve has one size only: nothing says how errors change with n_train. Two sizes are the least "
            "that can be fitted, four the least for a law with a floor"
        )
    wrong = [(triplet, part) for triplet, part in parts.items() if above_chance(part).mean() > 0.5]
    if from_chance and wrong:
        triplet, part = wrong[0]
        level = part["chance_error"].iloc[0]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise InvalidInputError(
            f"most errors of {triplet}{more}, up to {part['value'].max():.3g}, lie above the chance level {level:.3g}: "
            f"is {level:.3g} a chance accuracy? chance_error is the error of guessing (0.9 for ten balanced classes). "
            "Without chance_error the level where curves start is estimated"
        )
