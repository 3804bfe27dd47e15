"""Learning curves as they were seen: one tidy table, flags with reasons, readers for files and trackers."""

from curvefit.curves.learning_curves import LearningCurves, load_curves

__all__ = ["LearningCurves", "load_curves"]
