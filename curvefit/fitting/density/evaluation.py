"""One evaluation of the density, from the sampler's coordinates to the gradient by them."""

from __future__ import annotations

import math

import numba
import numpy as np

from curvefit.fitting.density.rows import compiled
from curvefit.fitting.density.stages import after_law, before_law

NOT_FINITE = 4


@compiled
def evaluate(y, coordinates, law, chance, before, after, observed):
    """Return the log density at coordinates and its gradient, shape (dimensions,).

    Parameters
    ----------
    y
        Shape (dimensions,).
    coordinates
        Middle m, and T by compressed rows (starts, columns, values): the stages take ``x = m + T y``.
    law, chance
        See `law_with_partials`; chance errors per cell.
    before, after
        Arguments of `before_law`, and those that `after_law` takes before what `before_law` found.
    observed
        The remaining arguments of `after_law`, and what is to be added to the log density.
    """
    middle, first, column, entry = coordinates
    x = np.empty_like(y)
    for i in range(len(y)):
        x[i] = middle[i]
        for e in range(first[i], first[i + 1]):
            x[i] += entry[e] * y[column[e]]
    total, level, value, slope = before_law(x, *before)
    error, partial, by_size = np.empty(value.shape[1]), np.empty_like(value), np.empty(value.shape[1])
    law(
        level[-1].ctypes, chance.ctypes, value.ctypes, error.ctypes, partial.ctypes, by_size.ctypes, *value.shape
    )
    rest, to_x = after_law(x, *after, level, slope, error, partial, by_size, *observed[0])
    to_y = np.zeros_like(y)
    for i in range(len(y)):
        for e in range(first[i], first[i + 1]):
            to_y[column[e]] += entry[e] * to_x[i]
    return total + rest + observed[1], to_y


def density(size, at, gradient, value, data):  # type: ignore[no-untyped-def]
    """Evaluate as the body of a `Native`."""
    value[0], found = evaluate(numba.carray(at, (size,)), *data[0])
    finite = math.isfinite(value[0])
    for i in range(size):
        gradient[i] = found[i]
        finite = finite and math.isfinite(found[i])
    return 0 if finite else NOT_FINITE


def copied(size, wanted, at, to, data):  # type: ignore[no-untyped-def]
    """Copy coordinates as they are."""
    for i in range(size):
        to[i] = at[i]
    return 0
