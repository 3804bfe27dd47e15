"""A density in coordinates that its own curvature makes nearly round, so that the sampler starts where others adapt to.

Curvature is best taken where the density is highest at the scales of the start (`highest`): the start itself may be far off.
Curves know of each other only through the group level, so the curvature is an arrow matrix: a block per row and a border. It is
differenced and factorised as such, which costs some hundred gradients for any number of curves.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from curvefit.fitting.density.density import Density

_STEP = 1e-3
#: Most steps to the highest density.
_CLIMB = 200
#: Least curvature of any direction, in units of its coordinates' own: what looks flatter is left to the sampler.
_FLATTEST = 0.02


class Preconditioned:
    """The density of y, where ``x = middle + T y`` are the coordinates of `density` and ``T T'`` is its inverse curvature at the middle.

    T is constant, so the posterior is the same for any T. Scales keep their own axes, since the density is far from normal in
    them and curvature at one point misleads; so do the steps of walks, over which the curvature of the others is marginal.

    Parameters
    ----------
    density
        Log density, its gradient and starting values.
    middle
        Where the density is made round, and where y is 0; shape (dimensions,).

    Attributes
    ----------
    centre
        Starting values of y: 0, shape (dimensions,).
    native
        The density and its gradient as a C function of y.
    """

    def __init__(self, density: Density, middle: np.ndarray) -> None:
        self.density = density
        self.centre = np.zeros_like(middle)
        self._middle, self._to_x = middle, _inverse_root(density, middle)
        self.native = density.through(self._middle, self._to_x)

    def __call__(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient at `y`, shape (dimensions,); not finite where it overflows."""
        return self.native(y)

    def expand(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """Return one draw's parameters by name; see `Density.expand`."""
        return self.density.expand(self.at(y))

    def at(self, y: np.ndarray) -> np.ndarray:
        """Return the coordinates x of `density` at `y`, both of shape (dimensions,)."""
        return self._middle + self._to_x @ y


def highest(density: Density) -> np.ndarray:
    """Return where a density is highest while its scales stay as they are at its start, shape (dimensions,)."""
    round_one = Preconditioned(density, density.centre)

    def below(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = round_one(y)
        gradient[density.scales] = 0.0
        return (-value, -gradient) if np.isfinite(value) else (np.inf, 0.0 * y)

    found = minimize(below, round_one.centre, jac=True, method="L-BFGS-B", options={"maxiter": _CLIMB})
    return round_one.at(found.x)


def _inverse_root(density: Density, x: np.ndarray) -> sp.csr_array:
    """Return T at `x`, shape (dimensions, dimensions): the inverse transposed Cholesky factor of the curvature, rows first."""
    size = len(density.centre)
    own, steps, scales = density.positions("theta_free"), density.step_positions(), density.scales
    shared = np.setdiff1d(np.arange(size), np.concatenate([own.ravel(), *steps, scales]))
    blocks = [np.concatenate([walked, mine]) for walked, mine in zip(steps, own)]
    longest = max(map(len, blocks))
    of_shared = np.array([_curvature(density, x, [i]) for i in shared]).reshape(len(shared), size)
    of_blocks = np.array(
        [_curvature(density, x, [b[k] for b in blocks if k < len(b)]) for k in range(longest)]
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
    spread = [max(_curvature(density, x, [i])[i], _FLATTEST) ** -0.5 for i in scales]
    diagonal = [(np.concatenate(steps), np.ones(sum(map(len, steps)))), (scales, np.array(spread))]
    found = [(np.repeat(i, len(j)), np.tile(j, len(i)), values.ravel()) for i, j, values in entries]
    i, j, values = map(np.concatenate, zip(*found, *((at, at, value) for at, value in diagonal)))
    return sp.csr_array((values, (i, j)), shape=(size, size))


def _without_first(matrix: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the root R of the inverse of the first `n` coordinates' block, what is below that block times R, and what is left of the rest."""
    root = _root_of_inverse(matrix[:n, :n])
    across = matrix[n:, :n] @ root
    return root, across, matrix[n:, n:] - across @ across.T


def _curvature(density: Density, x: np.ndarray, moved: list[int]) -> np.ndarray:
    """Return minus the derivative of the gradient at `x` as coordinates `moved` move together, shape (dimensions,)."""
    step = np.zeros_like(x)
    step[moved] = _STEP
    return (density(x - step)[1] - density(x + step)[1]) / (2.0 * _STEP)


def _root_of_inverse(matrix: np.ndarray) -> np.ndarray:
    """Return R with ``R R'`` the inverse of a symmetric matrix whose directions are kept from being flat."""
    own = np.sqrt(np.maximum(np.diag(matrix), _FLATTEST))
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T) / np.outer(own, own))
    return vectors / np.sqrt(np.maximum(np.abs(values), _FLATTEST)) / own[:, None]
