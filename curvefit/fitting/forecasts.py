"""Forecasts: what the error will be at other sizes, of the curve and of a new seed, and how many examples a target needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.forecast_calibration import Calibration, calibrate
from curvefit.fitting.forecast_curve import CurveEnsemble, fit_ensemble
from curvefit.fitting.forecast_posterior import SeenCurve
from curvefit.fitting.forecast_shapes import DEFAULT_SHAPES, get_shape
from curvefit.seeding import generator
from curvefit.triplet import AXES, Triplet

#: Standard deviation of the log discrepancy one e-fold beyond the data, when a `CurveFit` is extrapolated.
WALK_SPEED = 0.03
SIZES_PER_E_FOLD = 8


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Predictive distribution of test error at given sizes.

    Parameters
    ----------
    triplets
        Which curves.
    n
        Sizes (sizes,).
    curve_draws, seed_draws
        Draws of the curve itself, and of one new run (draws, triplets, sizes).
    last_n, last_value
        Largest size seen and the mean error there (triplets,): the baseline to beat.
    weights
        One row a curve: weight of each family. Empty for a forecast from a `CurveFit`.
    notes
        How it was made.
    """

    triplets: tuple[Triplet, ...]
    n: np.ndarray
    curve_draws: np.ndarray
    seed_draws: np.ndarray
    last_n: np.ndarray
    last_value: np.ndarray
    weights: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def extrapolated(self) -> np.ndarray:
        """Which sizes lie beyond the largest one seen (triplets, sizes)."""
        return self.n[None, :] > self.last_n[:, None]

    def draws_of(self, kind: str) -> np.ndarray:
        """Return the draws of the ``"curve"`` or of a new ``"seed"``."""
        kinds = {"curve": self.curve_draws, "seed": self.seed_draws}
        if kind not in kinds:
            raise unknown_name("kind of forecast", kind, kinds)
        return kinds[kind]

    def quantiles(self, probabilities: Sequence[float], *, kind: str = "seed") -> np.ndarray:
        """Return quantiles (probabilities, triplets, sizes)."""
        return np.quantile(self.draws_of(kind), probabilities, axis=0)

    def summary(self, probability: float = 0.9, *, kind: str = "seed") -> pd.DataFrame:
        """Return one row per curve and size: median, interval, whether extrapolated, the last value beside."""
        tail = (1 - probability) / 2
        low, middle, high = self.quantiles([tail, 0.5, 1 - tail], kind=kind)
        return pd.DataFrame(
            [
                {
                    **triplet._asdict(),
                    "n_train": self.n[j],
                    "median": middle[i, j],
                    "low": low[i, j],
                    "high": high[i, j],
                    "extrapolated": bool(self.extrapolated[i, j]),
                    "times_largest_size": self.n[j] / self.last_n[i],
                    "last_value": self.last_value[i],
                }
                for i, triplet in enumerate(self.triplets)
                for j in range(len(self.n))
            ]
        )

    def log_density(self, values: np.ndarray, *, kind: str = "seed") -> np.ndarray:
        """Return the log predictive density of values (triplets, sizes), by a kernel over the draws' logarithms."""
        values = np.broadcast_to(np.asarray(values, float), (len(self.triplets), len(self.n)))
        logs = np.log(self.draws_of(kind))
        width = 1.06 * logs.std(axis=0) * len(logs) ** -0.2 + 1e-9
        z = (np.log(values) - logs) / width
        kernel = logsumexp(-0.5 * z**2, axis=0) - np.log(len(logs))
        return kernel - np.log(width * np.sqrt(2 * np.pi) * values)

    def to_inference_data(self) -> Any:
        """Return the draws as ArviZ ``InferenceData`` (group ``predictions``)."""
        import arviz as az

        return az.from_dict(
            predictions={"curve": self.curve_draws[None], "seed": self.seed_draws[None]},
            coords={"triplet": [str(t) for t in self.triplets], "size": self.n},
            pred_dims={"curve": ["triplet", "size"], "seed": ["triplet", "size"]},
        )

    def __str__(self) -> str:
        lines = [*self.notes]
        for row in self.summary().itertuples(index=False):
            where = (
                f"extrapolated {row.times_largest_size:.3g} times the largest size"
                if row.extrapolated
                else "inside the data"
            )
            lines.append(
                f"{row.data} | {row.model} | {row.inference} at n = {row.n_train:,.0f}: {row.median:.4g} "
                f"(90 % for a new seed: {row.low:.4g} to {row.high:.4g}; {where}; last value {row.last_value:.4g})"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class NeededSize:
    """How many training examples a target error needs.

    Parameters
    ----------
    triplets, target
        Which curves, and the error to reach.
    draws
        Sizes at which the curve first reaches the target (draws, triplets); infinite where it does not up to
        `horizon`.
    horizon
        Largest size looked at, per triplet.
    """

    triplets: tuple[Triplet, ...]
    target: float
    draws: np.ndarray
    horizon: np.ndarray

    @property
    def probability_never(self) -> np.ndarray:
        """Probability that the target is not reached up to the horizon (triplets,)."""
        return np.isinf(self.draws).mean(axis=0)

    def summary(self, probability: float = 0.9) -> pd.DataFrame:
        """Return one row a curve: median and interval of the size (inf where not reached), P(never), horizon."""
        tail = (1 - probability) / 2
        ordered = np.sort(self.draws, axis=0)
        low, middle, high = (ordered[round(q * (len(ordered) - 1))] for q in (tail, 0.5, 1 - tail))
        return pd.DataFrame(
            [
                {
                    **t._asdict(), "target": self.target, "median": middle[i], "low": low[i], "high": high[i],
                    "probability_never": self.probability_never[i], "horizon": self.horizon[i],
                }
                for i, t in enumerate(self.triplets)
            ]
        )  # fmt: skip

    def __str__(self) -> str:
        return "\n".join(
            f"{r.data} | {r.model} | {r.inference}: error {r.target:g} needs {r.median:,.0f} examples (90 %: {r.low:,.0f} to "
            f"{r.high:,.0f}); not reached by n = {r.horizon:,.0f} with probability {r.probability_never:.2f}"
            for r in self.summary().itertuples(index=False)
        )


def forecast(
    source: LearningCurves | CurveFit,
    n: Any,
    *,
    families: tuple[str, ...] = DEFAULT_SHAPES,
    draws: int = 1000,
    seed: int = 0,
) -> Forecast:
    """Predict test error at sizes `n`.

    From learning curves: every family is integrated over each curve, with a random-walk discrepancy; family weights
    and the discrepancy's growth come from rolling-origin hold-out. From a `CurveFit`: its posterior, with
    a discrepancy that grows with ``log(n / n_max)``. Inside the range of sizes nothing is added.

    Parameters
    ----------
    source
        Learning curves, or a hierarchical fit of them.
    n
        Sizes, positive.
    families
        Members of the ensemble (ignored for a `CurveFit`, which has its own family).
    draws
        Number of draws.
    seed
        Of all random numbers.
    """
    sizes = np.atleast_1d(np.asarray(n, float))
    if sizes.ndim != 1 or not len(sizes) or not (sizes > 0).all():
        raise InvalidInputError(f"n must be positive sizes in one dimension, not {n!r}")
    if isinstance(source, CurveFit):
        return _from_fit(source, sizes, draws, seed)
    return _from_curves(source, sizes, families, draws, seed)


def needed_size(
    source: LearningCurves | CurveFit,
    target: float,
    *,
    times: float = 1000.0,
    draws: int = 1000,
    seed: int = 0,
) -> NeededSize:
    """Return the distribution of the training-set size at which a curve first reaches a target error.

    Parameters
    ----------
    source
        Learning curves, or a hierarchical fit of them.
    target
        Error to reach, above zero.
    times
        How far to look: this many times the largest size seen.
    """
    if not target > 0:
        raise InvalidInputError(f"the target error must be above 0, not {target}")
    curves = source.curves if isinstance(source, CurveFit) else source
    ends = curves.usable.groupby(list(AXES), sort=False)["n_train"].agg(["min", "max"])
    low, high = float(ends["min"].min()), float(ends["max"].max()) * times
    grid = np.geomspace(low, high, max(int(SIZES_PER_E_FOLD * np.log(high / low)), 16))
    paths = forecast(source, grid, draws=draws, seed=seed)
    first = _first_below(paths.curve_draws, grid, target)
    horizon = np.array([paths.last_n[i] * times for i in range(len(paths.triplets))])
    return NeededSize(paths.triplets, float(target), np.where(first <= horizon, first, np.inf), horizon)


def _first_below(paths: np.ndarray, grid: np.ndarray, target: float) -> np.ndarray:
    """Return the size at which each path first reaches the target, interpolated in log size; inf if it does not."""
    reached = paths <= target
    after = reached.argmax(axis=2)
    before = np.maximum(after - 1, 0)
    high = np.take_along_axis(paths, before[..., None], axis=2)[..., 0]
    low = np.take_along_axis(paths, after[..., None], axis=2)[..., 0]
    share = np.clip(np.where(high > low, (high - target) / np.maximum(high - low, 1e-300), 1.0), 0.0, 1.0)
    size = np.exp(np.log(grid[before]) + share * (np.log(grid[after]) - np.log(grid[before])))
    return np.where(reached.any(axis=2), size, np.inf)


def seen_curves(curves: LearningCurves) -> dict[Triplet, SeenCurve]:
    """Return the means of every curve that has two sizes or more."""
    return {
        Triplet(*key): SeenCurve(
            part["n_train"].to_numpy(float),
            part["value"].to_numpy(float),
            part["value_se"].to_numpy(float),
            float(part["chance_error"].iloc[0]),
        )
        for key, part in curves.means().groupby(list(AXES), sort=False)
        if len(part) >= 2 and part["value"].max() > 0
    }


def _from_curves(
    curves: LearningCurves, sizes: np.ndarray, families: tuple[str, ...], draws: int, seed: int
) -> Forecast:
    for name in families:
        get_shape(name)
    seen = seen_curves(curves)
    if not seen:
        raise InvalidInputError(
            "no curve has two usable sizes with an error above 0: nothing to forecast from"
        )
    left_out = [str(t) for t in curves.triplets if t not in seen]
    calibration = calibrate(list(seen.values()), families, seed=seed)
    repeats = curves.means().groupby(list(AXES), sort=False)["replicates"].max()
    parts, weight_rows = [], []
    for i, (triplet, curve) in enumerate(seen.items()):
        ensemble = fit_ensemble(curve, families, seed=seed)
        weights = ensemble.weights(calibration.weights)
        rng = generator(seed, "forecast", i)
        parts.append(
            _paths(
                ensemble,
                sizes,
                weights,
                calibration.inflation,
                draws,
                float(repeats.loc[tuple(triplet)]),
                rng,
            )
        )
        weight_rows.append({**triplet._asdict(), **dict(zip(families, weights))})
    ceiling = 1.0 if curves.metric == "error-rate" else np.inf
    stacked = [np.stack([part[k] for part in parts], axis=1).clip(0.0, ceiling) for k in (0, 1)]
    notes = [_say(calibration)] + [
        f"no forecast for {name}: fewer than two sizes, or no error seen" for name in left_out
    ]
    return Forecast(
        tuple(seen),
        sizes,
        stacked[0],
        stacked[1],
        np.array([c.n[-1] for c in seen.values()]),
        np.array([c.value[-1] for c in seen.values()]),
        pd.DataFrame(weight_rows),
        tuple(notes),
    )


def _paths(
    ensemble: CurveEnsemble,
    sizes: np.ndarray,
    weights: np.ndarray,
    inflation: float,
    draws: int,
    repeats: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole curves: one walk a draw, continuous in log n beyond the data, and a new seed around each."""
    order = np.argsort(sizes)
    mixture = ensemble.mixture(
        sizes[order], weights=weights, inflation=inflation, draws=max(draws // 2, 50), seed=int(rng.integers(2**31)),
        seeds_per_mean=repeats,
    )  # fmt: skip
    chosen = rng.choice(len(mixture.weight), size=draws, p=mixture.weight)
    variance = mixture.walk_sd[chosen] ** 2
    steps = np.diff(variance, axis=1, prepend=0.0)
    growing = np.maximum.accumulate(sizes[order] >= ensemble.curve.n[-1])
    common = rng.standard_normal((draws, 1))
    walk = np.sqrt(variance) * common
    if growing.any():
        start = int(np.argmax(growing))
        fresh = np.sqrt(np.maximum(steps[:, start + 1 :], 0.0)) * rng.standard_normal(
            steps[:, start + 1 :].shape
        )
        walk[:, start + 1 :] = walk[:, start : start + 1] + np.cumsum(fresh, axis=1)
    curve = mixture.log_mean[chosen] + walk
    run = curve + mixture.seed_sd[chosen] * rng.standard_normal(curve.shape)
    back = np.argsort(order)
    return np.exp(curve[:, back]), np.exp(run[:, back])


def _from_fit(fit: CurveFit, sizes: np.ndarray, draws: int, seed: int) -> Forecast:
    rng = generator(seed, "forecast")
    law = fit.expected_error(sizes)
    law = law[np.linspace(0, len(law) - 1, min(draws, len(law))).round().astype(int)]
    means = fit.curves.means()
    groups = {Triplet(*key): part for key, part in means.groupby(list(AXES), sort=False)}
    last_n = np.array([float(groups[t]["n_train"].iloc[-1]) for t in fit.triplets])
    last_value = np.array([float(groups[t]["value"].iloc[-1]) for t in fit.triplets])
    order = np.argsort(sizes)
    beyond = np.maximum(np.log(sizes[order])[None, :] - np.log(last_n)[:, None], 0.0)
    steps = np.sqrt(np.diff(beyond, axis=1, prepend=0.0))
    walk = np.cumsum(WALK_SPEED * steps * rng.standard_normal(law.shape), axis=2)[:, :, np.argsort(order)]
    curve = law * np.exp(walk)
    run = _new_runs(fit, curve, sizes, groups, rng)
    ceiling = 1.0 if fit.curves.metric == "error-rate" else np.inf
    note = f"from a hierarchical fit ({fit.family}); beyond the data a discrepancy of {WALK_SPEED:.0%} an e-fold is added"
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
    from curvefit.fitting.criticism import noise_sd

    noise = noise_sd(fit, sizes)
    if noise is None:
        spread = np.array([_seed_spread(groups[t]) for t in fit.triplets])
        return curve * np.exp(spread[None, :, None] * rng.standard_normal(curve.shape))
    noise = noise[np.linspace(0, len(noise) - 1, len(curve)).round().astype(int)]
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


def _say(calibration: Calibration) -> str:
    if not calibration.held_out:
        return "curves too short to hold sizes out: equal family weights, discrepancy not calibrated"
    shares = ", ".join(
        f"{name} {weight:.2f}" for name, weight in zip(calibration.families, calibration.weights)
    )
    return (
        f"family weights from {calibration.held_out} rolling-origin hold-outs: {shares}; "
        f"discrepancy beyond the data x {calibration.inflation:g}"
    )
