"""Kernel regression on teachers whose exponents are known: the truth that the dimension suite is held to.

Every simulator returns test mean squared errors, ``(sizes,)`` per student, of noiseless ridgeless regression on one
draw of points and teacher. A size smaller than the largest is averaged over a few disjoint training sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, cholesky
from scipy.spatial.distance import cdist

from curvefit.seeding import generator

Simulated: TypeAlias = tuple[float, dict[str, np.ndarray]]
"""Chance error of the target, and test errors ``(sizes,)`` per student."""
JITTER = 1e-9
N_TEST = 512
REPEATS = 4


def on_circles(points: np.ndarray) -> np.ndarray:
    """Return the flat embedding of torus coordinates in [0, 1): (n, d) -> (n, 2 d)."""
    angles = 2 * np.pi * points
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def gaussian_field(covariance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one draw of a centred Gaussian field with the given covariance, (n,)."""
    factor = cholesky(covariance + JITTER * np.eye(len(covariance)), lower=True, overwrite_a=True)
    return factor @ rng.standard_normal(len(covariance))


def regression_curve(kernel: np.ndarray, target: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return the test error of kernel interpolation at each size; the last `N_TEST` points are the test set."""
    largest = max(sizes)
    test = np.arange(len(target) - N_TEST, len(target))
    errors = []
    for n in sizes:
        at_n = []
        for repeat in range(min(REPEATS, largest // n)):
            train = np.arange(repeat * n, (repeat + 1) * n)
            gram = kernel[np.ix_(train, train)] + JITTER * np.eye(n)
            weights = cho_solve(cho_factor(gram, lower=True, overwrite_a=True), target[train])
            at_n.append(np.mean((kernel[np.ix_(test, train)] @ weights - target[test]) ** 2))
        errors.append(np.mean(at_n))
    return np.array(errors)


def torus(d: int, d_par: int, sizes: Sequence[int], seed: int) -> Simulated:
    """Simulate a target on T^d that depends on `d_par` coordinates, Laplace kernels throughout.

    The student ``full`` sees all coordinates (exponent 1/d); ``invariant`` those the target depends on (1/d_par).
    """
    rng = generator("torus", d, d_par, seed)
    points = rng.random((max(sizes) + N_TEST, d))
    relevant, every = on_circles(points[:, :d_par]), on_circles(points)
    teacher = np.exp(-cdist(relevant, relevant))
    target = gaussian_field(teacher.copy(), rng)
    return _chance(teacher), {
        "full": regression_curve(np.exp(-cdist(every, every)), target, sizes),
        "invariant": regression_curve(teacher, target, sizes),
    }


def patch_kernel(points: np.ndarray, patch: int, *, shared: bool) -> np.ndarray:
    """Return the kernel of `patch`-wide filters: separate at every position, or shared and summed over positions."""
    d = points.shape[1]
    patches = [np.roll(points, -start, axis=1)[:, :patch] for start in range(d)]
    pairs = [(i, j) for i in range(d) for j in range(d) if shared or i == j]
    total = np.zeros((len(points), len(points)))
    for i, j in pairs:
        total += np.exp(-cdist(on_circles(patches[i]), on_circles(patches[j])) / patch)
    return total / len(pairs)


def local_and_convolutional(d: int, filter_size: int, sizes: Sequence[int], seed: int) -> Simulated:
    """Simulate a convolutional teacher (cyclic shifts of `d` coordinates) with both students; exponent 1/filter_size.

    The students differ by a finite group of order d: the gain is in samples, not in dimension.
    """
    rng = generator("local", d, filter_size, seed)
    points = rng.random((max(sizes) + N_TEST, d))
    convolutional = patch_kernel(points, filter_size, shared=True)
    target = gaussian_field(convolutional.copy(), rng)
    return _chance(convolutional), {
        "local": regression_curve(patch_kernel(points, filter_size, shared=False), target, sizes),
        "convolutional": regression_curve(convolutional, target, sizes),
    }


def wrong_group(d: int, filter_size: int, sizes: Sequence[int], seed: int) -> Simulated:
    """Simulate a local teacher without shift symmetry; the convolutional student then has the wrong group."""
    rng = generator("wrong", d, filter_size, seed)
    points = rng.random((max(sizes) + N_TEST, d))
    local = patch_kernel(points, filter_size, shared=False)
    target = gaussian_field(local.copy(), rng)
    return _chance(local), {
        "local": regression_curve(local, target, sizes),
        "convolutional": regression_curve(patch_kernel(points, filter_size, shared=True), target, sizes),
    }


def curves_frame(
    simulate: Callable[[int], Simulated], sizes: Sequence[int], seeds: Sequence[int], *, data: str
) -> pd.DataFrame:
    """Return the tidy table of `simulate(seed)` over `seeds`: a row per student, size and seed."""
    rows = [
        {
            "data": data,
            "model": student,
            "inference": "kernel",
            "n_train": n,
            "seed": i,
            "value": error,
            "chance_error": chance,
        }
        for i, seed in enumerate(seeds)
        for chance, curves in [simulate(seed)]
        for student, errors in curves.items()
        for n, error in zip(sizes, errors)
    ]
    return pd.DataFrame(rows).assign(metric="mse")


def _chance(covariance: np.ndarray) -> float:
    """Return the expected error of the best constant prediction of a field with this covariance."""
    n = len(covariance)
    return float((np.trace(covariance) - (covariance.sum() - np.trace(covariance)) / (n - 1)) / n)
