"""Means over seeds: one row a curve and size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES

_KEYS = [*AXES, "metric", "n_train"]


def size_means(usable: pd.DataFrame) -> pd.DataFrame:
    """Return one row per triplet and size: value (mean over seeds), value_se, replicates, n_errors, n_test.

    Runs count alike unless their standard errors, or their numbers of test points, differ: then each counts by the inverse of its
    variance, known part plus what seeds differ by (DerSimonian and Laird's moment estimate, Controlled Clinical Trials 7, 1986).

    The standard error is the larger of the spread between seeds and the errors given. One seed without either has that of counting,
    if it is an error rate with a known number of test points, and none if it is a loss: how much single inputs differ is not known.
    """
    frame = usable.assign(_variance=usable["value_se"] ** 2)
    groups = frame.groupby(_KEYS, sort=False)
    table = groups.agg(
        value=("value", "mean"), spread=("value", "std"), variance=("_variance", "sum"), given=("value_se", "count"),
        replicates=("value", "size"), test=("n_test", "first"), chance_error=("chance_error", "first"),
    )  # fmt: skip
    for name in ("n_errors", "n_test"):
        table[name] = groups[name].sum().where(groups[name].count() == table["replicates"])
    count = table["replicates"]
    test = table["test"].where(table.index.get_level_values("metric") == "error-rate")
    given = (np.sqrt(table["variance"]) / count).where(table["given"] > 0)
    binomial = np.sqrt(np.maximum(table["value"] * (1 - table["value"]), 0.25 / test) / test)
    alone = given.where(given.notna(), binomial.where(test > 0))
    seeds = np.fmax(table["spread"] / np.sqrt(count), given.fillna(0.0))
    table["value_se"] = seeds.where(count > 1, alone)
    table.update(_weighted(usable))
    table = table.reset_index()
    columns = [*_KEYS, "value", "value_se", "replicates", "n_errors", "n_test", "chance_error"]
    order = table.groupby(list(AXES), sort=False).ngroup()
    table = table.assign(_order=order).sort_values(["_order", "n_train"], kind="stable")
    return table[columns].reset_index(drop=True)


def run_weights(usable: pd.DataFrame) -> pd.Series:
    """Return how much every run counts in the mean of its curve and size, (runs,); 1 where they count alike."""
    return _inverse_variances(usable).reindex(usable.index, fill_value=1.0)


def _weighted(usable: pd.DataFrame) -> pd.DataFrame:
    """Return value and value_se of the sizes whose runs are known to different accuracy, indexed by curve and size."""
    weight = _inverse_variances(usable)
    runs = usable.loc[weight.index, _KEYS]
    all_weight, mean, squares = _about_mean(runs, usable["value"], weight)
    error = np.sqrt((squares / _spare(runs)).clip(lower=1.0) / all_weight)
    return runs.assign(value=mean, value_se=error).groupby(_KEYS, sort=False).first()


def _inverse_variances(usable: pd.DataFrame) -> pd.Series:
    """Return the weights of those runs whose curve and size hold runs known to different accuracy, all of it known."""
    if usable["value_se"].isna().all() and usable["n_test"].nunique() <= 1:
        return pd.Series(dtype=float)
    tests = usable["n_test"].where(usable["metric"] == "error-rate")
    errors = _total(usable, usable["value"] * tests)
    rate = ((errors + 0.5) / (_total(usable, tests) + 1.0)).clip(0.0, 1.0)
    known = (usable["value_se"] ** 2).fillna((rate * (1.0 - rate) / tests).where(tests > 0))
    of_size = known.groupby([usable[key] for key in _KEYS], sort=False)
    uneven = (of_size.transform("min") > 0) & (of_size.transform("max") > 1.001 * of_size.transform("min"))
    chosen = uneven & (of_size.transform("count") == of_size.transform("size"))
    runs, known = usable.loc[chosen, _KEYS], known[chosen]
    weight = 1.0 / known
    all_weight, _, squares = _about_mean(runs, usable["value"], weight)
    between = (squares - _spare(runs)) / (all_weight - _total(runs, weight**2) / all_weight)
    return 1.0 / (known + between.clip(lower=0.0))


def _about_mean(
    runs: pd.DataFrame, value: pd.Series, weight: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return sum of weights, weighted mean, and weighted squares about it, of every run's curve and size."""
    all_weight, value = _total(runs, weight), value[runs.index]
    mean = _total(runs, weight * value) / all_weight
    return all_weight, mean, _total(runs, weight * (value - mean) ** 2)


def _spare(runs: pd.DataFrame) -> pd.Series:
    """Return the number of runs of every run's curve and size, less one."""
    return _total(runs, pd.Series(1.0, runs.index)) - 1.0


def _total(runs: pd.DataFrame, column: pd.Series) -> pd.Series:
    """Return the sum of a column over every run's curve and size."""
    return column.groupby([runs[key] for key in _KEYS], sort=False).transform("sum")
