"""Exponents of all triplets: a forest of intervals, and a heat map over data, model and inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.plots.bands import parameter_table
from curvefit.plots.style import (
    GREY,
    PALETTE,
    interval_text,
    looks,
    new_axes,
    paper_style,
    plain_log_axis,
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
    "dimension": "effective dimension (2 / exponent or as linked)",
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
        ``<parameter>_lower``, ``<parameter>_upper``.
    parameter
        Which parameter: ``"exponent"``, ``"floor"``, ``"amplitude"``.
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
        ax = new_axes(ax, size=(6.4, 1.2 + (0.12 if grouped else 0.17) * len(table)))
        rows = np.arange(len(table))[::-1]
        look_of = looks(list(dict.fromkeys(table["data"])))
        for data, part in table.groupby("data", sort=False):
            look = look_of[str(data)]
            at = rows[table["data"] == data]
            spread = np.abs(
                part[[f"{parameter}_lower", f"{parameter}_upper"]].to_numpy().T - part[parameter].to_numpy()
            )
            ax.errorbar(
                part[parameter], at, xerr=spread, fmt=look.marker, ms=4, lw=1.3, color=look.colour, label=data
            )
        if table["predicted"].notna().any():
            ax.plot(table["predicted"], rows, "D", mfc="none", mec="black", ms=5, label="theory")
        ax.set_yticks(*(_group_labels(table, rows) if grouped else (rows, _row_labels(table))), fontsize=7.5)
        ax.set_ylim(-0.8, len(table) - 0.2)
        ax.set_xlabel(UNITS.get(parameter, parameter))
        ax.grid(axis="y", visible=False)
        _separate_groups(ax, table, rows)
        if len(look_of) > 1 or table["predicted"].notna().any():
            ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        set_title(ax, _forest_finding(table, parameter))
    return ax


def predicted_exponents(facts: pd.DataFrame) -> pd.Series:
    """Return the exponents that theory expects, by (data, model, inference); NaN where it is silent.

    A prediction in the facts of a dataset speaks of a student with the symmetry of the target: it is left out where
    the facts say that the data has a symmetry and the learned function has another.
    """
    index = pd.MultiIndex.from_frame(facts[list(AXES)])
    if "predicted_exponent" not in facts.columns:
        return pd.Series(np.nan, index=index)
    values = pd.to_numeric(facts["predicted_exponent"])
    if {"data_symmetry", "function_symmetry"} <= set(facts.columns):
        target = facts["data_symmetry"].fillna("trivial")
        values = values.where((target == "trivial") | (target == facts["function_symmetry"].fillna(target)))
    return pd.Series(values.to_numpy(dtype=float), index=index)


def plot_heatmap(
    source: CurveFit | pd.DataFrame, *, parameter: str = "exponent", ax: Axes | None = None
) -> Axes:
    """Draw data (rows) by model within inference (columns), the parameter's median in every cell.

    Parameters
    ----------
    source, parameter
        As in `plot_exponents`. Cells without a triplet stay empty.
    ax
        Axes to draw on.
    """
    import matplotlib.pyplot as plt

    table = source if isinstance(source, pd.DataFrame) else parameter_table(source, parameter)
    data = list(dict.fromkeys(table["data"]))
    columns = sorted(
        dict.fromkeys(table[["inference", "model"]].itertuples(index=False, name=None)),
        key=lambda pair: list(dict.fromkeys(table["inference"])).index(pair[0]),
    )
    values = np.full((len(data), len(columns)), np.nan)
    for row in table.itertuples():
        values[data.index(row.data), columns.index((row.inference, row.model))] = getattr(row, parameter)
    with paper_style():
        ax = new_axes(ax, size=(max(5.0, 2.2 + 0.62 * len(columns)), 1.7 + 0.36 * len(data)))
        image = ax.imshow(
            np.ma.masked_invalid(values), cmap="cividis", aspect="auto", norm=_colour_scale(values)
        )
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "white" if image.norm(value) < 0.5 else "black"
                ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
        ax.set_yticks(range(len(data)), data)
        ax.set_xticks(range(len(columns)), [model for _, model in columns])
        _inference_headings(ax, [inference for inference, _ in columns])
        ax.grid(visible=False)
        ax.tick_params(length=0)
        bar = plt.colorbar(image, ax=ax, label=UNITS.get(parameter, parameter), fraction=0.05, pad=0.02)
        if bar.ax.get_yscale() == "log":
            plain_log_axis(bar.ax, values)
        set_title(ax, _heat_finding(table, parameter), pad=8)
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


def _colour_scale(values: np.ndarray) -> Any:
    """Return logarithmic colours where values differ by a factor, so that an outlier does not hide the rest."""
    from matplotlib.colors import LogNorm, Normalize

    known = values[np.isfinite(values)]
    low, high = known.min(), known.max()
    return LogNorm(low, high) if low > 0 and high > 2 * low else Normalize(low, high)


def _row_labels(table: pd.DataFrame) -> list[str]:
    varying = [axis for axis in ("model", "inference", "data") if table[axis].nunique() > 1] or list(AXES)
    return [" | ".join(str(getattr(row, axis)) for axis in varying) for row in table.itertuples()]


def _separate_groups(ax: Axes, table: pd.DataFrame, rows: np.ndarray) -> None:
    pairs = list(table[["model", "inference"]].itertuples(index=False, name=None))
    for i in range(1, len(pairs)):
        if pairs[i] != pairs[i - 1] and table["data"].nunique() > 1:
            ax.axhline(rows[i] + 0.5, color="#cccccc", lw=0.6)


def _inference_headings(ax: Axes, inferences: list[str]) -> None:
    for name in dict.fromkeys(inferences):
        at = [i for i, other in enumerate(inferences) if other == name]
        ax.text(np.mean(at), 1.0, "", transform=ax.get_xaxis_transform())
        ax.annotate(
            name, (float(np.mean(at)), 0), xycoords=("data", "axes fraction"), xytext=(0, -24),
            textcoords="offset points", ha="center", va="top", color=GREY,
        )  # fmt: skip
        if at[0] > 0:
            ax.axvline(at[0] - 0.5, color="white", lw=3)


def _forest_finding(table: pd.DataFrame, parameter: str) -> str:
    top = table.loc[table[parameter].idxmax()]
    text = interval_text(top[parameter], top[f"{parameter}_lower"], top[f"{parameter}_upper"])
    first = f"largest {parameter}: {Triplet(top['data'], top['model'], top['inference'])}, {text}"
    known = table[table["predicted"].notna()]
    if known.empty:
        return first
    inside = (known["predicted"] >= known[f"{parameter}_lower"]) & (
        known["predicted"] <= known[f"{parameter}_upper"]
    )
    return f"{first}\ntheory lies within {int(inside.sum())} of {len(known)} intervals"


def _heat_finding(table: pd.DataFrame, parameter: str) -> str:
    top, bottom = (table.loc[index] for index in (table[parameter].idxmax(), table[parameter].idxmin()))
    texts = [f"{Triplet(*(row[axis] for axis in AXES))}: {row[parameter]:.2f}" for row in (top, bottom)]
    return f"largest {parameter} {texts[0]}\nsmallest {parameter} {texts[1]}"
