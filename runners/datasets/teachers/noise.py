"""Noise on training targets and labels; test targets stay clean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from curvefit.triplet import DataFacts
from runners.datasets.teachers.abstract import AbstractTeacher, draw_blocks


class TargetNoise(AbstractTeacher):
    """A regression task whose training targets can carry Gaussian noise.

    Parameters
    ----------
    noise
        Standard deviation of the noise. Predicted exponents hold without noise and are then not declared.
    """

    noise: float = Field(default=0.0, ge=0)

    def corrupt(self, y: np.ndarray, *, seed: int, study_seed: int) -> np.ndarray:
        if not self.noise:
            return y
        return y + self.noise * draw_blocks(
            lambda count, rng: rng.standard_normal((count, y.shape[1])), len(y), study_seed, "noise", seed
        )

    def facts(self) -> DataFacts:
        facts = super().facts()
        if not self.noise or facts.predicted_exponent is None:
            return facts
        return replace(
            facts,
            predicted_exponent=None,
            prediction_condition=f"exponent {facts.predicted_exponent:.3g} without noise: {facts.prediction_condition}",
        )


class LabelNoise(AbstractTeacher):
    """A classification task whose training labels can be wrong.

    Parameters
    ----------
    label_noise
        Probability that a training label is replaced by another class, uniformly.
    """

    label_noise: float = Field(default=0.0, ge=0, le=1)

    def corrupt(self, y: np.ndarray, *, seed: int, study_seed: int) -> np.ndarray:
        if not self.label_noise:
            return y
        n_classes = self.clean_facts().n_classes or 2
        path = (len(y), study_seed, "noise", seed)
        wrong = draw_blocks(lambda count, rng: rng.random(count), *path) < self.label_noise
        step = draw_blocks(lambda count, rng: rng.integers(1, n_classes, count), *path, "class")
        return np.where(wrong, (y + step) % n_classes, y)
