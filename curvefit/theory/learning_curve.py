r"""The whole learning curve of kernel regression, predicted from the kernel's spectrum.

With eigenvalues :math:`\lambda_k` of degeneracy :math:`N_k`, target power :math:`c_k^2` per mode, ridge
:math:`L` and label noise :math:`\sigma^2`,

.. math::
    z = L + z \sum_k \frac{N_k \lambda_k}{n \lambda_k + z}, \quad
    \gamma = n \sum_k \frac{N_k \lambda_k^2}{(n \lambda_k + z)^2}, \quad
    E(n) = \frac{1}{1 - \gamma} \sum_k \frac{N_k c_k^2 z^2}{(n \lambda_k + z)^2}
           + \sigma^2 \frac{\gamma}{1 - \gamma}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from curvefit.errors import FitError, InvalidInputError
from curvefit.theory.spectrum import Spectrum


@dataclass(frozen=True, slots=True)
class CurvePrediction:
    """Predicted mean squared test error and what it is made of, by training-set size.

    Parameters
    ----------
    n_train
        ``(s,)`` sizes.
    error
        Mean squared test error against clean targets, bias and noise together.
    noise_error
        The part that label noise causes.
    learnable_modes
        Effective number of modes learnt.
    resolution
        z / n: modes with larger eigenvalues are learnt.
    """

    n_train: np.ndarray
    error: np.ndarray
    noise_error: np.ndarray
    learnable_modes: np.ndarray
    resolution: np.ndarray


def predict_curve(
    spectrum: Spectrum, n_train: Sequence[float] | np.ndarray, *, ridge: float = 0.0, noise: float = 0.0
) -> CurvePrediction:
    """Predict the mean squared test error of kernel regression at every training-set size.

    A spectrum measured on N examples is handled as that finite population, of which n are drawn without
    replacement, and the error is that of the others. The equations then are those of a randomly
    rotated projection of rank n instead of n Gaussian rows (ours; both agree for n much below N).

    Parameters
    ----------
    spectrum
        Of the kernel on the task.
    n_train
        Training-set sizes, positive; below the population of a measured spectrum.
    ridge
        What is added to the diagonal of the training Gram matrix.
    noise
        Variance of label noise, per output.

    Returns
    -------
    CurvePrediction

    Raises
    ------
    InvalidInputError
        For sizes, ridge or noise out of range.
    FitError
        Where the equations have no finite solution: no ridge, and as many examples as modes.

    References
    ----------
    Bordelon, Canatar, Pehlevan, arXiv:2002.02561; Canatar, Bordelon, Pehlevan, arXiv:2006.13198.
    """
    sizes = np.asarray(n_train, float)
    if sizes.ndim != 1 or not (sizes > 0).all() or not np.isfinite(sizes).all():
        raise InvalidInputError("n_train must be a vector of positive sizes")
    if not (ridge >= 0 and noise >= 0 and np.isfinite(ridge) and np.isfinite(noise)):
        raise InvalidInputError(f"ridge {ridge} and noise {noise} must be 0 or more")
    population = spectrum.population
    if population is not None and sizes.max() >= population:
        raise InvalidInputError(
            f"n_train {sizes.max():g} is not below the {population} examples the spectrum was measured on"
        )
    rows = [_predict_one(spectrum, float(n), ridge, noise) for n in sizes]
    error, noise_error, modes, resolution = np.array(rows).T
    return CurvePrediction(sizes, error, noise_error, modes, resolution)


def count_learnable_modes(
    spectrum: Spectrum, n_train: Sequence[float] | np.ndarray, *, ridge: float = 0.0
) -> np.ndarray:
    """Return the effective number of modes learnt from `n_train` examples, ``n - n ridge / z``.

    Parameters are those of `predict_curve`.
    """
    return predict_curve(spectrum, n_train, ridge=ridge).learnable_modes


def _predict_one(spectrum: Spectrum, n: float, ridge: float, noise: float) -> tuple[float, ...]:
    if spectrum.population is not None:
        return _predict_unseen(spectrum, n, ridge, noise)
    values, degeneracy = spectrum.eigenvalues, spectrum.degeneracy
    trace = float(degeneracy @ values)

    def excess(z: float) -> float:
        return float(degeneracy @ (values / (n * values + z))) + ridge / z - 1.0

    z = _solve(excess, trace, ridge, n)
    shrink = z / (n * values + z)
    gamma = n * float(degeneracy @ np.square(values * shrink / z))
    bias = float((degeneracy * spectrum.power) @ np.square(shrink)) / (1 - gamma)
    noise_error = noise * gamma / (1 - gamma)
    return bias + noise_error, noise_error, float(degeneracy @ (1 - shrink)), z / n


def _predict_unseen(spectrum: Spectrum, n: float, ridge: float, noise: float) -> tuple[float, ...]:
    """Predict the error on the unseen members of a finite population.

    With K the Gram matrix of all N members and P the projection on the n seen, the posterior covariance
    ``(K^-1 + P / L)^-1`` is equivalent to ``(K^-1 + 1 / kappa)^-1`` where
    ``L (N - df) = kappa (n - df)`` and ``df = tr K (K + kappa)^-1`` (free product of K and P). Squared
    residuals over all members and over the seen ones are derivatives of such traces.
    """
    size = float(spectrum.population or 0)
    values, degeneracy = size * spectrum.eigenvalues, spectrum.degeneracy

    def excess(kappa: float) -> float:
        freedom = float(degeneracy @ (values / (values + kappa)))
        return freedom - n + ridge / kappa * (size - freedom)

    kappa = _solve(excess, float(degeneracy @ values), ridge * size / n, n)
    shares = values / (values + kappa)
    freedom, freedom2 = float(degeneracy @ shares), float(degeneracy @ np.square(shares))
    spare = n - freedom
    ratio = (size - n) / (size - freedom)
    slope = spare + ratio * (freedom - freedom2)

    def unseen(residual: float) -> float:
        everyone = residual * (spare + ratio * freedom) / slope
        seen = (ridge / kappa) ** 2 * residual * (size - freedom) / slope
        return (everyone - seen) / (size - n)

    left = degeneracy * np.square(1 - shares)
    error = unseen(size * float(left @ spectrum.power))
    # Noise has equal power in all N modes, those of eigenvalue 0 too; the unseen members' own does not count.
    noise_error = noise * (unseen(float(left.sum() + size - degeneracy.sum())) - 1.0)
    return error + noise_error, noise_error, freedom, kappa / size


def _solve(excess: Callable[[float], float], trace: float, ridge: float, n: float) -> float:
    """Return the positive root of a decreasing function of the resolution, given rough bounds."""
    if trace == 0:
        raise FitError("the kernel's trace is 0: nothing can be learnt")
    low, high = np.log(trace) - 80.0, np.log(trace + ridge)
    if excess(float(np.exp(low))) <= 0:
        raise FitError(
            f"without a ridge, {n:g} examples interpolate every mode of the kernel: the predicted error is "
            "not defined; give a ridge, or smaller sizes"
        )
    while excess(float(np.exp(high))) > 0:
        high += 1.0
    return float(np.exp(brentq(lambda log_z: excess(float(np.exp(log_z))), low, high, xtol=1e-13)))
