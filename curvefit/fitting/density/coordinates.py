"""The sampler's coordinates y, and those of the density, x, that they stand for: an exact change of variables with its derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from curvefit.fitting.density.leader import Leader
from curvefit.fitting.density.scalars import compiled, polynomial
from curvefit.fitting.density.stretch import stretched
from curvefit.fitting.ridge import DEGREE


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """``x = place(level) + T(level) y``, where the level is that of one of them, the leader, which is ``x = g(y)`` itself.

    T is triangular in some order, and linear between levels at equal distances from -1 to 1: its volume is the product of its
    diagonal, whatever the numbers in it. Without a leader, place and T are constant.

    Parameters
    ----------
    place
        Coefficients in powers of the level, shape (dimensions, DEGREE + 1).
    starts, columns, entries
        The rows of T, compressed: shapes (dimensions + 1,), (entries,) and (levels, entries). Of the leader: 1 on the diagonal alone.
    leader
        What the rest depends on.
    """

    place: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    entries: np.ndarray
    leader: Leader

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What `to_x` and `to_y` take of it."""
        rows = np.repeat(np.arange(len(self.place)), np.diff(self.starts))
        diagonal = np.flatnonzero(rows == self.columns)
        led, stretch = self.leader, self.leader.stretch
        return (
            self.place, self.starts, self.columns, self.entries, diagonal,
            (led.position, stretch.value, stretch.log_slope, led.centre, led.width),
        )  # fmt: skip


def shifted(place: np.ndarray, root: sp.csr_array) -> Coordinates:
    """Return ``x = place + root y``."""
    constant = np.zeros((len(place), DEGREE + 1))
    constant[:, 0] = place
    return Coordinates(constant, root.indptr, root.indices, root.data[None], Leader())


@compiled
def to_x(y, x, place, starts, columns, entries, diagonal, led):
    """Fill x; return the log of the volume's change, T's entries and how they change with the level, and what `to_y` wants to know of the leader."""
    leader, value, log_slope, centre, width = led
    volume, level, rise, root, steep = 0.0, 0.0, 0.0, entries[0], entries[0]
    if leader >= 0:
        x_leader, volume, rise = stretched(y[leader], value, log_slope)
        level = min(max((x_leader - centre) / width, -1.0), 1.0)
        root, steep = np.empty(len(columns)), np.empty(len(columns))
        pieces = entries.shape[0] - 1
        at = 0.5 * (level + 1.0) * pieces
        k = min(int(at), pieces - 1)
        for e in range(len(columns)):
            steep[e] = entries[k + 1, e] - entries[k, e]
            root[e] = entries[k, e] + (at - k) * steep[e]
            steep[e] *= 0.5 * pieces
    for i in range(len(x)):
        x[i] = polynomial(place[i], 0, level)[0]
        for e in range(starts[i], starts[i + 1]):
            x[i] += root[e] * y[columns[e]]
    slope = math.exp(volume)
    if leader >= 0:
        x[leader] = x_leader
        for e in diagonal:
            volume += math.log(root[e])
    return volume, root, steep, (level, slope, rise)


@compiled
def to_y(y, to_x, to, root, steep, at, place, starts, columns, entries, diagonal, led):
    """Fill derivatives by y from those by x, that of the volume included."""
    leader, (level, slope, rise), to_level = led[0], at, 0.0
    for i in range(len(y)):
        to[i] = 0.0
    for i in range(len(y)):
        for e in range(starts[i], starts[i + 1]):
            to[columns[e]] += root[e] * to_x[i]
    if leader >= 0:
        for i in range(len(y)):
            to_level += polynomial(place[i], 0, level)[1] * to_x[i]
            for e in range(starts[i], starts[i + 1]):
                to_level += steep[e] * y[columns[e]] * to_x[i]
        for e in diagonal:
            to_level += steep[e] / root[e]
        if level <= -1.0 or level >= 1.0:
            to_level = 0.0
        to[leader] = (to_x[leader] + to_level / led[4]) * slope + rise
