"""Checks of arguments that many functions share, made before any work; what is not allowed is said with name and value."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from curvefit.errors import InvalidInputError


def equal_tails(probability: float) -> tuple[float, float, float]:
    """Return the probabilities of the low end, the median and the high end of an equal-tailed interval.

    Raises
    ------
    InvalidInputError
        When `probability` is not a number between 0 and 1.

    Examples
    --------
    >>> equal_tails(0.5)
    (0.25, 0.5, 0.75)
    """
    if not isinstance(probability, Real) or not 0 < probability < 1:
        raise InvalidInputError(f"probability {probability!r} must lie between 0 and 1")
    return (1 - probability) / 2, 0.5, (1 + probability) / 2


def check_count(name: str, value: int, *, least: int = 1) -> None:
    """Raise `InvalidInputError` unless the argument is a whole number of `least` or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InvalidInputError(f"{name} must be a whole number of {least} or more, not {value!r}")


def shares(name: str, values: object, *, ends: bool) -> np.ndarray:
    """Return numbers between 0 and 1 (values,), with or without these `ends`; raise `InvalidInputError` unless they are one or more."""
    try:
        found = np.asarray(values, float)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    inside = (found >= 0) & (found <= 1) if ends else (found > 0) & (found < 1)
    if found.ndim != 1 or not len(found) or not inside.all():
        raise InvalidInputError(
            f"{name} must be one or more numbers from 0 to 1{'' if ends else ', neither of them 0 or 1'}, not {values!r}"
        )
    return found


def check_times(times: float) -> None:
    """Raise `InvalidInputError` unless a multiple of the largest size is a finite number of 1 or more."""
    if not isinstance(times, Real) or not 1 <= times < np.inf:
        raise InvalidInputError(f"times must be a finite number of 1 or more, not {times!r}")


def positive_sizes(n: object) -> np.ndarray:
    """Return training-set sizes as an array (sizes,); raise `InvalidInputError` unless all are positive and finite."""
    sizes = np.atleast_1d(np.asarray(n, float))
    if sizes.ndim != 1 or not len(sizes) or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise InvalidInputError(f"n must be positive, finite sizes in one dimension, not {n!r}")
    return sizes


def positive_points(n: object, value: object, *, fewest: int, of: str) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes in ascending order and the values there, both (sizes,).

    Raises
    ------
    InvalidInputError
        When there are fewer than `fewest`, shapes differ, or one is not positive and finite; it says `of` what they are.
    """
    sizes, values = np.asarray(n, float), np.asarray(value, float)
    if sizes.shape != values.shape or sizes.ndim != 1 or len(sizes) < fewest:
        raise InvalidInputError(
            f"{of} needs {fewest} or more sizes with one value each, got shapes {sizes.shape} and {values.shape}"
        )
    for name, x in (("n", sizes), ("value", values)):
        wrong = x[~(np.isfinite(x) & (x > 0))]
        if len(wrong):
            raise InvalidInputError(
                f"{of} needs {name} positive and finite; the first that is not is {wrong[0]:g}"
            )
    order = np.argsort(sizes, kind="stable")
    return sizes[order], values[order]
