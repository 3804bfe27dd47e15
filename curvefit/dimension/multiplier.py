"""Data multiplier: how many times more examples the baseline needs for the same error, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.curves.frames import rows_of
from curvefit.dimension.baselines import baseline_pairs
from curvefit.dimension.intervals import PROBABILITY, columns, gain_probabilities, number, spell
from curvefit.dimension.pairs import Pair, pair_coords
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws
from curvefit.fitting.inversion import invert
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    import arviz as az

REACH = 1e4
"""How many times beyond the measured sizes a curve is followed before a level counts as out of reach."""
GRID = 160
LEVELS = 5


@dataclass(frozen=True, slots=True, eq=False)
class DataMultiplier(Saveable):
    """Posterior of ``n_baseline(error) / n_aligned(error)``; build it with `data_multiplier`.

    Parameters
    ----------
    pairs
        The comparisons.
    levels
        Error levels, ``(pairs, levels)``.
    multiplier
        ``(draws, pairs, levels)``; infinite where the baseline never reaches the level, 0 where the aligned
        curve never does, NaN where neither does (within `REACH` times the measured sizes).
    within
        ``(pairs, levels)``: whether both curves were measured around that level (interpolation).
    chains
        Number of chains that the draws come from, one after the other.
    """

    pairs: tuple[Pair, ...]
    levels: np.ndarray
    multiplier: np.ndarray
    within: np.ndarray
    chains: int = 1

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: multiplier over (chain, draw, pair, level); the errors are constant data."""
        return labelled_draws(
            {"multiplier": self.multiplier},
            {"multiplier": ["pair", "level"], "error": ["pair", "level"], "within": ["pair", "level"]},
            chains=self.chains,
            coords={**pair_coords(self.pairs), "level": np.arange(self.levels.shape[1])},
            constant={"error": self.levels, "within": self.within},
        )

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row per pair and level: multiplier with interval, range, reached, P(multiplier > 1)."""
        rows = []
        for i, pair in enumerate(self.pairs):
            for j, level in enumerate(self.levels[i]):
                draws = self.multiplier[:, i, j]
                rows.append(
                    {
                        "baseline": str(pair.baseline),
                        "aligned": str(pair.aligned),
                        "error": float(level),
                        "range": "interpolation" if self.within[i, j] else "extrapolation",
                        **columns("multiplier", draws, probability),
                        "reached": self.reached(i, j),
                        "p_gain": gain_probabilities(draws).more,
                    }
                )
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        return "\n".join(self._sentence(i) for i in range(len(self.pairs)))

    def _sentence(self, pair: int) -> str:
        """Return how many times more examples the baseline of a pair needs, at its middle level measured by both."""
        middle = self.central(pair)
        level = 0 if middle is None else middle
        error = self.levels[pair, level]
        if not np.isfinite(error):
            return f"{self.pairs[pair]}: worth in data unknown."
        draws = self.multiplier[:, pair, level]
        where = "" if middle is not None else "; extrapolated: the measured curves share no error"
        reached = self.reached(pair, level)
        where += f"; both reach it in {reached:.0%} of draws" if reached < 1 else ""
        return (
            f"{self.pairs[pair]}: at an error of {number(error)} the baseline needs {spell(draws, PROBABILITY)} "
            f"times the examples (P(more) = {gain_probabilities(draws).more:.2f}{where})."
        )

    def at(self, pair: int, level: int) -> np.ndarray:
        """Return the draws of one pair at one of its levels, ``(draws,)``."""
        return self.multiplier[:, pair, level]

    def reached(self, pair: int, level: int) -> float:
        """Return the share of draws in which both curves reach a level (within `REACH`)."""
        draws = self.multiplier[:, pair, level]
        return float((np.isfinite(draws) & (draws > 0)).mean())

    def central(self, pair: int) -> int | None:
        """Return the position of the middle interpolated level of a pair, or None when there is none."""
        inside = np.flatnonzero(self.within[pair])
        return int(inside[len(inside) // 2]) if len(inside) else None


def data_multiplier(
    fit: CurveFit,
    baseline: str | None = None,
    *,
    pairs: Sequence[Pair] = (),
    levels: Sequence[float] | None = None,
    reference: Mapping[str, str] | None = None,
) -> DataMultiplier:
    """Compare how many examples two curves need for equal errors.

    Parameters
    ----------
    fit
        A `CurveFit` of any family; curves are inverted numerically.
    baseline, pairs
        As in `symmetry_gain`.
    levels
        Error levels. By default five of each pair, evenly spaced in log error over the range that both
        curves were measured in, or one level between the curves where they have no range in common.
    reference
        As in `invariance_table`.

    Raises
    ------
    UnknownNameError, InvalidInputError
        When the baseline names nothing, nothing can be compared with it, or a level is not positive.
    """
    chosen = tuple(pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference))
    if levels is not None and (len(levels) == 0 or min(levels) <= 0):
        raise InvalidInputError(f"error levels must be positive, got {list(levels)}")
    ranges = {t: _measured_range(fit, t) for pair in chosen for t in (pair.baseline, pair.aligned)}
    all_levels: list[np.ndarray] = []
    wanted: dict[Triplet, list[int]] = {triplet: [] for triplet in ranges}
    for i, pair in enumerate(chosen):
        one, other = ranges[pair.baseline], ranges[pair.aligned]
        own = np.asarray(levels, float) if levels is not None else _common_levels(one, other)
        all_levels.append(own)
        wanted[pair.baseline].append(i)
        wanted[pair.aligned].append(i)
    grid = np.stack(all_levels)
    kept = ~np.isnan(grid).all(axis=0)
    grid = grid[:, kept]
    sizes = _grid(fit)
    log_n = {}
    for triplet, places in wanted.items():
        error = fit.expected_error(sizes, at=[fit.index(triplet)])[:, 0]
        found = invert(np.log(sizes), error, grid[places].ravel())
        log_n[triplet] = dict(zip(places, np.split(found, len(places), axis=1)))
    draws = [_ratio(log_n[pair.baseline][i], log_n[pair.aligned][i]) for i, pair in enumerate(chosen)]
    within = [
        _inside(grid[i], ranges[pair.baseline]) & _inside(grid[i], ranges[pair.aligned])
        for i, pair in enumerate(chosen)
    ]
    return DataMultiplier(chosen, grid, np.stack(draws, axis=1), np.array(within), fit.n_chains)


def measured_sizes(fit: CurveFit, triplet: Triplet) -> np.ndarray:
    """Return the distinct training-set sizes at which a triplet was measured."""
    return np.sort(rows_of(fit.curves.usable, triplet)["n_train"].unique()).astype(float)


def _grid(fit: CurveFit) -> np.ndarray:
    """Return the sizes on which curves are inverted, far beyond the measured ones on both sides."""
    measured = fit.curves.usable["n_train"]
    return np.geomspace(measured.min() / REACH**0.5, measured.max() * REACH, GRID)


def _measured_range(fit: CurveFit, triplet: Triplet) -> tuple[float, float]:
    """Return the lowest and the highest error that a curve was measured at, posterior medians."""
    ends = fit.expected_error(measured_sizes(fit, triplet)[[0, -1]], at=[fit.index(triplet)])
    high, low = np.median(ends[:, 0], axis=0)
    return float(low), float(high)


def _common_levels(one: tuple[float, float], other: tuple[float, float]) -> np.ndarray:
    """Return `LEVELS` errors that both were measured at, or one between the two curves, the others NaN."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    if low >= high:
        return np.array([np.sqrt(low * high), *[np.nan] * (LEVELS - 1)])
    return np.geomspace(high, low, LEVELS + 2)[1:-1]


def _inside(levels: np.ndarray, measured: tuple[float, float]) -> np.ndarray:
    return (levels >= measured[0]) & (levels <= measured[1])


def _ratio(n_base: np.ndarray, n_aligned: np.ndarray) -> np.ndarray:
    neither = np.isinf(n_base) & np.isinf(n_aligned)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(neither, np.nan, np.exp(n_base - n_aligned))
