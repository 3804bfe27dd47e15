"""Means over seeds: one row a curve and size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES


def size_means(usable: pd.DataFrame) -> pd.DataFrame:
    """Return one row per triplet and size: value (mean over seeds), value_se, replicates, n_errors, n_test.

    The standard error is the larger of the spread between seeds and the errors given. One seed without either has that of counting,
    if it is an error rate with a known number of test points, and none if it is a loss: how much single inputs differ is not known.
    """
    keys = [*AXES, "metric", "n_train"]
    frame = usable.assign(_variance=usable["value_se"] ** 2)
    groups = frame.groupby(keys, sort=False)
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
    table = table.reset_index()
    columns = [*keys, "value", "value_se", "replicates", "n_errors", "n_test", "chance_error"]
    order = table.groupby(list(AXES), sort=False).ngroup()
    table = table.assign(_order=order).sort_values(["_order", "n_train"], kind="stable")
    return table[columns].reset_index(drop=True)
