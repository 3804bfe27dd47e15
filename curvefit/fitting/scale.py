"""Scales on which noise adds to a law: the logit for error rates, the logarithm for losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

#: How near 0 and 1 the error rates of a law may come where runs are seen around it.
EDGE = 1e-9
#: How near they may come where a law is moved: far beyond the data error rates are small.
FAR_EDGE = 1e-12
#: The smallest loss: below it a law is 0 as far as numbers go.
LEAST_LOSS = np.finfo(float).tiny


class AbstractScale(ABC):
    """A scale on which noise adds; its methods take numpy's arrays, and pytensor's where they take an array namespace `xp`.

    Attributes
    ----------
    name
        What it is called.
    of_rates
        Whether errors on it are rates, between 0 and 1, so that they may be counts on a test set.
    """

    name: ClassVar[str]
    of_rates: ClassVar[bool]

    @abstractmethod
    def transform(self, error: Any, xp: Any = np) -> Any:
        """Return errors on this scale."""

    @abstractmethod
    def errors(self, value: Any, xp: Any = np) -> Any:
        """Return the errors that `transform` takes to these values."""

    @abstractmethod
    def inside(self, error: Any, xp: Any = np) -> Any:
        """Return errors kept where `transform` is finite."""

    @abstractmethod
    def shifted(self, error: Any, by: Any) -> Any:
        """Return errors moved by so much on this scale."""

    @abstractmethod
    def log_slope(self, error: Any) -> Any:
        """Return by how much the log of an error changes where it changes by 1 on this scale."""

    def slope(self, error: Any) -> Any:
        """Return by how much an error changes where it changes by 1 on this scale."""
        return error * self.log_slope(error)


class LogitScale(AbstractScale):
    """``log(error / (1 - error))``, for error rates."""

    name = "logit"
    of_rates = True

    def transform(self, error: Any, xp: Any = np) -> Any:
        return xp.log(error) - xp.log1p(-error)

    def errors(self, value: Any, xp: Any = np) -> Any:
        return 1.0 / (1.0 + xp.exp(-value))

    def inside(self, error: Any, xp: Any = np) -> Any:
        return xp.clip(error, EDGE, 1 - EDGE)

    def shifted(self, error: Any, by: Any) -> Any:
        error = np.clip(error, FAR_EDGE, 1 - FAR_EDGE)
        return 1.0 / (1.0 + (1.0 - error) / error * np.exp(-by))

    def log_slope(self, error: Any) -> Any:
        return 1 - error


class LogScale(AbstractScale):
    """``log(error)``, for positive errors of any size."""

    name = "log"
    of_rates = False

    def transform(self, error: Any, xp: Any = np) -> Any:
        return xp.log(error)

    def errors(self, value: Any, xp: Any = np) -> Any:
        return xp.exp(value)

    def inside(self, error: Any, xp: Any = np) -> Any:
        return xp.maximum(error, LEAST_LOSS)

    def shifted(self, error: Any, by: Any) -> Any:
        return error * np.exp(by)

    def log_slope(self, error: Any) -> Any:
        return 1.0


LOGIT, LOG = LogitScale(), LogScale()
