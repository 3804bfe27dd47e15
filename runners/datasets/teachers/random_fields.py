"""Gaussian random fields on the torus and on the sphere."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.triplet import DataFacts
from runners.datasets.abstract import DATASETS
from runners.datasets.teachers.fields import AbstractFieldTeacher
from runners.datasets.teachers.kernels import SMOOTHNESS, embed_torus, kernel_matrix

Correlation = Literal["laplace", "matern-3/2", "matern-5/2"]


@DATASETS.register("torus-field")
class TorusField(AbstractFieldTeacher):
    """A Laplace random field on the torus T^d that depends on the first `d_par` coordinates only.

    The task is then invariant under the torus T^(d - d_par) of rotations of the other pixels, and a student
    built with that invariance learns as if the dimension were d_par.

    Parameters
    ----------
    dimension
        Coordinates d of the inputs, uniform on T^d, stored as d pixels (cosine, sine).
    d_par
        Coordinates the target depends on.
    """

    dimension: PositiveInt = 3
    d_par: PositiveInt = 1

    def model_post_init(self, context: object) -> None:
        if self.d_par > self.dimension:
            raise InvalidInputError(f"d_par {self.d_par} is larger than dimension {self.dimension}")

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return embed_torus(rng.random((n, self.dimension)))

    def covariance(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return kernel_matrix(x1[:, :, : self.d_par], x2[:, :, : self.d_par])

    def clean_facts(self) -> DataFacts:
        return DataFacts(
            source=f"Gaussian field on T^{self.dimension}, depending on {self.d_par} coordinates",
            shape=(1, self.dimension, 2),
            n_classes=None,
            chance_error=self.chance_error(),
            data_symmetry=f"o-c-tail-{self.d_par}" if self.d_par < self.dimension else "trivial",
            shared_test_set=False,
            dimension=float(self.dimension),
            predicted_exponent=1 / self.d_par,
            prediction_condition=(
                f"ridgeless Laplace student of the first {self.d_par} coordinates; a student of all "
                f"{self.dimension} has exponent 1/{self.dimension}"
            ),
            bayes_error=0.0,
        )


@DATASETS.register("sphere-field")
class SphereField(AbstractFieldTeacher):
    """A Matern random field on the sphere S^d.

    Parameters
    ----------
    dimension
        Dimension d of the sphere; inputs are one pixel of d + 1 channels.
    correlation
        Of the teacher: ``"laplace"`` (Matern 1/2), ``"matern-3/2"``, ``"matern-5/2"``.

    References
    ----------
    Spigler, Geiger, Wyart (2020), arXiv:1905.10843.
    """

    dimension: PositiveInt = 2
    correlation: Correlation = "laplace"

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        x = rng.standard_normal((n, 1, 1, self.dimension + 1))
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    def covariance(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return kernel_matrix(x1, x2, self.correlation)

    def exponent(self, student: Correlation) -> float:
        """Return ``min(alpha_T - d, 2 alpha_S) / d`` with ``alpha = d + 2 nu``."""
        d = self.dimension
        return min(2 * SMOOTHNESS[self.correlation], 2 * (d + 2 * SMOOTHNESS[student])) / d

    def clean_facts(self) -> DataFacts:
        return DataFacts(
            source=f"{self.correlation} Gaussian field on S^{self.dimension}",
            shape=(1, 1, self.dimension + 1),
            n_classes=None,
            chance_error=self.chance_error(),
            shared_test_set=False,
            dimension=float(self.dimension),
            predicted_exponent=self.exponent("laplace"),
            prediction_condition="ridgeless Laplace student on the sphere's chords",
            bayes_error=0.0,
        )
