"""One curve as forecasts see it, and the covariances of its noise and random-walk discrepancy on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from curvefit.errors import InvalidInputError

NOISE_STEPS = np.log(np.array([0.5, 0.75, 1.1, 1.6, 2.5]))
NOISE_SD = 0.5
SPEEDS = np.array([0.002, 0.005, 0.012, 0.03, 0.07, 0.16])
SPEED_PRIOR = (np.log(0.02), 1.0)


@dataclass(frozen=True, slots=True)
class SeenCurve:
    """One curve's means: sizes (increasing), values, standard errors (NaN when unknown)."""

    n: np.ndarray
    value: np.ndarray
    value_se: np.ndarray

    def __post_init__(self) -> None:
        if len(self.n) < 2 or np.any(np.diff(self.n) <= 0) or self.n[0] <= 0:
            raise InvalidInputError(
                f"a forecast needs two or more increasing positive sizes, got {len(self.n)}: {self.n[:5]}"
            )

    def at(self, chosen: np.ndarray) -> SeenCurve:
        """Return the curve at the chosen ones of its sizes (a mask)."""
        return SeenCurve(self.n[chosen], self.value[chosen], self.value_se[chosen])

    def level(self) -> np.ndarray:
        """Return a smooth positive level of the curve: its values averaged over neighbours in log size."""
        tiny = max(1e-4 * np.abs(self.value).max(), 1e-12)
        logs = np.log(np.maximum(self.value, tiny))
        if len(logs) < 8:
            return np.exp(logs)
        padded = np.concatenate([2 * logs[0] - logs[2:0:-1], logs, 2 * logs[-1] - logs[-2:-4:-1]])
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
        return np.exp(0.5 * smooth + 0.5 * logs.clip(smooth - 0.5, smooth + 0.5))

    def relative_noise(self) -> float:
        """Return a robust estimate of the relative noise between neighbouring sizes."""
        logs, s = np.log(self.level()), np.log(self.n)
        logs = np.log(np.maximum(self.value, np.exp(logs) * 0.2))
        if len(logs) < 4:
            return 0.03
        left, right = (s[1:-1] - s[:-2]), (s[2:] - s[1:-1])
        share = right / (left + right)
        jump = logs[1:-1] - share * logs[:-2] - (1 - share) * logs[2:]
        scaled = jump / np.sqrt(1 + share**2 + (1 - share) ** 2)
        noise = np.sqrt(np.mean(np.clip(scaled, -3 * _mad(scaled), 3 * _mad(scaled)) ** 2))
        few = 4.0 / len(scaled)
        return float(np.clip(np.exp((np.log(max(noise, 1e-5)) + few * np.log(0.02)) / (1 + few)), 5e-4, 0.5))


class NoiseGrid:
    """Covariances of one curve over the grid of noise and random-walk speed, whitened once for all families."""

    def __init__(self, curve: SeenCurve) -> None:
        self.curve = curve
        self.level = curve.level()
        self.s = np.log(curve.n)
        noise = curve.relative_noise()
        sigma, speed = np.meshgrid(noise * np.exp(NOISE_STEPS), SPEEDS, indexing="ij")
        self.sigma, self.speed = sigma.ravel(), speed.ravel()
        known = np.where(np.isfinite(curve.value_se), curve.value_se / self.level, 0.0)
        self.known_sd = float(np.median(known[-5:]))
        walk = np.minimum.outer(self.s, self.s) - self.s[0]
        count = len(self.s)
        eye = np.eye(count)
        covariance = (
            self.sigma[:, None, None] ** 2 * eye + np.diag(known**2) + self.speed[:, None, None] ** 2 * walk
        )
        lower = np.linalg.cholesky(covariance)
        self.whiten = np.linalg.inv(lower)
        self.log_det = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        spread = NOISE_SD
        self.log_prior = (
            -0.5 * (np.log(self.sigma / noise) / spread) ** 2
            - 0.5 * ((np.log(self.speed) - SPEED_PRIOR[0]) / SPEED_PRIOR[1]) ** 2
        )
        self.log_prior -= logsumexp(self.log_prior)

    def discrepancy(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gains (grid, targets, sizes) on the residuals, and variances (grid, targets), at log sizes."""
        cross = np.minimum.outer(targets, self.s) - self.s[0]
        cross = np.maximum(cross, 0.0) * self.speed[:, None, None] ** 2
        half = np.einsum("kij,ktj->kti", self.whiten, cross)
        gain = np.einsum("kti,kij->ktj", half, self.whiten)
        prior = np.abs(targets - self.s[0]) * self.speed[:, None] ** 2
        return gain, np.maximum(prior - (half**2).sum(axis=2), 0.0)


def _mad(x: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(x)) + 1e-12)
