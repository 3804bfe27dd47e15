"""Noise of one run: between seeds, and from counting errors on a finite test set. For numpy and pytensor alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from curvefit.fitting.known_likelihoods import Likelihood

#: Degrees of freedom of the Student-t likelihoods: heavy enough for a failed run, light enough to have a variance.
STUDENT_FREEDOM = 4.0
#: Variance between seeds below which a beta-binomial is a binomial.
SMALLEST_VARIANCE = 1e-6


def seed_variance(xp: Any, log_noise: Any, slope: Any, floor: Any, relative: Any) -> Any:
    """Return the variance between seeds, on the logit (or log) scale.

    Parameters
    ----------
    xp
        Array namespace, `numpy` or `pytensor.tensor`.
    log_noise, slope, floor
        Log standard deviation at the middle size, its fall with log n, and the standard deviation left at large n.
    relative
        Log of size over middle size.
    """
    return xp.exp(2.0 * (log_noise - slope * relative)) + floor**2


def counting_variance(error: Any, test: Any, variance: Any) -> Any:
    """Return the variance that the test set causes on the logit scale, or a given standard error on either.

    Parameters
    ----------
    error
        Expected error.
    test
        Test points; None where errors are no counts, as on the log scale.
    variance
        What holds then.
    """
    return variance if test is None else 1.0 / (test * error * (1.0 - error))


def shared_shift(xp: Any, standard: Any, correlation: Any, n_test: Any) -> Any:
    """Return how far runs that are scored on the same test points are all moved, as an angle (see `on_test_points`).

    Parameters
    ----------
    xp
        Array namespace, `numpy` or `pytensor.tensor`.
    standard
        The shift in units of its standard deviation.
    correlation
        Between the counting noise of two such runs.
    n_test
        Test points.
    """
    return standard * xp.sqrt(correlation / (4.0 * n_test))


def on_test_points(xp: Any, error: Any, shift: Any) -> Any:
    """Return error rates on certain test points, given those on all that could be drawn.

    They are moved as angles, ``arcsin(sqrt(error))``, on which a share of `n_test` has the variance ``1 / (4 n_test)`` at any rate
    (Bartlett 1936).
    """
    return xp.sin(xp.arcsin(xp.sqrt(error)) + shift) ** 2


def standard_noise(likelihood: Likelihood, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw noise of variance 1 as a Gaussian or Student-t likelihood has it."""
    if likelihood.noise != "student":
        return rng.standard_normal(shape)
    return student_scale(1.0) * rng.standard_t(STUDENT_FREEDOM, shape)


def student_scale(variance: Any) -> Any:
    """Return the scale of the Student-t likelihoods' noise of a variance."""
    return (variance * (STUDENT_FREEDOM - 2.0) / STUDENT_FREEDOM) ** 0.5


def covariance_of_means(
    doublings: np.ndarray, between: np.ndarray, counting: np.ndarray, shared: np.ndarray, correlation: Any
) -> np.ndarray:
    """Return the covariance of a curve's means over seeds, shape (..., cells, cells).

    Parameters
    ----------
    doublings
        Of the size, shape (cells,).
    between, counting
        Variances of a run between seeds and from counting, shape (..., cells).
    shared
        Share of the pairs of a seed of one cell and a seed of another that are one seed, shape (cells, cells): one over the
        number of seeds where both cells hold the same, 0 where they hold different ones.
    correlation
        Of seed noise a doubling, 0 for none, shape (...).
    """
    lag, sd = np.abs(np.subtract.outer(doublings, doublings)), np.sqrt(between)
    seeds = np.asarray(correlation)[..., None, None] ** lag * sd[..., :, None] * sd[..., None, :]
    return shared * (seeds + np.eye(len(doublings)) * counting[..., None, :])
