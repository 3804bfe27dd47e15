"""One evaluation of the density, from the sampler's coordinates to the gradient by them: bodies of C functions."""

from __future__ import annotations

import math

import numba
import numpy as np

from curvefit.fitting.density.cells import to_scale
from curvefit.fitting.density.coordinates import to_x, to_y
from curvefit.fitting.density.scalars import compiled
from curvefit.fitting.density.stages import after_law, before_law, on_test_sets, walk_coordinates, walk_step
from curvefit.fitting.density.walks import walk_path

_NOT_FINITE = 4


@compiled
def read_law(law, size, chance, table, error, partial, by_size):
    """Call the C function of `law_with_partials`."""
    law(
        size.ctypes, chance.ctypes, table.ctypes, error.ctypes, partial.ctypes, by_size.ctypes, table.shape[0], table.shape[1]
    )  # fmt: skip


def density(size, at, to, value, data):  # type: ignore[no-untyped-def]
    """Write the log density at coordinates and its gradient, or what the stages find; see `Native` for the arguments.

    One body for both, since each would be compiled with all that it calls. The data are

    - whether levels are wanted: theta and what is expected of it, means, the bend, standardised steps of walks;
    - what `Coordinates` say of the way from y to the x of the stages;
    - law and chance errors per cell (see `law_with_partials`);
    - arguments of `before_law`;
    - those that `after_law` takes before what `before_law` found;
    - those that it takes behind, and what is to be added to the log density;
    - the digest of the sources.
    """
    (
        levels,
        coordinates,
        law,
        chance,
        before,
        after,
        (observed, added),
        _,
    ) = data[0]
    y, x = numba.carray(at, (size,)), np.empty(size)
    volume, root, steep, where = to_x(y, x, *coordinates)
    before_value, level, table, slope = before_law(x, *before)
    if levels:
        step = standard_steps(
            x, before[0], observed[0], observed[3], observed[5], law, chance, level[-1], table
        )
        write_levels(to, level, step)
        return 0
    shape = table.shape
    error, partial, by_size = np.empty(shape[1]), np.empty(shape), np.empty(shape[1])
    read_law(law, level[-1], chance, table, error, partial, by_size)
    rest, by_x = after_law(x, *after, level, slope, error, partial, by_size, *observed)
    value[0] = before_value + rest + added + volume
    gradient = numba.carray(to, (size,))
    to_y(y, by_x, gradient, root, steep, where, *coordinates)
    finite = math.isfinite(value[0])
    for i in range(size):
        finite = finite and math.isfinite(gradient[i])
    return 0 if finite else _NOT_FINITE


def placed(size, at, to, value, data):  # type: ignore[no-untyped-def]
    """Write the coordinates x that y stand for; the data are what `Coordinates` say, and the digest of the sources."""
    coordinates, _ = data[0]
    to_x(numba.carray(at, (size,)), numba.carray(to, (size,)), *coordinates)
    return 0


@compiled
def write_levels(to, level, step):
    """Write levels and the steps of walks one after another."""
    theta, expected, _, _, mean, _, _, _, _, bend, _ = level
    place = 0
    for table in (theta, expected):
        for row in range(table.shape[0]):
            for k in range(table.shape[1]):
                to[place] = table[row, k]
                place += 1
    for found in (mean, bend, step):
        for i in range(len(found)):
            to[place] = found[i]
            place += 1


@compiled
def standard_steps(x, starts, log_link, points, walks, law, chance, size, table):
    """Return the standardised steps of sampled walks at coordinates; none without them."""
    free = walk_coordinates(x, starts)
    step = np.empty_like(free)
    if walks is not None:
        path, open_, later = np.empty(len(size)), np.empty(len(size)), np.empty((len(size), 2))
        error, partial, by_size = np.empty(len(size)), np.empty_like(table), np.empty(len(size))
        read_law(law, size, chance, table, error, partial, by_size)
        scaled = np.empty(len(size))
        to_scale(log_link, on_test_sets(x, starts, points, error)[0], scaled)
        walk_path(free, walk_step(x, starts), *walks, scaled, step, path, open_, later)
    return step


def copied(size, wanted, at, to, data):  # type: ignore[no-untyped-def]
    """Write coordinates as they are."""
    for i in range(size):
        to[i] = at[i]
    return 0
