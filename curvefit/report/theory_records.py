"""Test loss of kernel regression beside what theory predicts from the spectrum, where the records hold both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.plots.theory import plot_theory_curves
from curvefit.report.cells import interval_cell, make_table
from curvefit.report.content import Cell, ReportFigure, ReportTable
from curvefit.report.figures import render
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.records import RunRecord

PREDICTED = "theory_loss"
DEPARTS_BY = 0.05
STANDARD_ERRORS = 2.0
AT_MOST_DATA = 5


def theory_beside(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return measured beside predicted test loss, a row per kernel triplet and size.

    Parameters
    ----------
    records
        Run records; those without a predicted loss (`theory = true` of a kernel algorithm, sizes below the largest) are left
        out.

    Returns
    -------
    pandas.DataFrame
        data, model, inference, n_train, seeds, measured and predicted (means over seeds, in units of the loss), ratio (mean
        over seeds of measured / predicted), ratio_se, departs (by more than 5 % and two standard errors). Empty where
        no record holds a prediction. The standard error has two parts: between seeds (none for one seed), and that of the
        test set, for losses of single inputs that scatter by as much as their mean: by 0.4 to 1.0 of it on Fashion-MNIST.
    """
    runs = pd.DataFrame(
        [
            (
                r.data,
                r.model,
                r.inference,
                r.n_train,
                r.seed,
                r.n_test or np.inf,
                _loss(r),
                r.extra[PREDICTED],
            )
            for r in records
            if r.status == "ok" and r.extra.get(PREDICTED) and np.isfinite(_loss(r))
        ],
        columns=[*AXES, "n_train", "seed", "n_test", "measured", "predicted"],
    )
    runs["ratio"] = runs["measured"] / runs["predicted"]
    table = (
        runs.groupby([*AXES, "n_train"], sort=False)
        .agg(
            seeds=("seed", "nunique"),
            measured=("measured", "mean"),
            predicted=("predicted", "mean"),
            ratio=("ratio", "mean"),
            ratio_se=("ratio", "sem"),
            n_test=("n_test", "min"),
        )
        .reset_index()
    )
    of_test_set = 1 / np.sqrt(table.pop("n_test"))
    table["ratio_se"] = np.hypot(table["ratio_se"].fillna(0.0), of_test_set)
    off = (table["ratio"] - 1).abs()
    table["departs"] = (off > DEPARTS_BY) & (off > STANDARD_ERRORS * table["ratio_se"])
    return table


def theory_parts(table: pd.DataFrame) -> tuple[ReportTable | ReportFigure, ...]:
    """Return the figures and the table of a report; nothing where `table` is empty."""
    if table.empty:
        return ()
    labels = list(dict.fromkeys(table["data"]))
    parts = [labels[i : i + AT_MOST_DATA] for i in range(0, len(labels), AT_MOST_DATA)]
    figures = []
    for number, part in enumerate(parts, start=1):
        chosen = table[table["data"].isin(part)]
        figures.append(
            render(
                f"theory-{number}",
                partial(plot_theory_curves, chosen),
                caption="Test loss (mean squared error of the kernel's outputs) beside theory from the spectrum of one Gram "
                f"matrix of training inputs: {', '.join(part)}. No test input enters the prediction, and nothing in it is fitted.",
            )
        )
    return (*figures, theory_table(table))


def theory_table(table: pd.DataFrame) -> ReportTable:
    """Return a row per kernel triplet: the median ratio over sizes, its range, and where theory departs."""
    by_curve = table.groupby(list(AXES), sort=False)
    frame = by_curve.agg(
        sizes=("n_train", "nunique"),
        n_min=("n_train", "min"),
        n_max=("n_train", "max"),
        ratio=("ratio", "median"),
        ratio_low=("ratio", "min"),
        ratio_high=("ratio", "max"),
    ).reset_index()
    where = {
        key: ", ".join(f"{n:,} (× {ratio:.2f})" for n, ratio in zip(part["n_train"], part["ratio"]))
        for key, part in table[table["departs"]].groupby(list(AXES), sort=False)
    }
    frame["departs_at"] = [where.get(tuple(key), "") for key in frame[list(AXES)].to_numpy()]
    return make_table(
        "theory",
        frame,
        title="Measured over predicted test loss",
        caption=theory_sentence(table),
        columns=[
            *((axis, axis, None) for axis in AXES),
            ("n_min", "smallest n", None),
            ("n_max", "largest n", None),
            ("ratio", "ratio: median [smallest, largest] over sizes", interval_cell),
            ("departs_at", "departs at n", _departs_cell),
        ],
    )


def theory_sentence(table: pd.DataFrame) -> str:
    """Say how well theory predicts, and where it does not."""
    curves = table.groupby(list(AXES), sort=False)
    medians, departing = curves["ratio"].median(), curves["departs"].any()
    said = (
        f"Theory from the spectrum beside {len(medians)} kernel curve{'s' if len(medians) > 1 else ''}: the median ratio of measured "
        f"to predicted loss is {table['ratio'].median():.2f}"
        + (f" ({medians.min():.2f} to {medians.max():.2f} over curves)." if len(medians) > 1 else ".")
    )
    if not departing.any():
        return f"{said} At no size does it depart by more than 5 % and two standard errors."
    off = table[table["departs"]]
    first, last = off["n_train"].min(), off["n_train"].max()
    said += (
        f" It departs by more than 5 % and two standard errors at {len(off)} of {len(table)} sizes, on {int(departing.sum())} "
        f"curve{'s' if departing.sum() > 1 else ''}: n = {first:,}{f' to {last:,}' if last > first else ''}."
    )
    few = table["n_train"] <= table["n_train"].median()
    if table.loc[few, "departs"].sum() > 0.5 * len(off):
        said += " Most of these are small sizes, where the equations, which hold for many examples, need not."
    return said


def _loss(record: RunRecord) -> float:
    value = record.test_loss if record.metric == "error-rate" else record.value
    return np.nan if value is None else float(value)


def _departs_cell(row: Mapping[str, Any], name: str) -> Cell:
    text = str(row[name])
    return Cell(text or "nowhere", text, "open" if text else "")
