"""Posterior predictive checks and residuals: where the model and the measurements part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from curvefit.plots.style import (
    GREY,
    PALETTE,
    decimal_ticks,
    looks,
    new_axes,
    paper_style,
    set_title,
    size_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit

AT_MOST_NAMES = 7


def plot_predictions(source: CurveFit | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw observed means against what the fit predicts for them, with predictive intervals.

    Parameters
    ----------
    source
        A fit, or its table from `curvefit.fitting.criticism.check_predictions`.
    ax
        Axes to draw on.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    table = _checked(source)
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
        for axis, scale in ((ax.xaxis, ax.set_xscale), (ax.yaxis, ax.set_yscale)):
            scale("log")
            axis.set_major_locator(FixedLocator(decimal_ticks(ends)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set(xlabel="observed mean error over seeds", ylabel="predicted for new runs")
        set_title(
            ax,
            f"{int(table['inside'].sum())} of {len(table)} observed means\nlie within their predictive interval",
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
    table = residuals(_checked(source))
    with paper_style():
        ax = new_axes(ax, size=(5.6, 3.4))
        pairs = table["model"] + " | " + table["inference"]
        named = looks(list(dict.fromkeys(pairs)))
        for name, look in named.items():
            part = table[pairs == name]
            label = name if len(named) <= AT_MOST_NAMES else None
            ax.plot(
                part["n_train"],
                part["residual"],
                look.marker,
                color=look.colour,
                ms=3.5,
                alpha=0.8,
                label=label,
            )
        means = table.groupby("n_train")["residual"].mean()
        ax.plot(means.index, means, color="black", lw=1.3, label="mean over curves")
        for level in (-2, 0, 2):
            ax.axhline(level, color=GREY, lw=0.7, ls="-" if level == 0 else ":")
        size_axis(ax, table["n_train"])
        ax.set_ylabel("residual (predictive standard deviations)")
        set_title(ax, _residual_finding(means, table))
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def residuals(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with `residual`: the normal score of each observed mean among its replicates."""
    p = table["p_mean"].clip(0.001, 0.999)
    return table.assign(residual=stats.norm.ppf(p))


def _checked(source: CurveFit | pd.DataFrame) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    from curvefit.fitting.criticism import check_predictions

    return check_predictions(source)


def _residual_finding(means: pd.Series, table: pd.DataFrame) -> str:
    counts = table.groupby("n_train")["residual"].size()
    score = means * np.sqrt(counts)
    worst = score.abs().idxmax()
    if abs(score[worst]) < stats.norm.ppf(1 - 0.025 / len(means)):
        return "no training-set size is off over all curves"
    side = "above" if means[worst] > 0 else "below"
    return f"at n = {worst:,} the errors lie {side} the fit over all curves (mean {means[worst]:+.1f})"
