"""What people do instead: least squares on logarithms, and nonlinear least squares, with their textbook intervals."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from tests.calibration.scenarios import CHANCE, Simulated

METHODS = ("OLS of log error on log n, error < .6 chance", "NLS, chance-limited power law")
_DRAWS = 2000


def estimate_draws(simulated: Simulated, method: str, seed: int = 0) -> np.ndarray:
    """Return normal draws of the log exponents, shape (draws, curves), around each curve's estimate.

    The standard error is the textbook one from the residuals, carried to the logarithm by the delta method.
    """
    rng = np.random.default_rng(seed)
    table = simulated.curves.usable
    columns = []
    for data, model, inference in simulated.curves.triplets:
        mine = table[(table["data"] == data) & (table["model"] == model) & (table["inference"] == inference)]
        n, value = mine["n_train"].to_numpy(float), np.maximum(mine["value"].to_numpy(float), 2.5e-4)
        centre, sd = (_ols if method == METHODS[0] else _nls)(n, value)
        columns.append(centre + sd * rng.standard_normal(_DRAWS))
    return np.stack(columns, axis=1)


def _ols(n: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    keep = value < 0.6 * CHANCE
    keep = keep if np.unique(n[keep]).size >= 3 else n >= np.unique(n)[-3]
    design = np.column_stack([np.ones(keep.sum()), np.log(n[keep])])
    solved, rest, *_ = np.linalg.lstsq(design, np.log(value[keep]), rcond=None)
    variance = rest[0] / (len(design) - 2) * np.linalg.inv(design.T @ design)[1, 1]
    exponent = max(-solved[1], 1e-3)
    return float(np.log(exponent)), float(np.sqrt(variance) / exponent)


def _nls(n: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Fit (log exponent, log onset, root of floor) on the log scale, three starts."""

    def residual(x: np.ndarray) -> np.ndarray:
        floor = CHANCE * x[2] ** 2
        return np.log(floor + (CHANCE - floor) * np.exp(-np.exp(x[0]) * np.log1p(n / np.exp(x[1])))) - np.log(
            value
        )

    box = ([np.log(0.02), 0.0, 0.0], [np.log(5.0), 12.0, 0.95])
    fits = [
        least_squares(residual, x0, bounds=box)
        for x0 in ([-0.7, 4.0, 0.1], [-0.2, 5.0, 0.3], [-1.2, 3.0, 0.02])
    ]
    best = min(fits, key=lambda fit: fit.cost)
    information = best.jac.T @ best.jac + 1e-9 * np.eye(3)
    variance = 2 * best.cost / (len(n) - 3) * np.linalg.inv(information)[0, 0]
    return float(best.x[0]), float(min(np.sqrt(variance), 10.0))
