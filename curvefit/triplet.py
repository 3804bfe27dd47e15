"""The triplet (D, M, I) and the facts about its members that travel in every record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from curvefit.errors import unknown_name

AXES = ("data", "model", "inference")


class Triplet(NamedTuple):
    """Labels of one (data, model, inference) combination.

    Examples
    --------
    >>> str(Triplet("shifted", "gap", "sgd"))
    'shifted | gap | sgd'
    """

    data: str
    model: str
    inference: str

    def __str__(self) -> str:
        return " | ".join(self)

    @classmethod
    def of(cls, given: tuple[str, str, str] | str, known: Iterable[Triplet]) -> Triplet:
        """Return which of the `known` triplets is given, as such or as ``"data | model | inference"``.

        Raises
        ------
        UnknownNameError
            When it is none of them.

        Examples
        --------
        >>> Triplet.of("shifted | gap | sgd", [Triplet("shifted", "gap", "sgd")]).model
        'gap'
        """
        by_label = {str(triplet): triplet for triplet in known}
        label = given if isinstance(given, str) else " | ".join(given)
        if label not in by_label:
            raise unknown_name("triplet", label, by_label)
        return by_label[label]


def label_matches(label: str, pattern: str) -> bool:
    """Return whether a label is what a pattern says; ``*`` stands for any text, all else for itself.

    Examples
    --------
    >>> label_matches("vec filter=[2, 2]", "vec filter=[2, 2]"), label_matches("vec filter=[2, 2]", "vec*")
    (True, True)
    """
    return label == pattern or _compiled(pattern).fullmatch(label) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What analysis needs to know about a dataset, measured or declared by whoever made it.

    Parameters
    ----------
    source
        What was really used, for example ``"Fashion-MNIST (Debian package)"``.
    shape
        ``(height, width, channels)`` of one input, after folding.
    n_classes
        Number of classes, or None for a regression target.
    chance_error
        Test error of the best constant prediction (error rate, or mean squared error).
    data_symmetry
        Registered name of the group the task is invariant under, as built (``"trivial"`` if unknown).
    transform
        Registered name of the group from which one fixed element was applied to train and test.
    training_sets
        ``"nested"`` (smaller sets are prefixes of larger ones) or ``"independent"``.
    shared_test_set
        Whether all sizes and seeds are scored on the same test set.
    dimension
        Dimension of the input manifold, if known.
    predicted_exponent, prediction_condition
        Exponent of test MSE that theory predicts, and the condition under which it holds.
    bayes_error
        Lowest reachable error, if known.
    """

    source: str
    shape: tuple[int, int, int]
    n_classes: int | None
    chance_error: float
    data_symmetry: str = "trivial"
    transform: str = "trivial"
    training_sets: str = "nested"
    shared_test_set: bool = True
    dimension: float | None = None
    predicted_exponent: float | None = None
    prediction_condition: str | None = None
    bayes_error: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What analysis needs to know about (M, I) on one dataset.

    Parameters
    ----------
    model_symmetry
        Registered name of the largest group of the chain that leaves (M, I) invariant.
    function_symmetry
        Group under which the learned *function* itself is invariant (cyclic shifts for circular GAP).
    n_parameters
        Trainable parameters; None for kernels.
    """

    model_symmetry: str = "trivial"
    function_symmetry: str = "trivial"
    n_parameters: int | None = None
