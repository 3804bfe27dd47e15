"""Stationary kernels of teachers and students, for inputs ``(n, 1, positions, channels)``, in plain numpy.

A point of the torus T^d is stored as d pixels of two channels (cosine, sine of each angle), so that
translations of the torus are rotations of pixels; distances are chords.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

Profile = Literal["laplace", "matern-3/2", "matern-5/2", "polynomial"]


def _matern_three_halves(distance: np.ndarray) -> np.ndarray:
    scaled = 3**0.5 * distance
    return (1 + scaled) * np.exp(-scaled)


def _matern_five_halves(distance: np.ndarray) -> np.ndarray:
    scaled = 5**0.5 * distance
    return (1 + scaled + scaled**2 / 3) * np.exp(-scaled)


PROFILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "laplace": lambda distance: np.exp(-distance),
    "matern-3/2": _matern_three_halves,
    "matern-5/2": _matern_five_halves,
}
"""Correlation as a function of distance; Matern smoothness is 1/2, 3/2, 5/2."""

SMOOTHNESS = {"laplace": 0.5, "matern-3/2": 1.5, "matern-5/2": 2.5}


def embed_torus(angles: np.ndarray) -> np.ndarray:
    """Return points of the torus as pixels of two channels: ``(n, d)`` in [0, 1) -> ``(n, 1, d, 2)``."""
    turned = 2 * np.pi * angles
    return np.stack([np.cos(turned), np.sin(turned)], axis=-1)[:, None]


def kernel_matrix(x1: np.ndarray, x2: np.ndarray, profile: Profile = "laplace") -> np.ndarray:
    """Return the kernel between flattened inputs.

    Parameters
    ----------
    x1, x2
        ``(n1, ...)`` and ``(n2, ...)``, flattened to ``(n, d)``.
    profile
        A correlation of `PROFILES` applied to Euclidean distance, or ``"polynomial"``:
        ``0.2 (t + t^2 + t^3 + t^4 + t^5)`` of the mean product t of coordinates.

    Returns
    -------
    np.ndarray
        ``(n1, n2)`` float64.
    """
    from scipy.spatial.distance import cdist

    flat1, flat2 = x1.reshape(len(x1), -1), x2.reshape(len(x2), -1)
    if profile == "polynomial":
        t = flat1 @ flat2.T / flat1.shape[1]
        return 0.2 * t * (1 + t * (1 + t * (1 + t * (1 + t))))
    return PROFILES[profile](cdist(flat1, flat2))


def patches(x: np.ndarray, filter: int) -> np.ndarray:
    """Return cyclic patches of `filter` neighbouring positions: ``(positions, n, filter * channels)``."""
    positions = x.shape[2]
    index = (np.arange(positions)[:, None] + np.arange(filter)) % positions
    return x[:, 0][:, index].transpose(1, 0, 2, 3).reshape(positions, len(x), -1)


def local_kernel_matrix(
    x1: np.ndarray,
    x2: np.ndarray,
    *,
    filter: int,
    shared: bool,
    profile: Profile = "laplace",
) -> np.ndarray:
    """Return the kernel of a sum of functions of patches, one function per position or one for all.

    Parameters
    ----------
    x1, x2
        ``(n, 1, positions, channels)``.
    filter
        Positions in a patch.
    shared
        Convolutional (one function of all patches: mean over all pairs of positions) or local (an own
        function per position: mean over equal positions).
    profile
        Kernel on patches. Chords are divided by ``2 pi`` (short ones are then distances of the coordinates in
        [0, 1) themselves) and by `filter`.

    References
    ----------
    Favero, Cagnetta, Wyart (2021), arXiv:2106.08619.
    """
    scale = 1.0 if profile == "polynomial" else 1.0 / (2 * np.pi * filter)
    left, right = patches(x1, filter) * scale, patches(x2, filter) * scale
    positions = len(left)
    total = np.zeros((len(x1), len(x2)))
    for shift in range(positions if shared else 1):
        for position in range(positions):
            total += kernel_matrix(left[position], right[(position + shift) % positions], profile)
    return total / (positions * (positions if shared else 1))
