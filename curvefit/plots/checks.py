"""Posterior predictive checks and residuals: where the model and the measurements part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from curvefit.fitting.criticism import check_predictions, residuals
from curvefit.plots.style import (
    GREY,
    PALETTE,
    add_legend,
    looks,
    new_axes,
    paper_style,
    plain_log_axis,
    room,
    set_title,
    size_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit

AT_MOST_NAMES = 7


def plot_predictions(
    source: CurveFit | pd.DataFrame, *, probability: float = 0.9, ax: Axes | None = None
) -> Axes:
    """Draw observed means against what the fit predicts for them, with predictive intervals.

    Parameters
    ----------
    source
        A fit, or its table from `curvefit.fitting.criticism.check_predictions`.
    probability
        Mass of the intervals; of a table, of those that it was made with.
    ax
        Axes to draw on.
    """
    table = _checked(source, probability)
    with paper_style():
        ax = new_axes(ax, size=(4.4, 4.2))
        for inside, colour, label in ((True, PALETTE[0], "inside"), (False, PALETTE[1], "outside")):
            part = table[table["inside"] == inside]
            if part.empty:
                continue
            spread = np.abs(part[["low", "high"]].to_numpy().T - part["predicted"].to_numpy())
            ax.errorbar(
                part["observed"], part["predicted"], yerr=spread, fmt="o" if inside else "s", ms=3, lw=0.8,
                color=colour, label=f"{label} ({len(part)})",
            )  # fmt: skip
        values = table[["observed", "predicted", "low", "high"]].to_numpy()
        ends = [values[values > 0].min(), values.max()]
        ax.plot(ends, ends, color=GREY, lw=0.8, ls="--")
        plain_log_axis(ax, ends, axis="x")
        plain_log_axis(ax, ends)
        ax.set(
            xlabel="observed test error, mean over seeds", ylabel="test error predicted for as many new runs"
        )
        inside = table["inside"].mean()
        set_title(
            ax,
            f"{int(table['inside'].sum())} of {len(table)} observed means ({inside:.0%}) lie within the {probability:.0%} "
            "interval "
            "predicted for them",
        )
        ax.legend(loc="upper left")
    return ax


def plot_residuals(source: CurveFit | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw standardised residuals against training-set size; bends of the fit show as runs of one sign.

    Parameters
    ----------
    source
        A fit, or its table from `curvefit.fitting.criticism.check_predictions`.
    ax
        Axes to draw on.
    """
    table = residuals(_checked(source, 0.9))
    with paper_style():
        names = _groups(table)
        ax = new_axes(ax, size=(max(5.6, 3.6 + room(names)), 3.4))
        named = looks(list(dict.fromkeys(names)))
        for rank, (name, look) in enumerate(named.items()):
            part = table[names == name]
            aside = 1 + 0.05 * (rank - (len(named) - 1) / 2)
            ax.plot(
                part["n_train"] * aside,
                part["residual"],
                look.marker,
                color=look.colour,
                ms=3.5,
                alpha=0.6,
                label=name,
            )
        means = table.groupby("n_train")["residual"].mean()
        ax.plot(means.index, means, color="black", lw=1.3, label="mean over curves")
        for level in (-2, 0, 2):
            ax.axhline(level, color=GREY, lw=0.7, ls="-" if level == 0 else ":")
        size_axis(ax, table["n_train"])
        ax.set_ylabel("residual (predictive standard deviations)")
        set_title(ax, _residual_finding(means, table))
        add_legend(ax)
    return ax


def _groups(table: pd.DataFrame) -> pd.Series:
    """Name the finest groups of curves that few enough colours can tell apart."""
    for names in (table["model"] + " | " + table["inference"], table["model"], table["inference"]):
        if names.nunique() <= AT_MOST_NAMES:
            return names
    return pd.Series("curves", index=table.index)


def _checked(source: CurveFit | pd.DataFrame, probability: float) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    return check_predictions(source, probability=probability)


def _residual_finding(means: pd.Series, table: pd.DataFrame) -> str:
    counts = table.groupby("n_train")["residual"].size()
    score = means * np.sqrt(counts)
    worst = score.abs().idxmax()
    if abs(score[worst]) < stats.norm.ppf(1 - 0.025 / len(means)):
        return "no training-set size is off over all curves"
    side = "above" if means[worst] > 0 else "below"
    return f"at n = {worst:,} the errors lie {side} the fit over all curves (mean {means[worst]:+.1f})"
