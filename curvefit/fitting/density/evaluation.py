"""One evaluation of the density, from the sampler's coordinates to the gradient by them: bodies of C functions."""

from __future__ import annotations

import math

import numba
import numpy as np

from curvefit.fitting.density.stages import after_law, before_law

_NOT_FINITE = 4


def density(size, at, gradient, value, data):  # type: ignore[no-untyped-def]
    """Write the log density at coordinates and its gradient; see `Native` for the arguments.

    The data are

    - middle m, and T by compressed rows (starts, columns, values): the stages take ``x = m + T y``;
    - law and chance errors per cell (see `law_with_partials`);
    - arguments of `before_law`;
    - those that `after_law` takes before what `before_law` found;
    - those that it takes behind, and what is to be added to the log density.
    """
    (middle, first, column, entry), law, chance, before, after, (observed, added) = data[0]
    y, to_y, x = numba.carray(at, (size,)), numba.carray(gradient, (size,)), np.empty(size)
    for i in range(size):
        x[i], to_y[i] = middle[i], 0.0
        for e in range(first[i], first[i + 1]):
            x[i] += entry[e] * y[column[e]]
    before_value, level, table, slope = before_law(x, *before)
    shape = table.shape
    error, partial, by_size = np.empty(shape[1]), np.empty(shape), np.empty(shape[1])
    law(
        level[-1].ctypes, chance.ctypes, table.ctypes, error.ctypes, partial.ctypes, by_size.ctypes, shape[0], shape[1]
    )  # fmt: skip
    rest, to_x = after_law(x, *after, level, slope, error, partial, by_size, *observed)
    value[0] = before_value + rest + added
    for i in range(size):
        for e in range(first[i], first[i + 1]):
            to_y[column[e]] += entry[e] * to_x[i]
    finite = math.isfinite(value[0])
    for i in range(size):
        finite = finite and math.isfinite(to_y[i])
    return 0 if finite else _NOT_FINITE


def copied(size, wanted, at, to, data):  # type: ignore[no-untyped-def]
    """Write coordinates as they are."""
    for i in range(size):
        to[i] = at[i]
    return 0
