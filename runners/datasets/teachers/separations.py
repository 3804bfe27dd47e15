"""Tasks made to separate architectures: how many examples symmetry and locality save, provably."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from curvefit.seeding import generator
from curvefit.triplet import DataFacts
from runners.datasets.abstract import DATASETS
from runners.datasets.teachers.abstract import AbstractFunctionTeacher, draw_blocks
from runners.datasets.teachers.noise import LabelNoise


@DATASETS.register("norm-comparison")
class NormComparison(LabelNoise, AbstractFunctionTeacher):
    """Which of two Gaussian vectors is longer: ``y = [sum_j x_j1^2 > sum_j x_j2^2]``, d pixels of two channels.

    Any algorithm that O(2d) leaves invariant (fully connected nets trained by SGD) needs of the order of d^2
    examples; a convolutional net of fixed size needs a number that does not grow with d.

    Parameters
    ----------
    dimension
        Pixels d.

    References
    ----------
    Li, Zhang, Arora (2021), "Why are convolutional nets more sample-efficient than fully-connected nets?",
    arXiv:2010.08515.
    """

    dimension: PositiveInt = 16

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((n, 1, self.dimension, 2))

    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        first, second = np.moveaxis(np.square(x).sum(axis=(1, 2)), -1, 0)
        return (first > second).astype(np.int64)

    def clean_facts(self) -> DataFacts:
        return DataFacts(
            source=f"longer of two Gaussian vectors in R^{self.dimension}",
            shape=(1, self.dimension, 2),
            n_classes=2,
            chance_error=0.5,
            data_symmetry="signed-s-p",
            dimension=2.0 * self.dimension,
            prediction_condition="examples needed: order d^2 under O(2d) invariance, order 1 for a convolutional net",
            bayes_error=0.0,
        )


@DATASETS.register("moving-signal")
class MovingSignal(LabelNoise, AbstractFunctionTeacher):
    """A signed pattern in one of k patches, noise everywhere (dynamic signal distribution, DSD).

    Each image is k pixels of d channels of Gaussian noise; one pixel, chosen at random, gets ``+w`` or ``-w``,
    and the class is that sign. Convolutional nets need of the order of k + d examples, locally connected
    ones k (k + d), fully connected ones k^2 d.

    Parameters
    ----------
    patches, channels
        k and d.
    noise_level
        Standard deviation of the noise; the pattern w has length 1.

    References
    ----------
    Lahoti, Karp, Winston, Singh, Li (2024), "Role of locality and weight sharing in image-based tasks: a
    sample complexity separation between CNNs, LCNs, and FCNs", arXiv:2403.15707.
    """

    patches: PositiveInt = 8
    channels: PositiveInt = 8
    noise_level: PositiveFloat = 0.3

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.noise_level * rng.standard_normal((n, 1, self.patches, self.channels))

    def pattern(self, study_seed: int) -> np.ndarray:
        """Return the pattern w ``(channels,)``, of length 1."""
        w = generator(study_seed, "pattern", self.channels).standard_normal(self.channels)
        return w / np.linalg.norm(w)

    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        """Return the best guess of the class from an image: the sign of the log likelihood ratio."""
        return (self._log_odds(x[:, 0] @ self.pattern(study_seed)) > 0).astype(np.int64)

    def _log_odds(self, projections: np.ndarray) -> np.ndarray:
        """Return log P(class 1) / P(class 0) from the projections ``(n, patches)`` on the pattern."""
        scaled = projections / self.noise_level**2
        return np.logaddexp.reduce(scaled, axis=1) - np.logaddexp.reduce(-scaled, axis=1)

    def draw_examples(self, n: int, study_seed: int, *path: object) -> tuple[np.ndarray, np.ndarray]:
        x = draw_blocks(self.draw_inputs, n, study_seed, *path)
        place = draw_blocks(
            lambda count, rng: rng.integers(self.patches, size=count), n, study_seed, "place", *path
        )
        y = draw_blocks(lambda count, rng: rng.integers(2, size=count), n, study_seed, "class", *path)
        x[np.arange(n), 0, place] += np.where(y, 1.0, -1.0)[:, None] * self.pattern(study_seed)
        return x, y

    def clean_facts(self) -> DataFacts:
        return DataFacts(
            source=f"signed pattern in one of {self.patches} patches of {self.channels} channels",
            shape=(1, self.patches, self.channels),
            n_classes=2,
            chance_error=0.5,
            data_symmetry="s-p",
            dimension=float(self.patches * self.channels),
            prediction_condition="examples needed: k + d (convolutional), k (k + d) (local), k^2 d (fully connected)",
            bayes_error=_bayes_error(MovingSignal(patches=self.patches, noise_level=self.noise_level)),
        )


@lru_cache(maxsize=32)
def _bayes_error(task: MovingSignal) -> float:
    """Return the mean probability of the less likely class over 200,000 images.

    Only projections on the pattern matter, so these are drawn alone: independent Gaussians, 1 added to one.
    """
    projections = task.noise_level * generator("bayes-error").standard_normal((200_000, task.patches))
    projections[:, 0] += 1
    return float(np.mean(1 / (1 + np.exp(np.abs(task._log_odds(projections))))))
