"""The coordinate that mixed worst, found from draws, and where the others are as it moves.

Curves that cannot tell floors from exponents can trade one for the other all together: then means, effects, the bend and scales
move along a bent line, which no constant change of coordinates makes straight, and other regions of some mass lie at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curvefit.fitting.density.stretch import NO_STRETCH, Stretch, normalising
from curvefit.fitting.ridge import DEGREE

if TYPE_CHECKING:
    from curvefit.fitting.density.density import Density

#: Share of the leader's draws on either side beyond which the others follow no further.
_BEYOND = 0.005
#: Parts of the leader's range that count alike, however many draws they hold.
_BINS = 20
_LEAST = 1e-12  # square of a residual


@dataclass(frozen=True, slots=True, eq=False)
class Leader:
    """One coordinate x, the score y that it is stretched from, and its level, on which other coordinates depend.

    Parameters
    ----------
    position
        Of the coordinate; -1 for none.
    stretch
        From y to x.
    centre, width
        The level is ``(x - centre) / width``, kept within -1 to 1.
    """

    position: int = -1
    stretch: Stretch = NO_STRETCH
    centre: float = 0.0
    width: float = 1.0

    def level(self, x: np.ndarray) -> np.ndarray:
        """Return the level of the leader at coordinates `x`, shape (..., dimensions); 0 without one."""
        if self.position < 0:
            return np.zeros(x.shape[:-1])
        return np.clip((x[..., self.position] - self.centre) / self.width, -1.0, 1.0)


def slowest(density: Density, draws: np.ndarray) -> Leader:
    """Return the slowest coordinate of those that curves share; none where it did not move at all.

    Parameters
    ----------
    density
        The density that was sampled.
    draws
        Of its coordinates, shape (chains, draws, dimensions).
    """
    import arviz as az

    shared = np.concatenate([density.shared_positions(), density.scales])
    shared = np.setdiff1d(shared, density.positions("noise_floor_signed"))
    candidates = az.convert_to_dataset({"x": draws[..., shared]})
    ess = [az.ess(candidates, method=method)["x"].values for method in ("bulk", "tail")]
    position = int(shared[np.argmin(np.minimum(*ess))])
    led = draws[..., position].ravel()
    low, high = np.quantile(led, [_BEYOND, 1.0 - _BEYOND])
    if not high > low:
        return Leader()
    return Leader(position, normalising(led), float(0.5 * (low + high)), float(0.5 * (high - low)))


def places(leader: Leader, x: np.ndarray) -> np.ndarray:
    """Return means of coordinates given the leader's level, as coefficients of its powers, shape (dimensions, DEGREE + 1).

    Least squares over draws `x`, shape (draws, dimensions), in which all levels count alike.
    """
    return _fitted(leader.level(x), x, DEGREE)


def widths(leader: Leader, x: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the logarithms of how wide coordinates are around `place` given the leader's level, as coefficients of 1 and the level, shape (dimensions, 2).

    Least squares over draws `x`, shape (draws, dimensions); on average over them no coordinate is made wider.
    """
    level = leader.level(x)
    apart = x - level[:, None] ** np.arange(DEGREE + 1) @ place.T
    found = 0.5 * _fitted(level, np.log(apart**2 + _LEAST), 1)
    found[:, 0] = -found[:, 1] * level.mean()
    return found


def _fitted(level: np.ndarray, values: np.ndarray, degree: int) -> np.ndarray:
    """Return coefficients of a polynomial of the level for every column, all levels counting alike."""
    bins = np.minimum((level + 1.0) * (0.5 * _BINS), _BINS - 1).astype(int)
    weight = np.bincount(bins, minlength=_BINS)[bins][:, None] ** -0.5
    powers = level[:, None] ** np.arange(degree + 1)
    return np.linalg.lstsq(weight * powers, weight * values, rcond=None)[0].T
