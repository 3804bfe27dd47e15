"""Shapes of the forecasting ensemble: every family is ``floor + height * shape(n)``, linear in floor and height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.families import FAMILIES, ShapePrior


@dataclass(frozen=True, slots=True)
class Shape:
    """One member of the ensemble: a registered family and the priors of its shape parameters."""

    family: str
    priors: tuple[ShapePrior, ...]

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


#: The default ensemble. All sizes are relative to the range seen; nothing here is chosen per data set.
DEFAULT_SHAPES = ("power-law", "m4", "broken-power-law", "mmf4", "wbl4")


def get_shape(name: str) -> Shape:
    """Return the shape of the registered family called `name`; InvalidInputError where it has none."""
    priors = FAMILIES[name].shape_priors
    if not priors:
        others = [other for other, family in FAMILIES.items() if family.shape_priors]
        raise InvalidInputError(
            f"family {name!r} has no shape priors, so point fits and forecasts cannot use it; {', '.join(others)} have them"
        )
    return Shape(name, priors)


def check_families(names: Sequence[str]) -> None:
    """Raise `InvalidInputError` unless `names` are one or more families with a shape, none of them twice."""
    if isinstance(names, str) or not len(names):
        raise InvalidInputError(
            f"families must be one or more names, as in ('power-law', 'm4'), not {names!r}"
        )
    for name in names:
        get_shape(name)
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise InvalidInputError(f"families must differ; given more than once: {', '.join(twice)}")
