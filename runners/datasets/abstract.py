"""What every dataset is: settings that can produce a train/test split of any size and seed."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.registry import Registry
from curvefit.settings import Settings
from curvefit.triplet import DataFacts


@dataclass(frozen=True, slots=True)
class Split:
    """Training and test arrays of one run.

    Parameters
    ----------
    x_train, x_test
        Inputs, ``(n, height, width, channels)``, float64 unless the dataset says otherwise.
    y_train, y_test
        Class labels ``(n,)`` int64, or regression targets ``(n, outputs)`` float64.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class AbstractDataset(Settings, abc.ABC):
    """A dataset: seeded, of any size it can give, with one test set for all sizes.

    Laws (contract-tested): equal arguments give equal arrays; with nested training sets
    ``split(n)`` is a prefix of ``split(m)`` for n <= m; where the facts say that the test set is shared it
    depends on `study_seed` only, else on `seed` too, and never on n.
    """

    may_change: ClassVar[bool] = False
    """Whether equal settings may mean other data tomorrow: a user's own file. `facts().source` then tells them apart."""

    @abc.abstractmethod
    def facts(self) -> DataFacts:
        """Return what analysis needs to know, without building the data where that is dear."""

    @abc.abstractmethod
    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        """Return the split of `n_train` training examples for replicate `seed`."""

    @abc.abstractmethod
    def largest_n_train(self, study_seed: int = 0) -> int | None:
        """Return the largest training set this dataset can give a study of that seed, or None when unbounded."""


def check_prefixes(dataset: AbstractDataset, small: int, large: int, *, seed: int, study_seed: int) -> None:
    """Check on two sizes that training sets are nested where the facts say so; whole curves rest on it.

    Raises
    ------
    InvalidInputError
        When the smaller training set is no prefix of the larger one.
    """
    if dataset.facts().training_sets != "nested":
        return
    part, whole = (dataset.split(n, seed=seed, study_seed=study_seed) for n in (small, large))
    for name in ("x_train", "y_train"):
        if not np.array_equal(getattr(part, name), getattr(whole, name)[:small]):
            raise InvalidInputError(
                f"its facts say that training sets are nested, but {name} of {small} examples is not the beginning "
                f'of {name} of {large}: draw row by row, or give training_sets="independent" in its facts'
            )


DATASETS: Registry[type[AbstractDataset]] = Registry("dataset")
