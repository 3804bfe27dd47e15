"""Are two learning curves the same? Compared on the data itself, at equal sizes and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.intervals import PROBABILITY, ROPE
from curvefit.triplet import AXES, Triplet

ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class CurveDifference:
    """Difference of two curves in log error: one minus the other, over the sizes both have.

    Two independent summaries: `level`, the mean log ratio over the sizes, and `bend`, half the change of the log
    ratio from the smallest to the largest size (along a straight line in log n). Equal curves have both zero.
    Their errors come from the scatter of the log ratio over seeds: runs of equal size and seed share training set
    and test set, so pairing them removes what they share. A part common to all sizes of a seed is allowed for.

    Parameters
    ----------
    level, level_se, bend, bend_se
        Estimates and standard errors, in log units.
    degrees
        Degrees of freedom of the standard errors (Student's t).
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
            smallest = min(smallest, float(2 * student.sf(abs(value) / max(se, ROUNDING), self.degrees)))
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

    Counts enter with half an error added, so that an error-free run has a finite logarithm.
    """
    table = curves.usable
    first, second = (_log_errors(table, triplet) for triplet in (one, other))
    ratios = first.merge(second, on=["n_train", "seed"], suffixes=("", "_other"))
    paired = len(ratios) > 0
    if paired:
        ratios["ratio"] = ratios["log_error"] - ratios["log_error_other"]
        ratios["variance"] = ratios["binomial"] + ratios["binomial_other"]
    else:
        ratios = _unpaired(first, second)
    if ratios["n_train"].nunique() < 1:
        nothing = float("nan")
        return CurveDifference(nothing, nothing, nothing, nothing, nothing, 0, 0, paired)
    return _summarise(ratios, paired=paired)


def _log_errors(table: pd.DataFrame, triplet: Triplet) -> pd.DataFrame:
    mine = table[(table[list(AXES)] == list(triplet)).all(axis=1)]
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


def _summarise(ratios: pd.DataFrame, *, paired: bool) -> CurveDifference:
    position = np.log(ratios["n_train"].to_numpy(dtype=float))
    span = np.ptp(position)
    z = 2 * (position - position.mean()) / span if span > 0 else np.zeros_like(position)
    value = ratios["ratio"].to_numpy()
    level = float(value.mean())
    squares = float(z @ z)
    bend = float(z @ value / squares) if squares > 0 else float("nan")
    noise, common, degrees = _variances(ratios, value - level - (bend * z if squares > 0 else 0.0))
    level_variance = noise / len(value) + common
    bend_variance = noise / squares if squares > 0 else float("nan")
    return CurveDifference(
        level,
        float(np.sqrt(level_variance)),
        bend,
        float(np.sqrt(bend_variance)),
        degrees,
        int(ratios["n_train"].nunique()),
        len(ratios),
        paired,
    )


def _variances(ratios: pd.DataFrame, residual: np.ndarray) -> tuple[float, float, float]:
    """Return variance of one log ratio, variance of the level common to a seed's sizes, degrees of freedom."""
    by_size = ratios.groupby("n_train")["ratio"]
    deviation = (ratios["ratio"] - by_size.transform("mean")).to_numpy()
    sizes, seeds = by_size.ngroups, ratios["seed"].nunique()
    degrees = len(ratios) - sizes
    if degrees >= 2:
        noise = float(deviation @ deviation) / degrees
        common, common_degrees = _common_part(ratios["seed"], deviation, noise), seeds - 1
        total = noise / len(ratios) + common
        if common > 0 and total > 0:
            degrees = total**2 / ((noise / len(ratios)) ** 2 / degrees + common**2 / common_degrees)
        return noise, common, float(degrees)
    known = float(ratios["variance"].mean())
    if np.isfinite(known):
        return known, 0.0, 1e6
    if len(ratios) >= 4:
        return float(residual @ residual) / (len(ratios) - 2), 0.0, float(len(ratios) - 2)
    return float("nan"), float("nan"), float("nan")


def _common_part(seed: pd.Series, deviation: np.ndarray, noise: float) -> float:
    """Return the variance of the mean that a level common to all sizes of a seed adds (method of moments)."""
    groups = pd.Series(deviation).groupby(seed.to_numpy())
    means, counts = groups.mean(), groups.size()
    if len(means) < 2:
        return 0.0
    excess = means.var(ddof=1) - noise / counts.mean()
    return max(float(excess), 0.0) / len(means)
