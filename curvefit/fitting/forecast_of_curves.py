"""Forecasts from learning curves: families integrated over each curve, weighted by rolling-origin hold-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.curves.fittable import curve_means
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.discrepancy import walk_ahead
from curvefit.fitting.forecast_calibration import Calibration, calibrate, fit_ensembles
from curvefit.fitting.forecast_curve import CurveEnsemble
from curvefit.fitting.forecast_draws import Forecast, size_streams
from curvefit.fitting.forecast_shapes import check_families
from curvefit.fitting.outlooks import Outlook
from curvefit.fitting.seen_curve import SeenCurve
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet


def seen_curves(curves: LearningCurves) -> dict[Triplet, SeenCurve]:
    """Return the means of every curve that has two sizes or more; InvalidInputError where curves have several metrics."""
    return {
        triplet: SeenCurve(
            part["n_train"].to_numpy(float),
            part["value"].to_numpy(float),
            part["value_se"].to_numpy(float),
        )
        for triplet, part in curve_means(curves).items()
        if len(part) >= 2 and part["value"].max() > 0
    }


#: No draw rises above the largest value seen by more than this, on the log scale.
FARTHEST_RISE = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class CurvesOutlook(Outlook):
    """Outlook of learning curves.

    Parameters
    ----------
    curves
        The curves.
    seed
        Of all random numbers.
    calibration
        What hold-out said.
    ensembles
        The families integrated over every curve that can be forecast, under the priors that hold-out chose.
    """

    curves: LearningCurves
    seed: int
    calibration: Calibration
    ensembles: dict[Triplet, CurveEnsemble]

    @property
    def usable(self) -> pd.DataFrame:
        """The runs of the curves."""
        return self.curves.usable

    def forecast_at(self, sizes: np.ndarray, draws: int) -> Forecast:
        """Return the forecast at sizes."""
        repeats = self.curves.means().groupby(list(AXES), sort=False)["replicates"].max()
        weights = {t: one.weights(self.calibration.weights) for t, one in self.ensembles.items()}
        shape = (draws, len(self.ensembles))
        noise = np.stack([rng.standard_normal(shape) for rng in size_streams(self.seed, sizes)], axis=2)
        parts = [
            _paths(
                ensemble,
                sizes,
                noise[:, i],
                weights[triplet],
                self.calibration,
                float(repeats.loc[tuple(triplet)]),
                generator(self.seed, "forecast", i),
            )
            for i, (triplet, ensemble) in enumerate(self.ensembles.items())
        ]
        ceiling = 1.0 if self.curves.metric == "error-rate" else np.inf
        curve, run = (np.stack(drawn, axis=1).clip(0.0, ceiling) for drawn in zip(*parts))
        families = self.calibration.families
        rows = [{**t._asdict(), **dict(zip(families, share))} for t, share in weights.items()]
        left_out = [str(t) for t in self.curves.triplets if t not in self.ensembles]
        notes = [f"no forecast for {name}: fewer than two sizes, or no error seen" for name in left_out]
        seen = [ensemble.curve for ensemble in self.ensembles.values()]
        return Forecast(
            tuple(self.ensembles),
            sizes,
            curve,
            run,
            np.array([one.n[-1] for one in seen]),
            np.array([one.value[-1] for one in seen]),
            pd.DataFrame(rows),
            (_say(self.calibration), *notes),
            first_n=np.array([one.n[0] for one in seen]),
        )


def outlook_of_curves(curves: LearningCurves, families: tuple[str, ...], seed: int) -> CurvesOutlook:
    """Hold out the largest sizes, and integrate the families over every curve."""
    check_families(families)
    seen = seen_curves(curves)
    if not seen:
        raise InvalidInputError(
            "no curve has two usable sizes with an error above 0: nothing to forecast from"
        )
    calibration = calibrate(list(seen.values()), families, seed=seed)
    ensembles = fit_ensembles(list(seen.values()), calibration, seed=seed)
    return CurvesOutlook(curves, seed, calibration, dict(zip(seen, ensembles)))


def _paths(
    ensemble: CurveEnsemble,
    sizes: np.ndarray,
    noise: np.ndarray,
    weights: np.ndarray,
    calibration: Calibration,
    repeats: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole curves, and a new seed around each, both (draws, sizes); `noise` is that of the seeds, of variance 1.

    There is one walk a draw, continuous in log n: that within the data, and beyond them steps of its own (`walk_ahead`). So a curve
    is the same at a size whichever others are asked.
    """
    draws = len(noise)
    mixture = calibration.widen(
        ensemble.mixture(
            sizes, weights=weights, draws=max(draws // 2, 50), seed=int(rng.integers(2**31)), seeds_per_mean=repeats
        )
    )  # fmt: skip
    chosen = rng.choice(len(mixture.weight), size=draws, p=mixture.weight)
    within = mixture.inside_sd[chosen] * rng.standard_normal((draws, 1))
    doublings = np.maximum(np.log2(sizes / ensemble.curve.n[-1]), 0.0)
    beyond = mixture.beyond_sd[chosen] / np.sqrt(np.where(doublings > 0, doublings, 1.0))
    curve = mixture.log_mean[chosen] + within + beyond * walk_ahead(doublings, draws, rng)
    run = curve + mixture.seed_sd[chosen] * noise
    highest = np.log(ensemble.curve.value.max()) + FARTHEST_RISE
    return np.exp(np.minimum(curve, highest)), np.exp(np.minimum(run, highest))


def _say(calibration: Calibration) -> str:
    walk = f"discrepancy beyond the data x {calibration.inflation:.2g}"
    if not calibration.held_out:
        return f"curves too short to hold sizes out: equal family weights, {walk} by its prior"
    shares = ", ".join(
        f"{name} {weight:.2f}" for name, weight in zip(calibration.families, calibration.weights)
    )
    pooled = "; priors pooled over curves" if calibration.pooled else ""
    return f"family weights from {calibration.held_out} rolling-origin hold-outs: {shares}; {walk}{pooled}"
