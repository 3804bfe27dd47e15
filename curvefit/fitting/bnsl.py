"""Broken neural scaling law with one break, fitted as its authors do: a grid of starts, then least squares on logs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares, nnls

from curvefit.arguments import positive_points
from curvefit.fitting.saveable import Saveable

BEST_STARTS = 3


@dataclass(frozen=True, slots=True)
class BrokenFit(Saveable):
    """``floor + amplitude * n**-early * (1 + (n/break_size)**(1/sharpness)) ** (-late * sharpness)``.

    References
    ----------
    E. Caballero, K. Gupta, I. Rish, D. Krueger, Broken neural scaling laws, ICLR 2023, arXiv:2210.14891.
    """

    floor: float
    amplitude: float
    early: float
    late: float
    break_size: float
    sharpness: float

    def predict(self, n: np.ndarray) -> np.ndarray:
        """Return the fitted values at sizes `n`."""
        shape = _log_shape(
            np.log(np.asarray(n, float)), self.early, self.late, np.log(self.break_size), self.sharpness
        )
        return self.floor + self.amplitude * np.exp(shape)


def bnsl_fit(n: np.ndarray, value: np.ndarray) -> BrokenFit:
    """Fit a one-break law to sizes and positive values in any order, six of each or more."""
    n, value = positive_points(n, value, fewest=6, of="a one-break law")
    logs, target, middle = np.log(n), np.log(value), np.log(n).mean()
    span = np.ptp(logs)
    lower = np.array([0.0, -60.0, -1.0, -1.0, logs[0] - span, 0.05])
    upper = np.array([value.min(), 60.0, 3.0, 3.0, logs[-1] + span, 5.0])

    def residual(x: np.ndarray) -> np.ndarray:
        shape = _log_shape(logs, x[2], x[3], x[4], x[5]) + x[2] * middle
        return np.log(x[0] + np.exp(np.clip(x[1] + shape, -300, 300)) + 1e-300) - target

    starts = []
    grid = product((0.0, 0.2, 0.6), (0.1, 0.4, 1.0), logs[0] + span * np.array([0.2, 0.5, 0.8]), (0.3, 1.0))
    for early, late, where, sharp in grid:
        column = np.exp(_log_shape(logs, early, late, where, sharp) + early * middle)
        linear, _ = nnls(np.column_stack([np.ones_like(n), column]) / value[:, None], np.ones_like(n))
        x = np.array([linear[0], np.log(max(linear[1], 1e-12)), early, late, where, sharp])
        x = np.clip(x, lower + 1e-9, upper - 1e-9)
        starts.append((float((residual(x) ** 2).sum()), x))
    starts.sort(key=lambda start: start[0])
    fits = [
        least_squares(residual, x, bounds=(lower, upper), x_scale="jac", max_nfev=400)
        for _, x in starts[:BEST_STARTS]
    ]
    x = min(fits, key=lambda fit: fit.cost).x
    values = (x[0], np.exp(x[1] + x[2] * middle), x[2], x[3], np.exp(x[4]), x[5])
    return BrokenFit(*map(float, values))


def _log_shape(logs: np.ndarray, early: float, late: float, where: float, sharp: float) -> np.ndarray:
    return -early * logs - late * sharp * np.logaddexp(0.0, (logs - where) / sharp)
