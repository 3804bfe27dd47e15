"""Exponents of all triplets: a forest of intervals, theory beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.curves.predicted_exponents import predicted_exponents
from curvefit.fitting.bands import parameter_table
from curvefit.fitting.intervals import end_columns
from curvefit.plots.lettering import drawable
from curvefit.plots.style import (
    NAME_LETTERS,
    PALETTE,
    add_legend,
    interval_text,
    looks,
    new_axes,
    paper_style,
    room,
    set_title,
)
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit

UNITS = {
    "exponent": "exponent (log error per log n)",
    "floor": "floor (error that no amount of data removes)",
    "amplitude": "amplitude (excess error at n = 1)",
    "dimension": "effective dimension (by the chosen link; a relative one gives factors)",
}


def plot_exponents(
    source: CurveFit | pd.DataFrame,
    *,
    parameter: str = "exponent",
    predicted: pd.Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a forest: a line per triplet with the median and interval of one parameter.

    Where up to fourteen datasets tell the triplets of a (model, inference) apart, colours name them and the axis names
    the pair once; otherwise every line has its own name.

    Parameters
    ----------
    source
        A fit, or a table with data, model, inference and the columns ``<parameter>``,
        ``<parameter>_low``, ``<parameter>_high``.
    parameter
        Which parameter: ``"exponent"``, ``"floor"``, ``"amplitude"``; another column of a table, such as the
        ``"dimension"`` of ``effective_dimension(fit).summary()``.
    predicted
        What theory expects, one value per row (NaN where it is silent); drawn as hollow diamonds.
        Taken from the curves' facts when the source is a fit.
    ax
        Axes to draw on.
    """
    table = source if isinstance(source, pd.DataFrame) else parameter_table(source, parameter)
    if predicted is None and parameter == "exponent" and not isinstance(source, pd.DataFrame):
        known = predicted_exponents(source.curves.facts)
        predicted = pd.Series([known.get(tuple(triplet), np.nan) for triplet in source.triplets], dtype=float)
    table = table.assign(predicted=np.nan if predicted is None else np.asarray(predicted, dtype=float))
    table = _grouped(table)
    with paper_style():
        grouped = 1 < table["data"].nunique() <= 2 * len(PALETTE)
        rows = np.arange(len(table))[::-1]
        places, names = _group_labels(table, rows) if grouped else (list(rows), _row_labels(table))
        width = max(6.4, 3.6 + room(names) + room(table["data"]))
        ax = new_axes(ax, size=(width, 1.2 + (0.12 if grouped else 0.17) * len(table)))
        look_of = looks(list(dict.fromkeys(table["data"])))
        for data, part in table.groupby("data", sort=False):
            look = look_of[str(data)]
            at = rows[table["data"] == data]
            spread = np.abs(part[end_columns(parameter)].to_numpy().T - part[parameter].to_numpy())
            ax.errorbar(
                part[parameter], at, xerr=spread, fmt=look.marker, ms=4, lw=1.3, color=look.colour, label=data
            )
        if table["predicted"].notna().any():
            ax.plot(table["predicted"], rows, "D", mfc="none", mec="black", ms=5, label="theory")
        ax.set_yticks(places, [drawable(name, NAME_LETTERS) for name in names], fontsize=7.5)
        ax.set_ylim(-0.8, len(table) - 0.2)
        ax.set_xlabel(UNITS.get(parameter, parameter))
        ax.grid(axis="y", visible=False)
        _separate_groups(ax, table, rows)
        if len(look_of) > 1 or table["predicted"].notna().any():
            add_legend(ax)
        set_title(ax, _forest_finding(table, parameter))
    return ax


def _grouped(table: pd.DataFrame) -> pd.DataFrame:
    """Order rows by model and inference, then data, each in its order of appearance."""
    ranks = {
        axis: table[axis].map({level: i for i, level in enumerate(dict.fromkeys(table[axis]))})
        for axis in AXES
    }
    order = np.lexsort((ranks["data"], ranks["inference"], ranks["model"]))
    return table.iloc[order].reset_index(drop=True)


def _group_labels(table: pd.DataFrame, rows: np.ndarray) -> tuple[list[float], list[str]]:
    """Return a tick in the middle of every (model, inference), and its name."""
    names = table["model"] + " | " + table["inference"]
    middle = pd.Series(rows, index=table.index).groupby(names, sort=False).mean()
    return list(middle), list(middle.index)


def _row_labels(table: pd.DataFrame) -> list[str]:
    varying = [axis for axis in ("model", "inference", "data") if table[axis].nunique() > 1] or list(AXES)
    return [" | ".join(str(getattr(row, axis)) for axis in varying) for row in table.itertuples()]


def _separate_groups(ax: Axes, table: pd.DataFrame, rows: np.ndarray) -> None:
    pairs = list(table[["model", "inference"]].itertuples(index=False, name=None))
    for i in range(1, len(pairs)):
        if pairs[i] != pairs[i - 1] and table["data"].nunique() > 1:
            ax.axhline(rows[i] + 0.5, color="#cccccc", lw=0.6)


def _forest_finding(table: pd.DataFrame, parameter: str) -> str:
    top = table.loc[table[parameter].idxmax()]
    ends = end_columns(parameter)
    text = interval_text(top[parameter], *top[ends])
    first = f"largest {parameter}: {Triplet(top['data'], top['model'], top['inference'])}, {text}"
    known = table[table["predicted"].notna()]
    if known.empty:
        return first
    inside = known["predicted"].between(*(known[end] for end in ends))
    return f"{first}\ntheory lies within {int(inside.sum())} of {len(known)} intervals"
