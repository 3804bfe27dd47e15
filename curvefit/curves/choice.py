"""Which of the curves that were read are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curvefit.curves.learning_curves import LearningCurves


def choose(curves: LearningCurves, choice: Mapping[str, Any]) -> LearningCurves:
    """Return the chosen curves.

    Parameters
    ----------
    choice
        data, model, inference, metric as in `LearningCurves.select`, below, above as in `LearningCurves.drop_sizes`; None or
        an empty list chooses nothing.
    """
    kept = {name: value for name, value in choice.items() if value is not None and value != []}
    sizes = {name: kept.pop(name) for name in ("below", "above") if name in kept}
    curves = curves.select(**kept) if kept else curves
    return curves.drop_sizes(**sizes) if sizes else curves
