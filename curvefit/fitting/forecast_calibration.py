"""What rolling-origin hold-out says about forecasts: weights of the families, and how fast discrepancy grows.

The largest sizes of every curve are left out, the rest is fitted again, and the left-out sizes are scored. Family
weights and the growth of the discrepancy are those with the highest mean log density: they come from the curves
one has, never from the sizes one forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from curvefit.fitting.forecast_curve import CurveEnsemble, fit_ensemble
from curvefit.fitting.forecast_posterior import SeenCurve

ORIGINS = (0.5, 0.7)
#: Hold-out may widen forecasts, never narrow them: what was held out lies nearer than what will be asked.
INFLATIONS = np.array([1.0, 1.4, 2.0, 2.8, 4.0])
MOST_CURVES = 40
FEWEST_SEEN = 5
PRIOR_CURVES = 10.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Family weights and growth of the discrepancy from rolling-origin hold-out.

    Parameters
    ----------
    families, weights
        Names and weights; equal weights when nothing could be held out.
    inflation
        Factor on the random walk's speed beyond the data, 1 or more.
    held_out
        Number of (curve, origin) pairs that were scored.
    mean_log_density
        Mean over those pairs, at the chosen weights and inflation.
    """

    families: tuple[str, ...]
    weights: np.ndarray
    inflation: float
    held_out: int
    mean_log_density: float


def calibrate(curves: list[SeenCurve], families: tuple[str, ...], *, seed: int = 0) -> Calibration:
    """Choose weights and inflation over at most `MOST_CURVES` of the curves (evenly spaced ones)."""
    equal = np.full(len(families), 1.0 / len(families))
    chosen = [curves[i] for i in np.unique(np.linspace(0, len(curves) - 1, MOST_CURVES).round().astype(int))]
    scores = [
        score
        for curve in chosen
        for origin in ORIGINS
        if (score := _held_out_scores(curve, families, origin, seed)) is not None
    ]
    if not scores:
        return Calibration(families, equal, 1.0, 0, float("nan"))
    best: tuple[float, np.ndarray, float] = (-np.inf, equal, 1.0)
    for j, inflation in enumerate(INFLATIONS):
        weights = _stack([score[j] for score in scores], equal)
        value = _mean_score([score[j] for score in scores], weights)
        # A weak pull towards no inflation, worth a few curves, so that one curve alone does not decide it.
        value -= PRIOR_CURVES / len(scores) * 0.05 * np.log(inflation) ** 2
        if value > best[0]:
            best = (value, weights, float(inflation))
    return Calibration(families, best[1], best[2], len(scores), float(best[0]))


def split_at(curve: SeenCurve, fraction: float) -> tuple[SeenCurve, np.ndarray] | None:
    """Return the curve up to `fraction` of its log range, and a mask of the held-out sizes up to four times that size."""
    s = np.log(curve.n)
    cut = s[0] + fraction * (s[-1] - s[0])
    seen = s <= cut + 1e-9
    held = ~seen & (s <= cut + np.log(4.0))
    if seen.sum() < FEWEST_SEEN or not held.any():
        return None
    return SeenCurve(curve.n[seen], curve.value[seen], curve.value_se[seen], curve.chance), held


def _held_out_scores(
    curve: SeenCurve, families: tuple[str, ...], origin: float, seed: int
) -> list[np.ndarray] | None:
    """Log densities (families, held-out sizes) per inflation; None when the curve is too short."""
    split = split_at(curve, origin)
    if split is None:
        return None
    seen, held = split
    ensemble: CurveEnsemble = fit_ensemble(seen, families, seed=seed)
    targets = curve.n[held]
    values = np.maximum(curve.value[held], 1e-4 * curve.value.max())
    tables = []
    for inflation in INFLATIONS:
        rows = []
        for j in range(len(families)):
            alone = np.eye(len(families))[j]
            mixture = ensemble.mixture(targets, weights=alone, inflation=inflation, draws=100, seed=seed)
            rows.append(mixture.log_density(values))
        tables.append(np.array(rows))
    return tables


def _stack(scores: list[np.ndarray], start: np.ndarray) -> np.ndarray:
    """Weights of highest mean log density, shrunk to equal ones by `PRIOR_CURVES` pseudo-curves (EM)."""
    weights = start
    for _ in range(100):
        total = PRIOR_CURVES * start
        for score in scores:
            share = np.log(weights)[:, None] + score
            total = total + np.exp(share - logsumexp(share, axis=0)).mean(axis=1)
        new = total / total.sum()
        if np.abs(new - weights).max() < 1e-5:
            break
        weights = new
    return weights


def _mean_score(scores: list[np.ndarray], weights: np.ndarray) -> float:
    return float(np.mean([logsumexp(score, axis=0, b=weights[:, None]).mean() for score in scores]))
