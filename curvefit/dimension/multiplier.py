"""Data multiplier: how many times more examples the baseline needs for the same error, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.dimension.intervals import PROBABILITY, columns, probability_of
from curvefit.dimension.pairs import Pair, baseline_pairs
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.triplet import AXES, Triplet

REACH = 1e4
"""How many times beyond the measured sizes a curve is followed before a level counts as out of reach."""
GRID = 160
LEVELS = 5


@dataclass(frozen=True, slots=True, eq=False)
class DataMultiplier:
    """Posterior of ``n_baseline(error) / n_aligned(error)``; build it with `data_multiplier`.

    Parameters
    ----------
    pairs
        The comparisons.
    levels
        Error levels, ``(pairs, levels)``.
    draws
        ``(draws, pairs, levels)``; infinite where the baseline never reaches the level, 0 where the aligned
        curve never does, NaN where neither does (within `REACH` times the measured sizes).
    within
        ``(pairs, levels)``: whether both curves were measured around that level (interpolation).
    """

    pairs: tuple[Pair, ...]
    levels: np.ndarray
    draws: np.ndarray
    within: np.ndarray

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row per pair and level: multiplier with interval, range, reached, P(multiplier > 1)."""
        rows = []
        for i, pair in enumerate(self.pairs):
            for j, level in enumerate(self.levels[i]):
                draws = self.draws[:, i, j]
                rows.append(
                    {
                        "baseline": str(pair.baseline),
                        "aligned": str(pair.aligned),
                        "error": float(level),
                        "range": "interpolation" if self.within[i, j] else "extrapolation",
                        **_quantiles(draws, probability),
                        "reached": float((np.isfinite(draws) & (draws > 0)).mean()),
                        "p_gain": probability_of(draws > 1, np.where(np.isnan(draws), np.nan, 0.0)),
                    }
                )
        return pd.DataFrame(rows)

    def at(self, pair: int, level: int) -> np.ndarray:
        """Return the draws of one pair at one of its levels, ``(draws,)``."""
        return self.draws[:, pair, level]

    def central(self, pair: int) -> int | None:
        """Return the position of the middle interpolated level of a pair, or None when there is none."""
        inside = np.flatnonzero(self.within[pair])
        return int(inside[len(inside) // 2]) if len(inside) else None


def data_multiplier(
    fit: CurveFit,
    pairs: Sequence[Pair] | None = None,
    *,
    baseline: str = "fcn",
    levels: Sequence[float] | None = None,
    reference: Mapping[str, str] | None = None,
) -> DataMultiplier:
    """Compare how many examples two curves need for equal errors.

    Parameters
    ----------
    fit
        A `CurveFit` of any family; curves are inverted numerically.
    pairs
        Comparisons; by default those of every triplet with its counterpart at `baseline`.
    levels
        Error levels. By default five of each pair, evenly spaced in log error over the range that both
        curves were measured in, or one level between the curves where they have no range in common.
    reference
        As in `invariance_table`.
    """
    chosen = tuple(pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference))
    if levels is not None and (len(levels) == 0 or min(levels) <= 0):
        raise InvalidInputError(f"error levels must be positive, got {list(levels)}")
    needed = sorted({fit.index(t) for pair in chosen for t in (pair.baseline, pair.aligned)})
    place = {index: k for k, index in enumerate(needed)}
    sizes, error = _curves_on_grid(fit, needed)
    log_sizes, log_error = np.log(sizes), np.log(np.clip(error, 1e-300, None))
    ranges = [_measured_range(fit, index, sizes, error[:, k]) for k, index in enumerate(needed)]
    all_levels, all_draws, all_within = [], [], []
    for pair in chosen:
        base, aligned = place[fit.index(pair.baseline)], place[fit.index(pair.aligned)]
        own = (
            np.asarray(levels, float) if levels is not None else _common_levels(ranges[base], ranges[aligned])
        )
        own = np.concatenate([own, np.full(max(LEVELS - len(own), 0), np.nan)]) if levels is None else own
        n_base, n_aligned = (invert(log_sizes, log_error[:, k], np.log(own)) for k in (base, aligned))
        all_levels.append(own)
        all_draws.append(_ratio(n_base, n_aligned))
        all_within.append(_inside(own, ranges[base]) & _inside(own, ranges[aligned]))
    kept = ~np.isnan(all_levels).all(axis=0)
    return DataMultiplier(
        chosen,
        np.array(all_levels)[:, kept],
        np.stack(all_draws, axis=1)[:, :, kept],
        np.array(all_within)[:, kept],
    )


def invert(log_sizes: np.ndarray, log_error: np.ndarray, log_levels: np.ndarray) -> np.ndarray:
    """Return the log size at which each curve first falls to each level; infinite when it never does.

    Parameters
    ----------
    log_sizes
        ``(sizes,)``, increasing.
    log_error
        ``(draws, sizes)``.
    log_levels
        ``(levels,)``.

    Returns
    -------
    numpy.ndarray
        ``(draws, levels)``; NaN where the curve lies below the level from the first size on.
    """
    found = np.full((len(log_error), len(log_levels)), np.inf)
    for j, level in enumerate(log_levels):
        below = log_error <= level
        reached = below.any(axis=1)
        after = below.argmax(axis=1)
        row = np.flatnonzero(reached & (after > 0))
        right = after[row]
        upper, lower = log_error[row, right - 1], log_error[row, right]
        share = (upper - level) / (upper - lower)
        found[row, j] = log_sizes[right - 1] + share * (log_sizes[right] - log_sizes[right - 1])
        found[reached & (after == 0), j] = np.nan
        if np.isnan(level):
            found[:, j] = np.nan
    return found


def measured_sizes(fit: CurveFit, triplet: Triplet) -> np.ndarray:
    """Return the distinct training-set sizes at which a triplet was measured."""
    usable = fit.curves.usable
    mine = (usable[list(AXES)] == list(triplet)).all(axis=1)
    return np.sort(usable.loc[mine, "n_train"].unique()).astype(float)


def _curves_on_grid(fit: CurveFit, needed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes and expected errors ``(draws, needed, sizes)``, a few sizes at a time to bound memory."""
    measured = fit.curves.usable["n_train"]
    sizes = np.geomspace(measured.min() / REACH**0.5, measured.max() * REACH, GRID)
    parts = [fit.expected_error(part)[:, needed] for part in np.array_split(sizes, GRID // 8)]
    return sizes, np.concatenate(parts, axis=2)


def _measured_range(fit: CurveFit, index: int, sizes: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    measured = measured_sizes(fit, fit.triplets[index])
    middle = np.median(error, axis=0)
    high, low = np.exp(np.interp(np.log(measured[[0, -1]]), np.log(sizes), np.log(middle)))
    return float(low), float(high)


def _common_levels(one: tuple[float, float], other: tuple[float, float]) -> np.ndarray:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    if low >= high:
        return np.array([np.sqrt(low * high)])
    return np.geomspace(high, low, LEVELS + 2)[1:-1]


def _inside(levels: np.ndarray, measured: tuple[float, float]) -> np.ndarray:
    return (levels >= measured[0]) & (levels <= measured[1])


def _ratio(n_base: np.ndarray, n_aligned: np.ndarray) -> np.ndarray:
    neither = np.isinf(n_base) & np.isinf(n_aligned)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(neither, np.nan, np.exp(n_base - n_aligned))


def _quantiles(draws: np.ndarray, probability: float) -> dict[str, float]:
    """Return median and bounds, counting draws that never reach the level as infinite (or zero)."""
    known = draws[~np.isnan(draws)]
    if known.size == 0:
        return columns("multiplier", known, probability)
    tail = (1 - probability) / 2
    values = np.quantile(known, [0.5, tail, 1 - tail], method="nearest")
    return dict(zip(("multiplier", "multiplier_low", "multiplier_high"), map(float, values)))
