"""Exponents of the posterior against those of least squares on each curve alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.fitting.intervals import end_columns
from curvefit.plots.style import GREY, PALETTE, add_legend, new_axes, paper_style, plain_log_axis, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {
    "inside": ("o", PALETTE[0], "inside the posterior's interval"),
    "overlapping": ("s", PALETTE[5], "outside, intervals overlap"),
    "apart": ("D", PALETTE[1], "intervals apart"),
}


def plot_cross_check(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw exponents of the posterior against least squares, both with intervals; on the diagonal they agree.

    What least squares puts far beyond the posterior's intervals is drawn at the edge; curves without an exponent by least squares
    are counted in the title.

    Parameters
    ----------
    table
        What `curvefit.report.cross_check` returned.
    ax
        Axes to draw on.
    """
    drawn = table[table["least_squares_agreement"].isin(LOOKS)]
    known = table if drawn.empty else drawn
    low, high = known["exponent_low"].min() / 2, 2 * known["exponent_high"].max()
    drawn = drawn.assign(least_squares_exponent=drawn["least_squares_exponent"].clip(low * 1.03, high / 1.03))
    with paper_style():
        ax = new_axes(ax, size=(7.2, 4.4))
        for word, (marker, colour, label) in LOOKS.items():
            part = drawn[drawn["least_squares_agreement"] == word]
            if part.empty:
                continue
            ax.errorbar(
                part["exponent"],
                part["least_squares_exponent"],
                xerr=_arms(part, "exponent", low, high),
                yerr=_arms(part, "least_squares_exponent", low, high),
                fmt=marker,
                ms=3.5,
                lw=0.5,
                color=colour,
                alpha=0.85,
                label=f"{label} ({len(part)})",
            )
        ax.plot([low, high], [low, high], color=GREY, lw=0.8, ls="--")
        plain_log_axis(ax, [low, high], axis="x")
        plain_log_axis(ax, [low, high])
        ax.set(
            xlim=(low, high),
            ylim=(low, high),
            xlabel="exponent, posterior of all curves",
            ylabel="exponent, least squares on the curve alone",
        )
        inside = int((table["least_squares_agreement"] == "inside").sum())
        unknown = len(table) - len(drawn)
        title = f"least squares lies within the posterior's interval on {inside} of {len(table)} curves"
        set_title(ax, title + (f", not known on {unknown}" if unknown else ""))
        if not drawn.empty:
            add_legend(ax)
    return ax


def _arms(part: pd.DataFrame, name: str, low: float, high: float) -> np.ndarray:
    """Return the lengths of the error bars, cut at the edges of the picture."""
    ends = part[end_columns(name)].clip(low, high).to_numpy().T
    return np.abs(ends - part[name].to_numpy())
