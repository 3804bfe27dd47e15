"""Products of spheres: every pixel a point of a sphere, the target one eigenfunction of given degrees."""

from __future__ import annotations

import numpy as np
from pydantic import PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.triplet import DataFacts
from runners.datasets.abstract import DATASETS
from runners.datasets.teachers.abstract import AbstractFunctionTeacher
from runners.datasets.teachers.noise import TargetNoise


@DATASETS.register("product-of-spheres")
class ProductOfSpheres(TargetNoise, AbstractFunctionTeacher):
    """A product of zonal harmonics, one at each of a few pixels; pixels are uniform on spheres S^(c-1).

    ``y = prod_j Y_(k_j)(x_(j * spread))`` with ``k = degrees``. Its frequency is the sum of the degrees; its
    spatial complexity is the distance that a net has to bridge, set by `spread`. Kernels of deep local nets
    learn eigenfunctions in the order of the two together, fully connected ones by the frequency alone.

    Parameters
    ----------
    pixels
        Number of spheres.
    channels
        Coordinates c of each.
    degrees
        Degree k_j of the harmonic at the j-th active pixel, each 1 or more.
    spread
        Distance between active pixels: 1 is local, ``pixels // len(degrees)`` as far apart as can be.

    References
    ----------
    Xiao (2022), "Eigenspace restructuring: a principle of space and frequency in neural networks", COLT 2022,
    arXiv:2112.05611.
    """

    pixels: PositiveInt = 8
    channels: PositiveInt = 4
    degrees: tuple[PositiveInt, ...] = (1, 1)
    spread: PositiveInt = 1

    def model_post_init(self, context: object) -> None:
        if self.channels < 2:
            raise InvalidInputError(f"channels {self.channels} must be 2 or more: one channel has no sphere")
        if not self.degrees or (len(self.degrees) - 1) * self.spread >= self.pixels:
            raise InvalidInputError(
                f"degrees {self.degrees} at spread {self.spread} do not fit {self.pixels} pixels"
            )

    def draw_inputs(self, n: int, rng: np.random.Generator) -> np.ndarray:
        x = rng.standard_normal((n, 1, self.pixels, self.channels))
        return x * self.channels**0.5 / np.linalg.norm(x, axis=-1, keepdims=True)

    def target(self, x: np.ndarray, *, study_seed: int) -> np.ndarray:
        axes = generator(study_seed, "axes", self.pixels, self.channels).standard_normal(
            (len(self.degrees), self.channels)
        )
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        y = np.ones(len(x))
        for position, (degree, axis) in enumerate(zip(self.degrees, axes)):
            cosine = x[:, 0, position * self.spread] @ axis / self.channels**0.5
            y *= zonal_harmonic(cosine, degree, self.channels)
        return y[:, None]

    def clean_facts(self) -> DataFacts:
        seen = (len(self.degrees) - 1) * self.spread + 1
        return DataFacts(
            source=f"harmonics of degrees {self.degrees} on a product of {self.pixels} spheres S^{self.channels - 1}",
            shape=(1, self.pixels, self.channels),
            n_classes=None,
            chance_error=1.0,
            data_symmetry=f"o-c-tail-{seen}" if seen < self.pixels else "trivial",
            dimension=float(self.pixels * (self.channels - 1)),
            prediction_condition=(
                f"no power law: a fully connected kernel learns this function near n = d^{sum(self.degrees)} "
                f"with d = {self.pixels * self.channels} inputs"
            ),
            bayes_error=0.0,
        )


def zonal_harmonic(cosine: np.ndarray, degree: int, channels: int) -> np.ndarray:
    """Return the zonal harmonic of `degree` on S^(channels-1), of unit variance under the uniform law.

    Parameters
    ----------
    cosine
        Product of the point with the axis, both of unit length.
    degree, channels
        Degree of the harmonic; coordinates of the sphere.
    """
    from scipy.special import eval_chebyt, eval_gegenbauer, gammaln

    if channels == 2:
        return 2**0.5 * eval_chebyt(degree, cosine)
    a = (channels - 2) / 2
    # E C_k(t)^2 = a / (k + a) * C_k(1), with C_k(1) = Gamma(k + 2a) / (k! Gamma(2a))
    at_one = np.exp(gammaln(degree + 2 * a) - gammaln(degree + 1) - gammaln(2 * a))
    return eval_gegenbauer(degree, a, cosine) / np.sqrt(a / (degree + a) * at_one)
