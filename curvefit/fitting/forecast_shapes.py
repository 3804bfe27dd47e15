"""Shapes of the forecasting ensemble: every family is ``floor + height * shape(n)``, linear in floor and height.

A shape falls from 1 at few examples to 0 at many and depends on a family's other parameters only. Their priors
are stated relative to the range of sizes that was seen, so that one setting serves sizes of 16 and of 10**11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.families import FAMILIES


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Normal prior of the logarithm of one shape parameter.

    Parameters
    ----------
    name
        Parameter of the family.
    mean, sd
        Of the logarithm; for sizes, of ``log(size / anchor)``.
    anchor
        ``""`` for a pure number, ``"first"`` or ``"last"`` for a size relative to the smallest or largest seen.
    """

    name: str
    mean: float
    sd: float
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One member of the ensemble: a registered family and the priors of its shape parameters."""

    family: str
    priors: tuple[NormalPrior, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the shape parameters."""
        return tuple(prior.name for prior in self.priors)

    def natural(self, standard: np.ndarray, n: np.ndarray) -> dict[str, np.ndarray]:
        """Return natural parameter values of standard-normal coordinates (particles, parameters)."""
        anchors = {"": 0.0, "first": np.log(n.min()), "last": np.log(n.max())}
        return {
            prior.name: np.exp(
                np.clip(anchors[prior.anchor] + prior.mean + prior.sd * standard[:, i], -300, 300)
            )
            for i, prior in enumerate(self.priors)
        }

    def evaluate(self, sizes: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the shape, scaled to 1 at no example, at `sizes` (sizes,) for parameters (particles,)."""
        columns = {name: value[:, None] for name, value in values.items()}
        return FAMILIES[self.family].error(sizes[None, :], chance=1.0, floor=0.0, **columns)


_EXPONENT = NormalPrior("exponent", np.log(0.5).item(), 0.7)
_ONSET = NormalPrior("onset", 0.0, 2.0, "first")

#: The default ensemble. All sizes are relative to the range seen; nothing here is chosen per data set.
SHAPES: dict[str, Shape] = {
    "power-law": Shape("power-law", (_EXPONENT, _ONSET)),
    "m4": Shape("m4", (_EXPONENT, _ONSET, NormalPrior("saturation", 0.0, 0.7))),
    "broken-power-law": Shape(
        "broken-power-law",
        (
            _EXPONENT,
            _ONSET,
            NormalPrior("break_size", -1.5, 1.5, "last"),
            NormalPrior("early_ratio", 0.0, 0.7),
        ),
    ),
    "mmf4": Shape("mmf4", (_EXPONENT, NormalPrior("onset", 1.0, 2.0, "first"))),
    "wbl4": Shape(
        "wbl4", (NormalPrior("exponent", np.log(0.4).item(), 0.5), NormalPrior("onset", 1.0, 2.0, "first"))
    ),
    "exponential": Shape("exponential", (NormalPrior("onset", -1.0, 1.5, "last"),)),
}
DEFAULT_SHAPES = ("power-law", "m4", "broken-power-law", "mmf4", "wbl4")


def get_shape(name: str) -> Shape:
    """Return the shape called `name`."""
    if name not in SHAPES:
        raise unknown_name("forecasting family", name, SHAPES)
    return SHAPES[name]


def check_families(names: Sequence[str]) -> None:
    """Raise `InvalidInputError` unless `names` are one or more names of shapes, each in its own place."""
    if isinstance(names, str) or not len(names):
        raise InvalidInputError(
            f"families must be one or more names, as in ('power-law', 'm4'), not {names!r}"
        )
    for name in names:
        get_shape(name)
