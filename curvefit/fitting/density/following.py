"""How all coordinates follow the one that mixed worst, learned from draws.

Curves that cannot tell floors from exponents can trade one for the other all together: then means, effects, the bend and scales
move along a bent line, which no constant change of coordinates makes straight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curvefit.fitting.density.scalars import compiled, polynomial
from curvefit.fitting.ridge import DEGREE

if TYPE_CHECKING:
    from curvefit.fitting.density.density import Density

#: Share of the leader's draws on either side beyond which the others follow no further.
_BEYOND = 0.005
_LEAST = 1e-12  # square of a residual


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """Coordinates x of a density from coordinates u: ``x = place(level) + u exp(log_factor(level))``, where the level is that of one of them, the leader.

    The leader stays as it is, so the change of variables is exact whatever the coefficients, and its volume is the product of the factors.

    Parameters
    ----------
    leader
        Position of the leader; -1 for ``x = u``.
    centre, width
        The level is ``(u[leader] - centre) / width``, kept within -1 to 1.
    place, log_factor
        Coefficients in powers of the level, shape (dimensions, DEGREE + 1), 0 for the leader; (0, DEGREE + 1) without one.
    """

    leader: int
    centre: float
    width: float
    place: np.ndarray
    log_factor: np.ndarray

    def to_x(self, u: np.ndarray) -> np.ndarray:
        """Return x at `u`, both of shape (..., dimensions)."""
        place, factor = self._at(u)
        return place + u * factor

    def to_u(self, x: np.ndarray) -> np.ndarray:
        """Return u at `x`, both of shape (..., dimensions)."""
        place, factor = self._at(x)
        return (x - place) / factor

    def _at(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.leader < 0:
            return np.zeros(at.shape[-1]), np.ones(at.shape[-1])
        powers = _powers((at[..., self.leader] - self.centre) / self.width)
        return powers @ self.place.T, np.exp(powers @ self.log_factor.T)


#: No coordinate follows another.
NO_ONE = Following(-1, 0.0, 1.0, *np.zeros((2, 0, DEGREE + 1)))


def learned(density: Density, draws: np.ndarray) -> Following:
    """Return how coordinates follow the slowest of those that curves share: their means and spreads given it, by least squares.

    Steps of walks, nearly independent given what curves share, follow nothing.

    Parameters
    ----------
    density
        The density that was sampled.
    draws
        Of its coordinates, shape (chains, draws, dimensions).
    """
    import arviz as az

    slow = np.setdiff1d(
        np.concatenate([density.shared_positions(), density.scales]), density.positions("noise_floor_signed")
    )
    ess = az.ess(az.convert_to_dataset({"x": draws[..., slow]}))["x"].values
    leader = int(slow[np.argmin(ess)])
    x = draws.reshape(-1, draws.shape[2])
    low, high = np.quantile(x[:, leader], [_BEYOND, 1.0 - _BEYOND])
    if not high > low:
        return NO_ONE
    centre, width = float(0.5 * (low + high)), float(0.5 * (high - low))
    powers = _powers((x[:, leader] - centre) / width)
    place = np.linalg.lstsq(powers, x, rcond=None)[0].T
    squares, log_factor = (x - powers @ place.T) ** 2, np.zeros_like(place)
    straight = powers[:, :2]
    log_factor[:, :2] = 0.5 * np.linalg.lstsq(straight, np.log(squares + _LEAST), rcond=None)[0].T
    log_factor[:, 0] -= (straight @ log_factor[:, :2].T).mean(axis=0)
    for found in (place, log_factor):
        found[[leader, *density.positions("walk_free")]] = 0.0
    return Following(leader, centre, width, place, log_factor)


def _powers(level: np.ndarray) -> np.ndarray:
    return np.clip(level, -1.0, 1.0)[..., None] ** np.arange(DEGREE + 1)


@compiled
def follow(x, leader, centre, width, place, log_factor):
    """Change coordinates u in place to x (see `Following`); return the log of the volume's change."""
    volume = 0.0
    if leader >= 0:
        level = min(max((x[leader] - centre) / width, -1.0), 1.0)
        for i in range(len(x)):
            log = polynomial(log_factor[i], 0, level)[0]
            x[i] = polynomial(place[i], 0, level)[0] + x[i] * math.exp(log)
            volume += log
    return volume


@compiled
def follow_back(x, leader, centre, width, place, log_factor, to_x):
    """Change derivatives by x in place to those by u, that of the volume included."""
    if leader >= 0:
        level, to_level = min(max((x[leader] - centre) / width, -1.0), 1.0), 0.0
        for i in range(len(x)):
            at, rise = polynomial(place[i], 0, level)
            log, log_rise = polynomial(log_factor[i], 0, level)
            to_level += rise * to_x[i] + log_rise * ((x[i] - at) * to_x[i] + 1.0)
            to_x[i] *= math.exp(log)
        if -1.0 < level < 1.0:
            to_x[leader] += to_level / width
