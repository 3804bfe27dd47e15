"""What rolling-origin hold-out says about forecasts: weights of the families, and how fast discrepancy grows.

The largest sizes of every curve are left out, the rest is fitted again, and the left-out sizes are scored. Family
weights, the growth of the discrepancy and whether priors are pooled over curves are those with the highest mean log
density: they come from the curves one has, never from the sizes one forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from curvefit.fitting.forecast_curve import CurveEnsemble, fit_ensemble
from curvefit.fitting.forecast_pooling import pool
from curvefit.fitting.seen_curve import SeenCurve

ORIGINS = (0.5, 0.7)
#: Hold-out may widen forecasts, never narrow them: what was held out lies nearer than what will be asked.
INFLATIONS = np.array([1.0, 1.4, 2.0, 2.8, 4.0])
MOST_CURVES = 40
FEWEST_SEEN = 5
FEWEST_POOLED = 5
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
    pooled
        Whether priors fitted to all curves scored better than the default ones.
    held_out
        Number of (curve, origin) pairs that were scored.
    mean_log_density
        Mean over those pairs, at the chosen weights and inflation.
    """

    families: tuple[str, ...]
    weights: np.ndarray
    inflation: float
    pooled: bool
    held_out: int
    mean_log_density: float


def calibrate(curves: list[SeenCurve], families: tuple[str, ...], *, seed: int = 0) -> Calibration:
    """Choose weights, inflation and pooling over at most `MOST_CURVES` of the curves (evenly spaced ones)."""
    equal = np.full(len(families), 1.0 / len(families))
    chosen = [curves[i] for i in np.unique(np.linspace(0, len(curves) - 1, MOST_CURVES).round().astype(int))]
    held_out = []
    for origin in ORIGINS:
        splits = [(curve, split) for curve in chosen if (split := split_at(curve, origin)) is not None]
        ensembles = [fit_ensemble(seen, families, seed=seed) for _, (seen, _) in splits]
        held_out.append(([(curve, held) for curve, (_, held) in splits], ensembles))
    count = sum(len(ensembles) for _, ensembles in held_out)
    if not count:
        return Calibration(families, equal, 1.0, len(curves) >= FEWEST_POOLED, 0, float("nan"))
    found = []
    for pooled in (False, True) if len(chosen) >= FEWEST_POOLED else (False,):
        scores = [
            _held_out_scores(ensemble, *target, seed)
            for targets, ensembles in held_out
            for target, ensemble in zip(targets, pool(ensembles) if pooled else ensembles)
        ]
        for j, inflation in enumerate(INFLATIONS):
            weights = _stack([score[j] for score in scores], equal)
            value = _mean_score([score[j] for score in scores], weights)
            # A weak pull towards no inflation, worth a few curves, so that one curve alone does not decide it.
            value -= PRIOR_CURVES / count * 0.05 * np.log(inflation) ** 2
            found.append(Calibration(families, weights, float(inflation), pooled, count, float(value)))
    return max(found, key=lambda one: one.mean_log_density)


def fit_ensembles(curves: list[SeenCurve], calibration: Calibration, *, seed: int = 0) -> list[CurveEnsemble]:
    """Integrate the calibration's families over every curve, under priors pooled over them where that was found better."""
    ensembles = [fit_ensemble(curve, calibration.families, seed=seed) for curve in curves]
    return pool(ensembles) if calibration.pooled else ensembles


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
    ensemble: CurveEnsemble, curve: SeenCurve, held: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Log densities (families, held-out sizes) per inflation."""
    targets = curve.n[held]
    values = np.maximum(curve.value[held], 1e-4 * curve.value.max())
    count = len(ensemble.families)
    return [
        np.array(
            [
                ensemble.mixture(
                    targets, weights=alone, inflation=inflation, draws=100, seed=seed
                ).log_density(values)
                for alone in np.eye(count)
            ]
        )
        for inflation in INFLATIONS
    ]


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
