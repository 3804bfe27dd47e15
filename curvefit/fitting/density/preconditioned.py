"""A density in coordinates that its own curvature makes nearly round, so that the sampler starts where others adapt to.

Curvature is best taken where the density is highest at given scales (`highest`): a start or a draw may be far off.
Curves know of each other only through the group level, so the curvature is an arrow matrix: a block per row and a border. It is
differenced and factorised as such, which costs some hundred gradients for any number of curves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.sparse.linalg import norm

from curvefit.fitting.density.coordinates import Coordinates, shifted
from curvefit.fitting.density.density import Density
from curvefit.fitting.density.evaluation import placed
from curvefit.fitting.density.leader import places, slowest, widths
from curvefit.fitting.density.native import Native
from curvefit.fitting.ridge import DEGREE

_STEP = 1e-3
#: Most steps to the highest density.
_CLIMB = 200
#: Least curvature of any direction, in units of its coordinates' own: what looks flatter is left to the sampler.
_FLATTEST = 0.02
#: Entries of T below this share of their row's length are left out: with 600 curves three in four, and a third of a gradient's time.
_NEGLIGIBLE = 0.01
#: Levels of the leader at which the density is made round.
_LEVELS = 7
#: Draws at which it is made round on average.
_POINTS = 8


class Preconditioned:
    """The density of y, whose coordinates make it nearly round: ``T T'`` is its inverse curvature by x, small entries of T left out.

    The posterior is the same for any coordinates. Scales keep their own axes, since the density is far from normal in
    them and curvature at one point misleads; so do the steps of walks, over which the curvature of the others is marginal.

    Parameters
    ----------
    density
        Log density, its gradient and starting values.
    coordinates
        From y to the coordinates x of `density`.

    Attributes
    ----------
    centre
        Starting values of y: 0, shape (dimensions,).
    native
        The density and its gradient as a C function of y.
    """

    def __init__(self, density: Density, coordinates: Coordinates) -> None:
        self.density, self.coordinates = density, coordinates
        self.centre = np.zeros_like(density.centre)
        self.native = density.through(coordinates)
        self._placed = Native(placed, self.native.arguments[1:2])

    def __call__(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at `y`, shape (dimensions,); not finite where it overflows."""
        return self.native(y)

    def at(self, y: np.ndarray) -> np.ndarray:
        """Return the coordinates x of `density` at `y`, both of shape (dimensions,)."""
        return self._placed(y)[1]


def round_at(density: Density, place: np.ndarray, leader: int = -1) -> Preconditioned:
    """Return a density in coordinates that make it round at `place`, shape (dimensions,), where y is 0; given the leader's, if there is one."""
    return Preconditioned(
        density, shifted(place, _without_small([_inverse_root(density, place[None], leader)])[0])
    )


def round_along(density: Density, draws: np.ndarray) -> Preconditioned:
    """Return a density in coordinates learned from `draws` of its own, shape (chains, draws, dimensions).

    The slowest coordinate that curves share leads and is made normal. Where it is a scale, the others are made round at several of
    its levels, where the density is highest at that level and at the scales that draws have there: given scales it is nearly
    normal. Else the others are made round where draws are, on average, and follow the leader in place and in width. Steps of
    walks, nearly independent given what curves share, follow nothing.
    """
    leader, x = slowest(density, draws), draws.reshape(-1, draws.shape[2])
    if leader.position < 0:
        return round_at(density, x.mean(axis=0))
    levels = np.linspace(-1.0, 1.0, _LEVELS)
    powers = levels[:, None] ** np.arange(DEGREE + 1)
    place, still = places(leader, x), [leader.position, *density.positions("walk_free")]
    if leader.position in density.scales:
        tops = np.array([highest(density, mean, leader.position) for mean in powers @ place.T])
        place = np.linalg.lstsq(powers, tops, rcond=None)[0].T
        roots = [_inverse_root(density, top[None], leader.position) for top in tops]
    else:
        width = widths(leader, x, place)
        width[still] = 0.0
        points = x[np.linspace(0, len(x) - 1, _POINTS).astype(int)]
        apart = np.exp(leader.level(points)[:, None] ** [0, 1] @ width.T)
        root = _inverse_root(density, points, leader.position, apart)
        wide = np.exp(np.repeat(width, np.diff(root.indptr), axis=0) @ powers[:, :2].T)
        roots = [sp.csr_array((root.data * by, root.indices, root.indptr)) for by in wide.T]
    place[still] = 0.0
    roots = _without_small(roots)
    entries = np.array([root.data for root in roots])
    return Preconditioned(density, Coordinates(place, roots[0].indptr, roots[0].indices, entries, leader))


def highest(density: Density, start: np.ndarray, leader: int = -1) -> np.ndarray:
    """Return where a density is highest while its scales, and the leader, stay as they are at `start`, shape (dimensions,)."""
    round_one = round_at(density, start, leader)
    held = density.scales if leader < 0 else np.append(density.scales, leader)

    def below(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = round_one(y)
        gradient[held] = 0.0
        return (-value, -gradient) if np.isfinite(value) else (np.inf, 0.0 * y)

    found = minimize(below, round_one.centre, jac=True, method="L-BFGS-B", options={"maxiter": _CLIMB})
    return round_one.at(found.x)


def _inverse_root(density: Density, at: np.ndarray, leader: int, unit: Any = 1.0) -> sp.csr_array:
    """Return T for the mean curvature at some x, shape (points, dimensions), in units of that shape: its inverse transposed Cholesky factor, rows first.

    Given the leader's coordinate, if there is one: no other shares an entry with it, and its own is 1.
    """
    size = len(density.centre)
    own, steps = density.positions("theta_free"), density.step_positions()
    scales, shared = (np.setdiff1d(part, leader) for part in (density.scales, density.shared_positions()))
    blocks = [np.concatenate([walked, mine]) for walked, mine in zip(steps, own)]
    longest = max(map(len, blocks))
    of_shared = np.array([_curvature(density, at, unit, [i]) for i in shared]).reshape(len(shared), size)
    of_blocks = np.array(
        [_curvature(density, at, unit, [b[k] for b in blocks if k < len(b)]) for k in range(longest)]
    )
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    inner, answers, nothing = of_shared[:, shared], [], np.zeros((len(shared), len(shared)))
    for block, mine in zip(blocks, own):
        across = of_shared[:, block]
        joint = np.block([[of_blocks[: len(block), block], across.T], [across, nothing]])
        _, _, left = _without_first(joint, len(block) - len(mine))
        root, across, left = _without_first(left, len(mine))
        inner = inner + left
        answers.append(-root @ across.T)
        entries.append((mine, mine, root))
    root = _root_of_inverse(inner)
    entries += [(shared, shared, root), (own.ravel(), shared, np.concatenate(answers) @ root)]
    spread = [max(_curvature(density, at, unit, [i])[i], _FLATTEST) ** -0.5 for i in scales]
    diagonal = [(np.concatenate(steps), np.ones(sum(map(len, steps)))), (scales, np.array(spread))]
    if leader >= 0:
        diagonal.append((np.array([leader]), np.ones(1)))
    found = [(np.repeat(i, len(j)), np.tile(j, len(i)), values.ravel()) for i, j, values in entries]
    i, j, values = map(np.concatenate, zip(*found, *((where, where, value) for where, value in diagonal)))
    return sp.csr_array((values, (i, j)), shape=(size, size))


def _without_small(roots: list[sp.csr_array]) -> list[sp.csr_array]:
    """Return matrices of one pattern without the entries that are small in all of them."""
    rows = roots[0].tocoo().row
    kept = rows == roots[0].indices
    for root in roots:
        kept |= np.abs(root.data) >= _NEGLIGIBLE * norm(root, axis=1)[rows]
    starts = np.r_[0, np.cumsum(np.bincount(rows[kept], minlength=roots[0].shape[0]))]
    return [sp.csr_array((root.data[kept], root.indices[kept], starts), shape=root.shape) for root in roots]


def _without_first(matrix: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the root R of the inverse of the first `n` coordinates' block, what is below that block times R, and what is left of the rest."""
    root = _root_of_inverse(matrix[:n, :n])
    across = matrix[n:, :n] @ root
    return root, across, matrix[n:, n:] - across @ across.T


def _curvature(density: Density, at: np.ndarray, unit: Any, moved: list[int]) -> np.ndarray:
    """Return minus the derivative of the gradient as coordinates `moved` move together, mean over points, shape (dimensions,)."""
    step = np.zeros_like(at)
    step[:, moved] = _STEP
    step *= unit
    found = [density(x - by)[1] - density(x + by)[1] for x, by in zip(at, step)]
    return np.asarray((np.array(found) * unit).mean(axis=0) / (2.0 * _STEP))


def _root_of_inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the upper triangular R with ``R R'`` the inverse of a symmetric matrix whose directions are kept from being flat."""
    own = np.sqrt(np.maximum(np.diag(matrix), _FLATTEST))
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T) / np.outer(own, own))
    lower = np.linalg.cholesky((vectors * np.maximum(np.abs(values), _FLATTEST)) @ vectors.T)
    return np.linalg.inv(lower).T / own[:, None]
