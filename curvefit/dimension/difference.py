"""Are two learning curves the same? Compared on the data itself, at equal sizes and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from curvefit.curves.frames import rows_of
from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.intervals import PROBABILITY, ROPE
from curvefit.triplet import Triplet

ROUNDING = 1e-6
PRIOR_DEGREES = 3.0
"""Degrees of freedom that the pooled variance of all log ratios counts for, beside those of the scatter over seeds."""
PRIOR_REFUTES = 1.0
"""How many of them count where equality is refuted: the pooled variance takes the correlation along n for known."""
CORRELATION = (0.5, 4.0)
"""Correlation of one seed's log ratios at neighbouring sizes that is expected, and how many pairs that is worth."""


@dataclass(frozen=True, slots=True)
class CurveDifference:
    """Difference of two curves in log error: one minus the other, over the sizes both have.

    Two independent summaries: `level`, the mean log ratio over the sizes, and `bend`, half the change of the log
    ratio from the smallest to the largest size (along a straight line in log n). Equal curves have both zero.
    Their errors come from the scatter of the log ratio over seeds: runs of equal size and seed share training set
    and test set, so pairing them removes what they share. What the sizes of a seed have in common, as nested training
    sets do, is in that scatter.

    Parameters
    ----------
    level, level_se, bend, bend_se
        Estimates and standard errors, in log units.
    degrees
        Degrees of freedom of the standard errors (Student's t).
    degrees_against
        Those that a refutation of equality may lean on: fewer, so that equal curves are not refuted more often than
        stated, however the sizes of a seed go together.
    n_sizes, n_runs
        Sizes compared, and log ratios they rest on.
    paired
        Whether runs were paired by seed.
    """

    level: float
    level_se: float
    bend: float
    bend_se: float
    degrees: float
    degrees_against: float
    n_sizes: int
    n_runs: int
    paired: bool

    def probability_equal(self, rope: float = ROPE) -> float:
        """Return the probability that level and bend both lie within ``-rope..rope`` (flat prior)."""
        inside = 1.0
        for value, se in ((self.level, self.level_se), (self.bend, self.bend_se)):
            if not np.isfinite(value) or not np.isfinite(se):
                return float("nan")
            upper, lower = (
                student.cdf((edge - value) / max(se, ROUNDING), self.degrees) for edge in (rope, -rope)
            )
            inside *= upper - lower
        return float(inside)

    def p_value(self) -> float:
        """Return the two-sided p-value of equality: the smaller of level's and bend's, doubled for having two."""
        smallest = 1.0
        for value, se in ((self.level, self.level_se), (self.bend, self.bend_se)):
            if not np.isfinite(value) or not np.isfinite(se):
                return float("nan")
            smallest = min(
                smallest, float(2 * student.sf(abs(value) / max(se, ROUNDING), self.degrees_against))
            )
        return min(1.0, 2 * smallest)

    def ratio(self, probability: float = PROBABILITY) -> tuple[float, float, float]:
        """Return the mean error ratio (geometric, over the sizes) with its interval."""
        if not np.isfinite(self.level_se):
            return float(np.exp(self.level)), float("nan"), float("nan")
        reach = self.level_se * student.ppf((1 + probability) / 2, self.degrees)
        low, high = self.level - reach, self.level + reach
        return float(np.exp(self.level)), float(np.exp(low)), float(np.exp(high))


def compare_curves(curves: LearningCurves, one: Triplet, other: Triplet) -> CurveDifference:
    """Compare the curves of two triplets at equal sizes: log error of `one` minus that of `other`.

    Runs of one size and seed are compared with each other where seeds are known, else means over seeds. Counts enter with
    half an error added, so that an error-free run has a finite logarithm.
    """
    table = curves.usable
    first, second = (_log_errors(table, triplet) for triplet in (one, other))
    ratios = first.merge(second, on=["n_train", "seed"], suffixes=("", "_other"))
    paired = curves.seeds_matched and len(ratios) > 0
    if paired:
        ratios["ratio"] = ratios["log_error"] - ratios["log_error_other"]
        ratios["variance"] = ratios["binomial"] + ratios["binomial_other"]
    else:
        ratios = _unpaired(first, second)
    if ratios["n_train"].nunique() < 1:
        nothing = float("nan")
        return CurveDifference(nothing, nothing, nothing, nothing, nothing, nothing, 0, 0, paired)
    return summarise_ratios(ratios, paired=paired)


def _log_errors(table: pd.DataFrame, triplet: Triplet) -> pd.DataFrame:
    mine = rows_of(table, triplet)
    counted = (mine["metric"] == "error-rate") & mine["n_errors"].notna()
    count = mine["n_errors"].where(counted, np.nan)
    rate = ((count + 0.5) / (mine["n_test"] + 1)).where(counted, mine["value"])
    frame = pd.DataFrame(
        {
            "n_train": mine["n_train"],
            "seed": mine["seed"],
            "log_error": np.log(rate.clip(lower=1e-300).astype(float)),
            "binomial": ((1 - rate) / (count + 0.5)).astype(float),
        }
    )
    return frame[np.isfinite(frame["log_error"])]


def _unpaired(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return one log ratio per size of seed means, with the variance of that ratio."""
    means = [part.groupby("n_train").agg(["mean", "var", "count"]) for part in (first, second)]
    sizes = means[0].index.intersection(means[1].index)
    variance = sum(
        m.loc[sizes, ("log_error", "var")].fillna(m.loc[sizes, ("binomial", "mean")])
        / m.loc[sizes, ("log_error", "count")]
        for m in means
    )
    return pd.DataFrame(
        {
            "n_train": sizes.to_numpy(),
            "seed": 0,
            "ratio": (
                means[0].loc[sizes, ("log_error", "mean")] - means[1].loc[sizes, ("log_error", "mean")]
            ).to_numpy(),
            "variance": np.asarray(variance, dtype=float),
        }
    )


def summarise_ratios(ratios: pd.DataFrame, *, paired: bool) -> CurveDifference:
    """Return level and bend of log error ratios, with standard errors.

    Parameters
    ----------
    ratios
        One row a seed and size: seed, n_train, ratio (log error of the one curve minus that of the other) and, where no size has
        runs enough to scatter, variance (of a ratio, NaN where unknown).
    paired
        Whether the ratios are of runs paired by seed.
    """
    wide = ratios.pivot_table(index="seed", columns="n_train", values="ratio")
    present, value = wide.notna().to_numpy(), wide.to_numpy()
    runs = int(present.sum())
    position = np.log(wide.columns.to_numpy(float))
    position -= (present @ position).sum() / runs
    span = np.ptp(position)
    z = 2 * position / span if span > 0 else np.full_like(position, np.nan)
    shares = [present / runs, present * z / np.sum(present * z**2)]
    level, bend = (
        float(np.nansum(share * value)) if np.isfinite(share).all() else np.nan for share in shares
    )
    if runs - value.shape[1] >= 2:
        variances, degrees, against = _from_scatter(value, shares)
    else:
        line = level + (bend * z if span > 0 else 0.0)
        noise, degrees = _without_scatter(ratios, (value - line)[present])
        against = degrees
        variances = [noise * float(np.sum(share**2)) for share in shares]
    level_se, bend_se = np.sqrt(variances)
    return CurveDifference(
        level, float(level_se), bend, float(bend_se), degrees, against, value.shape[1], runs, paired
    )


def _from_scatter(value: np.ndarray, shares: list[np.ndarray]) -> tuple[list[float], float, float]:
    """Return the variance of each weighted sum of log ratios, their degrees of freedom, and those against equality.

    Seeds are independent, the sizes of one seed need not be: the scatter over seeds of a sum's own part in every seed
    is its variance, whatever the correlation along n. Few seeds measure it badly, so it is averaged with what all log ratios
    together say under the correlation of `_neighbour_correlation`, which counts for `PRIOR_DEGREES` (a moderated
    variance: Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004)).

    Parameters
    ----------
    value
        Log ratios, ``(seeds, sizes)``, NaN where a run is missing.
    shares
        Weights of each sum, ``(seeds, sizes)``, 0 where a run is missing.
    """
    seeds, sizes = value.shape
    deviation = np.nan_to_num(value - np.nanmean(value, axis=0))
    free = int(np.isfinite(value).sum()) - sizes
    noise = float(np.sum(deviation**2)) / free
    steps = np.abs(np.subtract.outer(np.arange(sizes), np.arange(sizes)))
    correlation = _neighbour_correlation(deviation, np.isfinite(value), noise) ** steps
    variances = []
    for share in shares:
        pooled = noise * float(np.einsum("si,ij,sj->", share, correlation, share))
        scatter = float(np.sum(np.sum(share * deviation, axis=1) ** 2)) * seeds / (seeds - 1)
        variances.append((PRIOR_DEGREES * pooled + (seeds - 1) * scatter) / (PRIOR_DEGREES + seeds - 1))
    degrees, against = (float(min(prior + seeds - 1, free)) for prior in (PRIOR_DEGREES, PRIOR_REFUTES))
    return variances, degrees, against


def _neighbour_correlation(deviation: np.ndarray, present: np.ndarray, noise: float) -> float:
    """Return the correlation of a seed's deviations at neighbouring sizes, drawn to `CORRELATION` of nested sets."""
    prior, worth = CORRELATION
    pairs = float(np.sum(present[:, 1:] & present[:, :-1])) * (1 - 1 / len(present))
    product = float(np.sum(deviation[:, 1:] * deviation[:, :-1])) / noise if noise > 0 else prior * pairs
    return float(np.clip((product + worth * prior) / (pairs + worth), 0.0, 0.95))


def _without_scatter(ratios: pd.DataFrame, residual: np.ndarray) -> tuple[float, float]:
    """Return variance of one log ratio and its degrees of freedom, where no size has runs enough to scatter."""
    known = float(ratios["variance"].mean())
    if np.isfinite(known):
        return known, 1e6
    if len(residual) >= 4:
        return float(residual @ residual) / (len(residual) - 2), float(len(residual) - 2)
    return float("nan"), float("nan")
