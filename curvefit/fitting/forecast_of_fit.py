"""Forecasts from a hierarchical fit: its posterior, its own noise for a new run, and a discrepancy beyond the data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.forecast_draws import Forecast
from curvefit.fitting.held_out_drift import held_out_drift
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

#: Standard deviation of the log discrepancy one e-fold beyond the data, for fits that have no walk of their own.
WALK_SPEED = 0.03


def forecast_of_fit(
    fit: CurveFit, sizes: np.ndarray, draws: int, seed: int, *, drifts: bool = True
) -> Forecast:
    """Return a forecast of a fit, allowing for the drift that held-out sizes showed unless `drifts` is false; see `forecast`."""
    fit, rng = fit.thinned(draws), generator(seed, "forecast")
    law = fit.expected_error(sizes)
    means = fit.curves.means()
    groups = {Triplet(*key): part for key, part in means.groupby(list(AXES), sort=False)}
    last_n = np.array([float(groups[t]["n_train"].iloc[-1]) for t in fit.triplets])
    last_value = np.array([float(groups[t]["value"].iloc[-1]) for t in fit.triplets])
    beyond = np.maximum(np.log(sizes)[None, :] - np.log(last_n)[:, None], 0.0)
    curve, beyond_data = law, "its walk goes on"
    if "walk" not in fit.draws["posterior"]:
        order = np.argsort(sizes)
        steps = np.sqrt(np.diff(beyond[:, order], axis=1, prepend=0.0))
        walk = np.cumsum(WALK_SPEED * steps * rng.standard_normal(law.shape), axis=2)
        curve = law * np.exp(walk[:, :, np.argsort(order)])
        beyond_data = f"a discrepancy of {WALK_SPEED:.0%} an e-fold is added"
    drift = held_out_drift(fit) if drifts and beyond.any() else None
    if drift is not None:
        away = drift.scale * generator(seed, "drift").standard_t(drift.freedom, len(curve))
        curve = curve * np.exp(away[:, None, None] * beyond)
        beyond_data += f"; {drift}"
    note = (
        f"from a hierarchical fit: bands believe its one family ({fit.family}), a forecast of the curves weighs several; "
        f"beyond the data {beyond_data}"
    )
    run = _new_runs(fit, curve, sizes, groups, rng)
    ceiling = 1.0 if fit.curves.metric == "error-rate" else np.inf
    return Forecast(
        fit.triplets, sizes, curve.clip(0, ceiling), run.clip(0, ceiling), last_n, last_value, pd.DataFrame(), (str(fit.status), note)
    )  # fmt: skip


def _new_runs(
    fit: CurveFit,
    curve: np.ndarray,
    sizes: np.ndarray,
    groups: dict[Triplet, pd.DataFrame],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw one new run around each draw of the curve, with the fit's own noise where it has any."""
    if not fit.has_noise:
        spread = np.array([_seed_spread(groups[t]) for t in fit.triplets])
        return curve * np.exp(spread[None, :, None] * rng.standard_normal(curve.shape))
    noise = fit.noise_sd(sizes)
    if fit.likelihood.startswith("log-"):
        return curve * np.exp(noise * rng.standard_normal(curve.shape))
    rate = np.clip(curve, 1e-9, 1 - 1e-9)
    rate = 1 / (1 + np.exp(-np.log(rate / (1 - rate)) - noise * rng.standard_normal(curve.shape)))
    tests = np.array([float((groups[t]["n_test"] / groups[t]["replicates"]).max()) for t in fit.triplets])
    counted = np.where(np.isfinite(tests), tests, 0).astype(int)[None, :, None]
    return np.where(counted > 0, rng.binomial(counted, rate) / np.maximum(counted, 1), rate)


def _seed_spread(part: pd.DataFrame) -> float:
    """Relative standard deviation of single runs at the larger half of the sizes."""
    half = part.iloc[len(part) // 2 :]
    relative = half["value_se"] * np.sqrt(half["replicates"]) / half["value"].clip(lower=1e-12)
    relative = relative[np.isfinite(relative)]
    return float(np.sqrt((relative**2).mean())) if len(relative) else 0.0
