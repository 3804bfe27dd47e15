"""Chance levels: the error of guessing, where every curve starts."""

from __future__ import annotations

from curvefit.curves.learning_curves import LearningCurves
from curvefit.triplet import AXES, Triplet


def chance_levels(curves: LearningCurves) -> dict[Triplet, float]:
    """Return the chance level of every triplet, in their order: the median over its usable rows, NaN where unknown."""
    level = curves.usable.groupby(list(AXES), sort=False)["chance_error"].median()
    return {triplet: float(level.loc[tuple(triplet)]) for triplet in curves.triplets}
