"""What rolling-origin hold-out says about forecasts: weights of the families, and how fast discrepancy grows.

The largest sizes of every curve are left out, the rest is fitted again, and the left-out sizes are scored. Family
weights and whether priors are pooled over curves are those with the highest mean log density; the growth of the
discrepancy is averaged over with the probabilities that these scores give it. All come from the curves one has, never
from the sizes one forecasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, softmax

from curvefit.fitting.forecast_curve import CurveEnsemble, Mixture, fit_ensemble
from curvefit.fitting.forecast_pooling import pool
from curvefit.fitting.hold_outs import ORIGINS, HoldOut, hold_out
from curvefit.fitting.seen_curve import SeenCurve

#: Hold-out may widen forecasts, never narrow them: what was held out lies nearer than what will be asked.
INFLATIONS = np.array([1.0, 1.4, 2.0, 2.8, 4.0])
MOST_CURVES = 40
FEWEST_POOLED = 5
PRIOR_CURVES = 10.0
#: The log of the inflation is half-normal with this standard deviation before anything is held out.
PRIOR_LOG_INFLATION = 0.5
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Family weights and growth of the discrepancy from rolling-origin hold-out.

    Parameters
    ----------
    families, weights
        Names and weights; equal weights when nothing could be held out.
    inflations
        Probability of each of `INFLATIONS`, factors on the random walk's speed beyond the data; their prior when nothing
        could be held out.
    pooled
        Whether priors fitted to all curves scored better than the default ones.
    held_out
        Number of (curve, origin) pairs that were scored.
    mean_log_density
        Mean over those pairs, at the weights and the most probable inflation.
    """

    families: tuple[str, ...]
    weights: np.ndarray
    inflations: np.ndarray
    pooled: bool
    held_out: int
    mean_log_density: float

    @property
    def inflation(self) -> float:
        """Mean factor on the random walk's speed beyond the data, 1 or more."""
        return float(self.inflations @ INFLATIONS)

    def widen(self, mixture: Mixture) -> Mixture:
        """Return predictions in which each factor of `INFLATIONS` has its share of the components, evenly spread over them."""
        spread = np.arange(len(mixture.weight)) * _GOLDEN % 1.0
        chosen = np.searchsorted(np.cumsum(self.inflations), spread).clip(0, len(INFLATIONS) - 1)
        return mixture.inflated(INFLATIONS[chosen, None])


def calibrate(
    curves: Sequence[SeenCurve],
    families: tuple[str, ...],
    *,
    seed: int = 0,
    held_out: Sequence[HoldOut] | None = None,
) -> Calibration:
    """Find weights, inflation and pooling over at most `MOST_CURVES` of the curves (evenly spaced ones).

    Parameters
    ----------
    curves
        The curves.
    families
        Names of the families.
    seed
        Of all random numbers.
    held_out
        Hold-outs of these curves, families and seed at `ORIGINS`, where they have been made already.
    """
    equal = np.full(len(families), 1.0 / len(families))
    chosen = np.unique(np.linspace(0, len(curves) - 1, MOST_CURVES).round().astype(int)).tolist()
    if held_out is None:
        held_out = hold_out(curves, families, at=chosen, seed=seed)
    by_origin = [[one for one in held_out if one.origin == o and one.curve in chosen] for o in ORIGINS]
    count, many = sum(map(len, by_origin)), len(curves) >= FEWEST_POOLED
    prior = -0.5 * (np.log(INFLATIONS) / PRIOR_LOG_INFLATION) ** 2
    if not count:
        return Calibration(families, equal, softmax(prior), many, 0, float("nan"))
    found = []
    for pooled in (False, True) if many else (False,):
        scores = []
        for one in by_origin:
            ensembles = [hold.ensemble for hold in one]
            scores += [
                _scores(ensemble, hold, seed)
                for ensemble, hold in zip(pool(ensembles) if pooled else ensembles, one)
            ]
        weights = [_stack([score[j] for score in scores], equal) for j in range(len(INFLATIONS))]
        values = np.array([_mean_score([s[j] for s in scores], w) for j, w in enumerate(weights)])
        inflations = softmax(prior + count * values)
        found.append(
            Calibration(families, inflations @ weights, inflations, pooled, count, float(values.max()))
        )
    return max(found, key=lambda one: one.mean_log_density)


def fit_ensembles(
    curves: Sequence[SeenCurve], calibration: Calibration, *, seed: int = 0
) -> list[CurveEnsemble]:
    """Integrate the calibration's families over every curve, under priors pooled over them where that was found better."""
    ensembles = [fit_ensemble(curve, calibration.families, seed=seed) for curve in curves]
    return pool(ensembles) if calibration.pooled else ensembles


def _scores(ensemble: CurveEnsemble, hold: HoldOut, seed: int) -> list[np.ndarray]:
    """Log densities (families, held-out sizes) per inflation."""
    families = ensemble.mixtures(hold.n, draws=100, seed=seed)
    return [
        np.array([family.inflated(inflation).log_density(hold.value) for family in families])
        for inflation in INFLATIONS
    ]


def _stack(scores: list[np.ndarray], start: np.ndarray) -> np.ndarray:
    """Weights of highest mean log density, shrunk to equal ones by `PRIOR_CURVES` pseudo-curves (EM)."""
    weights, of_all = start, np.concatenate(scores, axis=1)
    worth = np.concatenate([np.full(score.shape[1], 1.0 / score.shape[1]) for score in scores])
    for _ in range(100):
        total = PRIOR_CURVES * start + softmax(np.log(weights)[:, None] + of_all, axis=0) @ worth
        new = total / total.sum()
        if np.abs(new - weights).max() < 1e-5:
            break
        weights = new
    return weights


def _mean_score(scores: list[np.ndarray], weights: np.ndarray) -> float:
    return float(np.mean([logsumexp(score, axis=0, b=weights[:, None]).mean() for score in scores]))
