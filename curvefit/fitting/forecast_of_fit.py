"""Forecasts from a hierarchical fit: its posterior, its own noise for a new run, and a discrepancy beyond the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from curvefit.curves.fittable import curve_means
from curvefit.fitting.counted_runs import CountedRuns
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.discrepancy import walk_ahead
from curvefit.fitting.forecast_draws import Forecast, size_streams
from curvefit.fitting.held_out_drift import Drift, held_out_drift
from curvefit.fitting.known_likelihoods import LIKELIHOODS
from curvefit.fitting.likelihood_choice import known_variance
from curvefit.fitting.noise import standard_noise
from curvefit.fitting.outlooks import Outlook
from curvefit.fitting.scale import AbstractScale
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

#: Standard deviation of the log discrepancy one e-fold beyond the data, for fits that have no walk of their own.
WALK_SPEED = 0.03
#: Sizes of a curve, from its largest, whose given standard errors new runs are taken to have.
LAST_SIZES = 5


@dataclass(frozen=True, eq=False)
class FitOutlook(Outlook):
    """Outlook of a hierarchical fit.

    Parameters
    ----------
    fit
        The fit.
    seed
        Of all random numbers.
    drifts
        Whether forecasts allow for the drift that held-out sizes showed.
    """

    fit: CurveFit
    seed: int
    drifts: bool = True

    @property
    def usable(self) -> pd.DataFrame:
        """The runs that were fitted."""
        return self.fit.curves.usable

    @cached_property
    def drift(self) -> Drift | None:
        """What held-out sizes showed; fits some seconds long, made when sizes beyond the data are first asked."""
        return held_out_drift(self.fit) if self.drifts else None

    def forecast_at(self, sizes: np.ndarray, draws: int) -> Forecast:
        """Return the forecast at sizes; of the draws that the fit has, at most `draws`."""
        fit, streams = self.fit.thinned(draws), size_streams(self.seed, sizes)
        groups = curve_means(fit.curves)
        first_n, last_n = (
            np.array([float(groups[t]["n_train"].iloc[at]) for t in fit.triplets]) for at in (0, -1)
        )
        last_value = np.array([float(groups[t]["value"].iloc[-1]) for t in fit.triplets])
        beyond = np.maximum(np.log(sizes)[None, :] - np.log(last_n)[:, None], 0.0)
        curve, beyond_data = fit.expected_error(sizes, seed=self.seed), "its walk goes on"
        away: np.ndarray = np.zeros(1)
        if "walk" not in fit.draws["posterior"]:
            away = self._walk(beyond, len(curve))
            beyond_data = f"a discrepancy of {WALK_SPEED:.0%} an e-fold is added"
        if beyond.any() and self.drift is not None:
            drift = self.drift.scale * generator(self.seed, "drift").standard_t(
                self.drift.freedom, len(curve)
            )
            away = away + drift[:, None, None] * beyond
            beyond_data += f"; {self.drift}"
        note = (
            f"from a hierarchical fit: bands believe its one family ({fit.family}), a forecast of the curves weighs several; "
            f"beyond the data {beyond_data}"
        )
        scored = curve
        if "test_shift" in fit.draws["posterior"]:
            scored = fit.expected_error(sizes, seed=self.seed, on_test_set=True)
            note += "; the curve is that of all test points that could be drawn, new runs are scored on those that the runs seen share"
        curve, scored = (error * np.exp(away) for error in (curve, scored))
        run, counts = _new_runs(fit, scored, sizes, groups, streams)
        ceiling = 1.0 if fit.curves.metric == "error-rate" else np.inf
        return Forecast(
            fit.triplets, sizes, curve.clip(0, ceiling), run.clip(0, ceiling), last_n, last_value, pd.DataFrame(),
            (str(fit.status), note), counts, first_n=first_n,
        )  # fmt: skip

    def _walk(self, beyond: np.ndarray, draws: int) -> np.ndarray:
        """Return walks that begin where each curve's data end (draws, triplets, sizes); `beyond` is in e-folds of n."""
        streams = [generator(self.seed, "walk", label) for label in self.fit.measurements]
        walks = [walk_ahead(x / np.log(2.0), draws, stream) for x, stream in zip(beyond, streams)]
        return WALK_SPEED * np.sqrt(np.log(2.0)) * np.stack(walks, axis=1)


def _new_runs(
    fit: CurveFit,
    curve: np.ndarray,
    sizes: np.ndarray,
    groups: dict[Triplet, pd.DataFrame],
    streams: Sequence[np.random.Generator],
) -> tuple[np.ndarray, CountedRuns | None]:
    """Draw one new run around each draw of the curve (on the shared test points), with the fit's own noise where it has any; and how it is counted.

    Every size has random numbers of its own, `streams`.
    """
    if not fit.has_noise:
        spread = np.array([_seed_spread(groups[t]) for t in fit.triplets])
        noise = np.stack([rng.standard_normal(curve.shape[:2]) for rng in streams], axis=2)
        return curve * np.exp(spread[None, :, None] * noise), None
    likelihood = LIKELIHOODS[fit.likelihood]
    scale = likelihood.scale
    noise = np.stack([standard_noise(likelihood, curve.shape[:2], rng) for rng in streams], axis=2)
    curve = scale.inside(curve)
    given = _given_variance(fit, scale)[:, None] / (scale.slope(curve) if scale.of_rates else 1.0)
    rate = scale.shifted(curve, np.sqrt(fit.noise_sd(sizes) ** 2 + given) * noise)
    if not scale.of_rates:
        return rate, None
    runs = CountedRuns.like(rate, (groups[t] for t in fit.triplets), fit.fresh_counting)
    return runs.draw(streams), runs if runs.counted.any() else None


def _given_variance(fit: CurveFit, scale: AbstractScale) -> np.ndarray:
    """Return what the standard errors given at each curve's last sizes add to the variance of a new run like them, shape (triplets,).

    On the log scale it is that variance; on the logit scale it is divided by ``e (1 - e)``, as for so many test points.
    """
    runs = fit.curves.usable
    variance = known_variance(runs, scale)
    if scale.of_rates:
        variance = np.where(
            runs["n_test"].notna(), 0.0, variance * runs["value"] * scale.log_slope(runs["value"])
        )
    by_size = runs.assign(variance=variance).groupby([*AXES, "n_train"])["variance"].mean()
    return np.array([by_size.loc[tuple(t)].iloc[-LAST_SIZES:].median() for t in fit.triplets])


def _seed_spread(part: pd.DataFrame) -> float:
    """Relative standard deviation of single runs at the larger half of the sizes."""
    half = part.iloc[len(part) // 2 :]
    relative = half["value_se"] * np.sqrt(half["replicates"]) / half["value"].clip(lower=1e-12)
    relative = relative[np.isfinite(relative)]
    return float(np.sqrt((relative**2).mean())) if len(relative) else 0.0
