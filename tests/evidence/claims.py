"""A claim, what the records say of it, and the few measurements that claims rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from curvefit.curves import LearningCurves
from curvefit.dimension import compare_curves
from curvefit.triplet import Triplet

HELD, FAILED, OPEN = "held", "**did not hold**", "open"


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence put to the test.

    Parameters
    ----------
    says
        What theory or hypothesis says.
    measured
        What the records say, with intervals.
    verdict
        `HELD`, `FAILED` or `OPEN`.
    """

    says: str
    measured: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor with its central 90 % interval, from one value a seed (Student's t on the log scale)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def verdict_of(held: bool, against: bool) -> str:
    """Return the verdict of a claim that holds, is contradicted, or neither."""
    return HELD if held else FAILED if against else OPEN


def error_ratio(curves: LearningCurves, one: Triplet, other: Triplet) -> Factor:
    """Return the error of `one` over that of `other`: geometric mean over their common sizes, paired by seed."""
    return Factor(*compare_curves(curves, one, other).ratio())


def ratio_at(curves: LearningCurves, one: Triplet, other: Triplet, size: int) -> Factor:
    """Return the error of `one` over that of `other` at one size."""
    return error_ratio(curves.drop_sizes(below=size, above=size), one, other)


def data_factor(
    curves: LearningCurves, one: Triplet, other: Triplet, error: float | None = None
) -> Factor | None:
    """Return how many times the training inputs of `other` the curve of `one` needs to reach `error`.

    Sizes are interpolated seed by seed along log error against log n, never beyond the measured ones; None when
    a seed of either curve does not reach the error. By default the error is the middle (on the log scale) of the
    range that both mean curves cover.
    """
    tables = [_by_seed(curves, triplet) for triplet in (one, other)]
    if error is None:
        top = min(table.mean().max() for table in tables)
        bottom = max(table.mean().min() for table in tables)
        if bottom >= top:
            return None
        error = float(np.sqrt(top * bottom))
    needed = [np.array([_size_at(row, error) for _, row in table.iterrows()]) for table in tables]
    return _factor_of_logs(np.log(needed[0]) - np.log(needed[1]))


def _factor_of_logs(logs: np.ndarray) -> Factor | None:
    if len(logs) < 2 or not np.isfinite(logs).all():
        return None
    reach = logs.std(ddof=1) / len(logs) ** 0.5 * student.ppf(0.95, len(logs) - 1)
    return Factor(*np.exp([logs.mean(), logs.mean() - reach, logs.mean() + reach]))


def data_factor_at(curves: LearningCurves, one: Triplet, other: Triplet, size: int) -> Factor | None:
    """Return how many times the training inputs of `other` the curve of `one` has at `size`, for equal error.

    Each seed has its own level: the error of `one` at `size`, read off the curve of `other`. None when a seed of
    `other` is never so bad, or never so good, within its sizes.
    """
    tables = [_by_seed(curves, triplet) for triplet in (one, other)]
    seeds = tables[0].index.intersection(tables[1].index)
    needed = [_size_at(tables[1].loc[seed], tables[0].loc[seed, size]) for seed in seeds]
    logs = np.log(size) - np.log(needed)
    return _factor_of_logs(logs)


def least_factor(curves: LearningCurves, one: Triplet, other: Triplet) -> float | None:
    """Return what the data factor exceeds where `other` starts below the lowest error of `one` in every seed."""
    tables = [_by_seed(curves, triplet) for triplet in (one, other)]
    if tables[1].iloc[:, 0].max() >= tables[0].min(axis=None):
        return None
    return float(tables[0].columns.max() / tables[1].columns.min())


def mean_errors(curves: LearningCurves, triplet: Triplet, sizes: Sequence[int] | None = None) -> pd.Series:
    """Return the mean error of a triplet at every size, indexed by size."""
    means = _by_seed(curves, triplet).mean()
    return means if sizes is None else means.loc[list(sizes)]


def _by_seed(curves: LearningCurves, triplet: Triplet) -> pd.DataFrame:
    table = curves.select(data=triplet.data, model=triplet.model, inference=triplet.inference).usable
    return table.pivot_table(index="seed", columns="n_train", values="value").dropna()


def _size_at(row: pd.Series, error: float) -> float:
    """Return the first size at which a seed's curve falls to `error`, interpolated; NaN when it never does."""
    sizes, errors = np.log(row.index.to_numpy(float)), np.log(row.to_numpy(float))
    goal = np.log(error)
    for i in range(1, len(sizes)):
        if errors[i - 1] >= goal >= errors[i] and errors[i - 1] > errors[i]:
            share = (errors[i - 1] - goal) / (errors[i - 1] - errors[i])
            return float(np.exp(sizes[i - 1] + share * (sizes[i] - sizes[i - 1])))
    return float("nan")


def capitalised(label: str) -> str:
    """Return a label with the architecture or algorithm at its head in capitals: ``VEC width 4``."""
    head, _, rest = label.partition(" ")
    bare = head.rstrip(",")
    return f"{bare.upper()}{head[len(bare) :]}{' ' if rest else ''}{rest}"
