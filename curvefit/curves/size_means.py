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
    table.update(_weighted(frame))
    table = table.reset_index()
    columns = [*_KEYS, "value", "value_se", "replicates", "n_errors", "n_test", "chance_error"]
    order = table.groupby(list(AXES), sort=False).ngroup()
    table = table.assign(_order=order).sort_values(["_order", "n_train"], kind="stable")
    return table[columns].reset_index(drop=True)


def _weighted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return value and value_se of the sizes whose runs are known to different accuracy, indexed by curve and size."""
    by_size = frame.groupby(_KEYS, sort=False)
    counted = (frame["metric"] == "error-rate") & (frame["n_test"] > 0)
    errors, tests = (
        one.groupby([frame[key] for key in _KEYS], sort=False).transform("sum")
        for one in (frame["value"] * frame["n_test"], frame["n_test"])
    )
    rate = ((errors + 0.5) / (tests + 1.0)).clip(0.0, 1.0)
    known = frame["_variance"].fillna((rate * (1.0 - rate) / frame["n_test"]).where(counted))
    runs = frame[_KEYS].assign(y=frame["value"], v=known)
    size = runs.groupby(_KEYS, sort=False)["v"]
    uneven = (size.transform("min") > 0) & (size.transform("max") > 1.001 * size.transform("min"))
    runs = runs[uneven & (size.transform("count") == by_size["value"].transform("size"))]

    def total(column: pd.Series) -> pd.Series:
        return column.groupby([runs[key] for key in _KEYS], sort=False).transform("sum")

    def about(weight: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
        """Return sum of weights, weighted mean, and weighted squares about it."""
        mean = total(weight * runs["y"]) / total(weight)
        return total(weight), mean, total(weight * (runs["y"] - mean) ** 2)

    weight, more = 1.0 / runs["v"], total(runs["v"] * 0.0 + 1.0) - 1.0
    all_weight, _, squares = about(weight)
    between = ((squares - more) / (all_weight - total(weight**2) / all_weight)).clip(lower=0.0)
    all_weight, mean, squares = about(1.0 / (runs["v"] + between))
    error = np.sqrt((squares / more).clip(lower=1.0) / all_weight)
    return runs[_KEYS].assign(value=mean, value_se=error).groupby(_KEYS, sort=False).first()
