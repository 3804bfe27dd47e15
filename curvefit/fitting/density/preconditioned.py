"""A density in coordinates that its own curvature makes nearly round, so that the sampler starts where others adapt to.

Curvature is best taken where the density is highest at the scales of the start (`highest`): the start itself may be far off.
Curves know of each other only through the group level, so the curvature is an arrow matrix: a block per row and a border. It is
differenced and factorised as such, which costs some hundred gradients for any number of curves.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.sparse.linalg import norm

from curvefit.fitting.density.density import Density
from curvefit.fitting.density.following import NO_ONE, Following
from curvefit.fitting.density.native import Native

_STEP = 1e-3
#: Most steps to the highest density.
_CLIMB = 200
#: Least curvature of any direction, in units of its coordinates' own: what looks flatter is left to the sampler.
_FLATTEST = 0.02
#: Entries of T below this share of their row's length are left out: with 600 curves three in four, and a third of a gradient's time.
_NEGLIGIBLE = 0.01


class Preconditioned:
    """The density of y, where ``u = middle + T y`` and ``T T'`` is the inverse curvature by u, small entries of T left out.

    T is constant, so the posterior is the same for any T. Scales keep their own axes, since the density is far from normal in
    them and curvature at one point misleads; so do the steps of walks, over which the curvature of the others is marginal.

    Parameters
    ----------
    density
        Log density, its gradient and starting values.
    points
        Coordinates x where the density is made round, on average, and in whose middle y is 0; shape (dimensions,) or (points, dimensions).
    following
        From u to the coordinates x of `density`.

    Attributes
    ----------
    centre
        Starting values of y: 0, shape (dimensions,).
    native
        The density and its gradient as a C function of y.
    """

    def __init__(self, density: Density, points: np.ndarray, following: Following = NO_ONE) -> None:
        self.density, self._following = density, following
        self.centre = np.zeros_like(density.centre)
        places = following.to_u(np.atleast_2d(points))
        self._middle, self._to_u = places.mean(axis=0), _inverse_root(density, places, following)
        self.native = density.through(self._middle, self._to_u, following)

    def __call__(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at `y`, shape (dimensions,); not finite where it overflows."""
        return self.native(y)

    def at(self, y: np.ndarray) -> np.ndarray:
        """Return the coordinates x of `density` at `y`, both of shape (dimensions,)."""
        return self._following.to_x(self._middle + self._to_u @ y)


def highest(density: Density) -> np.ndarray:
    """Return where a density is highest while its scales stay as they are at its start, shape (dimensions,)."""
    round_one = Preconditioned(density, density.centre)

    def below(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = round_one(y)
        gradient[density.scales] = 0.0
        return (-value, -gradient) if np.isfinite(value) else (np.inf, 0.0 * y)

    found = minimize(below, round_one.centre, jac=True, method="L-BFGS-B", options={"maxiter": _CLIMB})
    return round_one.at(found.x)


def _inverse_root(density: Density, places: np.ndarray, following: Following) -> sp.csr_array:
    """Return T for the curvature by u at `places`, on average, shape (dimensions, dimensions): its inverse transposed Cholesky factor, rows first."""
    size = len(density.centre)
    own, steps, scales = density.positions("theta_free"), density.step_positions(), density.scales
    shared = density.shared_positions()
    of_u = density.through(np.zeros(size), sp.eye_array(size, format="csr"), following)
    blocks = [np.concatenate([walked, mine]) for walked, mine in zip(steps, own)]
    longest = max(map(len, blocks))
    of_shared = np.array([_curvature(of_u, places, [i]) for i in shared]).reshape(len(shared), size)
    of_blocks = np.array(
        [_curvature(of_u, places, [b[k] for b in blocks if k < len(b)]) for k in range(longest)]
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
    spread = [max(_curvature(of_u, places, [i])[i], _FLATTEST) ** -0.5 for i in scales]
    diagonal = [(np.concatenate(steps), np.ones(sum(map(len, steps)))), (scales, np.array(spread))]
    found = [(np.repeat(i, len(j)), np.tile(j, len(i)), values.ravel()) for i, j, values in entries]
    i, j, values = map(np.concatenate, zip(*found, *((at, at, value) for at, value in diagonal)))
    root = sp.csr_array((values, (i, j)), shape=(size, size))
    lengths = np.repeat(norm(root, axis=1), np.diff(root.indptr))
    root.data[np.abs(root.data) < _NEGLIGIBLE * lengths] = 0.0
    root.eliminate_zeros()
    return root


def _without_first(matrix: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the root R of the inverse of the first `n` coordinates' block, what is below that block times R, and what is left of the rest."""
    root = _root_of_inverse(matrix[:n, :n])
    across = matrix[n:, :n] @ root
    return root, across, matrix[n:, n:] - across @ across.T


def _curvature(density: Native, places: np.ndarray, moved: list[int]) -> np.ndarray:
    """Return minus the derivative of the gradient as coordinates `moved` move together, mean over `places`, shape (dimensions,)."""
    step = np.zeros(places.shape[1])
    step[moved] = _STEP
    found = [density(u - step)[1] - density(u + step)[1] for u in places]
    return np.asarray(np.mean(found, axis=0) / (2.0 * _STEP))


def _root_of_inverse(matrix: np.ndarray) -> np.ndarray:
    """Return R with ``R R'`` the inverse of a symmetric matrix whose directions are kept from being flat."""
    own = np.sqrt(np.maximum(np.diag(matrix), _FLATTEST))
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T) / np.outer(own, own))
    return vectors / np.sqrt(np.maximum(np.abs(values), _FLATTEST)) / own[:, None]
