"""What every link is: a formula between exponent and dimension, with its source and its condition."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.registry import Registry
from curvefit.settings import Settings, parse_settings


@runtime_checkable
class Link(Protocol):
    """What dimensions and gains ask of a link; a registered formula and a measured `Ruler` both are one."""

    @property
    def name(self) -> str:
        """What it is called in sentences."""

    @property
    def relative(self) -> bool:
        """Whether only ratios of its dimensions mean anything."""

    def dimension(self, exponent: Any) -> np.ndarray:
        """Return the dimension at each exponent, ``(draws, triplets)``; NaN where there is none."""

    def assumptions(self, metric: str) -> tuple[str, ...]:
        """Return what a dimension takes for granted on curves of this metric, a sentence each."""


class AbstractLink(Settings, abc.ABC):
    """A strictly decreasing map from the exponent of a learning curve to a dimension.

    Laws (contract-tested): `dimension` undoes `exponent` and falls as the exponent grows; both work elementwise on
    arrays of any shape; a dimension that the link cannot give is NaN.

    Attributes
    ----------
    formula, source, condition
        In words, printed with every number the link gives.
    relative
        Whether only ratios of its dimensions mean anything.
    metrics
        The errors whose exponents the formula speaks of; none named means any.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    condition: ClassVar[str]
    relative: ClassVar[bool] = False
    metrics: ClassVar[tuple[str, ...]] = ("mse",)

    @abc.abstractmethod
    def dimension(self, exponent: Any) -> np.ndarray:
        """Return the dimension at each exponent."""

    @abc.abstractmethod
    def exponent(self, dimension: Any) -> np.ndarray:
        """Return the exponent at each dimension."""

    def assumptions(self, metric: str) -> tuple[str, ...]:
        """Return what a dimension from this link takes for granted, a sentence each."""
        sentences = [f"link {self.name}: {self.formula} ({self.source}); holds for {self.condition}."]
        if self.metrics and metric not in self.metrics:
            sentences.append(
                f"The link speaks of the exponent of {' or '.join(self.metrics)}; these curves are {metric}, "
                "so its dimensions are no more than labels of the exponent."
            )
        return tuple(sentences)


LINKS: Registry[type[AbstractLink]] = Registry("link")


def get_link(link: str | Link | Mapping[str, Any]) -> Link:
    """Return a link from its registered name, from ``{"name": ..., setting: ...}``, or as it is (a `Ruler`, say).

    Raises
    ------
    UnknownNameError
        When no link is registered under the name.
    InvalidInputError
        When its settings are not what it accepts.
    """
    if isinstance(link, str):
        link = {"name": link}
    if isinstance(link, Link):
        return link
    if not isinstance(link, Mapping) or "name" not in link:
        raise InvalidInputError(f"a link is a name, a mapping with 'name', or a link object, not {link!r}")
    settings = {key: value for key, value in link.items() if key != "name"}
    return parse_settings(LINKS[link["name"]], settings, where=f"link {link['name']!r}")


def positive(values: Any) -> np.ndarray:
    """Return `values` as floats with everything not positive replaced by NaN."""
    array = np.asarray(values, dtype=float)
    return np.where(array > 0, array, np.nan)
