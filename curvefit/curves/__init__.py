"""Learning curves as they were seen: one tidy table, flags with reasons, readers for files and trackers."""

from curvefit.curves.learning_curves import LearningCurves, load_curves
from curvefit.curves.measure import LearningCurveSplit, learning_curve_sizes, measure_learning_curve

__all__ = [
    "LearningCurveSplit",
    "LearningCurves",
    "learning_curve_sizes",
    "load_curves",
    "measure_learning_curve",
]
