"""Local polynomials on the hypercube: targets of one degree, of low or of high frequency."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.triplet import DataFacts
from runners.datasets.abstract import DATASETS
from runners.datasets.teachers.abstract import AbstractFunctionTeacher
from runners.datasets.teachers.noise import TargetNoise


@DATASETS.register("hypercube")
class Hypercube(TargetNoise, AbstractFunctionTeacher):
    """``y = sum_i s_i x_i x_(i+1) ... x_(i+l-1) / sqrt(d)`` with x uniform on {-1, 1}^d, indices cyclic.

    Parameters
    ----------
    dimension
        Coordinates d, stored as d pixels of one channel.
    degree
        Degree l: so many neighbours are multiplied.
    frequency
        ``"low"``: all s_i = 1, so that cyclic shifts leave the target alone. ``"high"``: s_i alternate
        (d even), so that a shift by one flips its sign: globally pooled kernels cannot fit it, and their
        error stays at 1 or above.

    References
    ----------
    Misiakiewicz, Mei (2022), arXiv:2111.08308.
    """

    dimension: PositiveInt = 20
    degree: PositiveInt = 3
    frequency: Literal["low", "high"] = "low"

    def model_post_init(self, context: object) -> None:
        if self.degree >= self.dimension:
            raise InvalidInputError(f"degree {self.degree} must be less than dimension {self.dimension}")
        if self.frequency == "high" and self.dimension % 2:
            raise InvalidInputError(f"frequency 'high' needs an even dimension, not {self.dimension}")

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice([-1.0, 1.0], (n, 1, self.dimension, 1))

    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        flat = x.reshape(len(x), -1)
        index = (np.arange(self.dimension)[:, None] + np.arange(self.degree)) % self.dimension
        signs = np.where(np.arange(self.dimension) % 2, -1.0, 1.0) if self.frequency == "high" else 1.0
        return (flat[:, index].prod(axis=2) * signs).sum(axis=1, keepdims=True) / self.dimension**0.5

    def _symmetry(self) -> str:
        if self.frequency == "high":
            return "trivial"
        return "s-p" if self.degree == 1 else "cyclic-shifts"

    def sample_scale(self, *, filter: int | None = None, window: int = 1) -> float:
        """Return the order of n at which a kernel of the task's degree starts to learn, constants left out.

        Parameters
        ----------
        filter
            Filter q of a local kernel (LCN, VEC); None for a fully connected one.
        window
            Pooling window w; the dimension for global pooling.
        """
        local = self.dimension if filter is None else filter
        return self.dimension * float(local) ** (self.degree - 1) / window

    def clean_facts(self) -> DataFacts:
        return DataFacts(
            source=f"degree {self.degree} {self.frequency}-frequency polynomial on {{-1, 1}}^{self.dimension}",
            shape=(1, self.dimension, 1),
            n_classes=None,
            chance_error=1.0,
            data_symmetry=self._symmetry(),
            dimension=float(self.dimension),
            prediction_condition=(
                "no power law: the error falls in a sigmoid of log n near n = d^l (fully connected), d q^(l-1) "
                "(local, filter q), divided by the pooling window"
            ),
            bayes_error=0.0,
        )
