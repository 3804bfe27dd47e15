"""Local and convolutional teachers: sums of random functions of small patches of a cyclic input."""

from __future__ import annotations

import numpy as np
from pydantic import PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.triplet import DataFacts
from runners.datasets.abstract import DATASETS
from runners.datasets.teachers.fields import AbstractFieldTeacher
from runners.datasets.teachers.kernels import embed_torus, local_kernel_matrix


class AbstractLocalField(AbstractFieldTeacher):
    """A sum over positions of Laplace random functions of the `filter` coordinates from there on.

    Parameters
    ----------
    dimension
        Coordinates d, uniform on the torus, cyclically ordered; stored as d pixels (cosine, sine).
    filter
        Coordinates t of a patch.
    """

    dimension: PositiveInt = 6
    filter: PositiveInt = 1

    def model_post_init(self, context: object) -> None:
        if self.filter > self.dimension:
            raise InvalidInputError(f"filter {self.filter} is larger than dimension {self.dimension}")

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return embed_torus(rng.random((n, self.dimension)))

    def _facts(self, kind: str, data_symmetry: str) -> DataFacts:
        return DataFacts(
            source=f"{kind} field on T^{self.dimension} with filter {self.filter}",
            shape=(1, self.dimension, 2),
            n_classes=None,
            chance_error=self.chance_error(),
            data_symmetry=data_symmetry,
            shared_test_set=False,
            dimension=float(self.dimension),
            predicted_exponent=1 / self.filter,
            prediction_condition=(
                f"ridgeless local or convolutional Laplace student with the same filter {self.filter}; "
                f"1/s for a student's filter s above it, a plateau below it"
            ),
            bayes_error=0.0,
        )


@DATASETS.register("local-field")
class LocalField(AbstractLocalField):
    """A local teacher: an own random function of the patch at every position.

    References
    ----------
    Favero, Cagnetta, Wyart (2021), arXiv:2106.08619.
    """

    def covariance(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return local_kernel_matrix(x1, x2, filter=self.filter, shared=False)

    def clean_facts(self) -> DataFacts:
        return self._facts("local", "trivial")


@DATASETS.register("convolutional-field")
class ConvolutionalField(AbstractLocalField):
    """A convolutional teacher: one random function of all patches, so that cyclic shifts change nothing.

    A convolutional student has a local student's exponent and needs fewer examples by a factor that tends to
    the number of shifts.

    References
    ----------
    Favero, Cagnetta, Wyart (2021), arXiv:2106.08619.
    """

    def covariance(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return self.dimension * local_kernel_matrix(x1, x2, filter=self.filter, shared=True)

    def clean_facts(self) -> DataFacts:
        return self._facts("convolutional", "cyclic-shifts")
