"""Penalised least squares of all curves at once: Gauss-Newton steps, damped where one would not lower what is left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from curvefit.fitting.modes import certainty

#: From theta to how the modes of every row change with it, shape (rows, modes, parameters), and what is left of them, (rows, modes).
Linear = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_CANDIDATES = 64
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-9, 1e9
_EASIER, _HARDER = 0.1, 5.0
_WALKS = np.linspace(-2.5, 4.0, 40)  # in standard deviations of the prior of its logarithm
_ENOUGH = 1e-2  # longest step, in standard deviations of what data and prior leave open, that ends the climb


def quadratic(slopes: np.ndarray, rests: np.ndarray, certain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss-Newton information and gradient of every row, shapes (rows, parameters, parameters) and (rows, parameters)."""
    weighted = certain[..., None] * slopes
    return np.einsum("rmk,rml->rkl", weighted, slopes), np.einsum("rmk,rm->rk", weighted, rests)


def best_of_prior(
    left: Callable[[np.ndarray], np.ndarray], certain: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Return the most likely of `_CANDIDATES` points of the prior for every row, shape (rows, parameters).

    Far from the data a law may say nothing of them: an error that would lie above 1 has no slope.

    Parameters
    ----------
    left, certain
        From theta to what is left of the modes, and their inverse variances, shape (rows, modes).
    prior
        Means and standard deviations, shape (parameters, 2).
    """
    points = ndtri(qmc.Sobol(len(prior), seed=0).random(_CANDIDATES))
    points[0] = 0.0
    candidates = prior[:, 0] + points * prior[:, 1]
    rests = np.array([left(np.tile(at, (len(certain), 1))) for at in candidates])
    below = np.einsum("rm,crm->cr", certain, rests**2) + (points**2).sum(axis=1)[:, None]
    return candidates[np.argmin(np.where(np.isfinite(below), below, np.inf), axis=0)]


def climb(
    linear: Linear,
    certain: np.ndarray,
    theta: np.ndarray,
    eta: np.ndarray,
    precision: np.ndarray,
    *,
    steps: int,
    longest: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return theta of every row where data and a normal prior together are most likely, and what `linear` says there.

    Levenberg-Marquardt, every row with a damping of its own: no step makes a row worse, so a curved valley is followed and not jumped across.

    Parameters
    ----------
    linear, certain
        The modes of the rows (see `Linear`), and their inverse variances, shape (rows, modes).
    theta, eta, precision
        Where to start, means of the prior, both of shape (rows, parameters), and its inverse variances, shape (parameters,).
    steps
        Most evaluations of `linear`.
    longest
        Longest step of each parameter, shape (parameters,); a longer one is shortened as a whole.
    """

    def below(at: np.ndarray, rests: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return (certain * rests**2).sum(axis=1) + (precision * (at - eta) ** 2).sum(axis=1)

    slopes, rests = linear(theta)
    lowest, damping = below(theta, rests), np.full(len(theta), _FIRST_DAMPING)
    for _ in range(steps):
        information, gradient = quadratic(slopes, rests, certain)
        total = information + np.diag(precision)
        own = np.einsum("rkk->rk", total)
        damped = total + np.eye(theta.shape[1]) * (damping[:, None] * own)[:, None]
        step = np.linalg.solve(damped, (gradient - precision * (theta - eta))[..., None])[..., 0]
        step /= np.maximum(np.abs(step / longest).max(axis=1), 1.0)[:, None]
        if np.abs(step * np.sqrt(own)).max() < _ENOUGH and damping.max() <= 1.0:
            break
        tried = theta + step
        at_tried = linear(tried)
        value = below(tried, at_tried[1])
        better = value <= lowest  # False where not finite
        theta = np.where(better[:, None], tried, theta)
        slopes = np.where(better[:, None, None], at_tried[0], slopes)
        rests = np.where(better[:, None], at_tried[1], rests)
        lowest = np.where(better, value, lowest)
        damping = np.clip(damping * np.where(better, _EASIER, _HARDER), _LEAST_DAMPING, _MOST_DAMPING)
    return theta, slopes, rests


def likeliest_walk(
    slopes: np.ndarray,
    rests: np.ndarray,
    rate: np.ndarray,
    apart: np.ndarray,
    precision: np.ndarray,
    prior: tuple[float, float],
) -> float:
    """Return the step of the walk that is most likely once theta is integrated out (Laplace's approximation, on a grid).

    Parameters
    ----------
    slopes, rests, rate
        Of the modes at theta, see `Linear` and `Modes`.
    apart, precision
        How far theta lies from the means of its prior, shape (rows, parameters), and that prior's inverse variances.
    prior
        Median and log-sd of the step.
    """
    found = []
    for z in _WALKS:
        certain = certainty(rate, prior[0] * np.exp(z * prior[1]))
        information, gradient = quadratic(slopes, rests, certain)
        total, pull = information + np.diag(precision), gradient - precision * apart
        gained = (pull * np.linalg.solve(total, pull[..., None])[..., 0]).sum()
        spread = np.linalg.slogdet(total)[1].sum() - np.log(certain).sum()
        found.append((certain * rests**2).sum() - gained + spread + z**2)
    return float(prior[0] * np.exp(_WALKS[np.argmin(found)] * prior[1]))
