"""Local slope against training-set size: shows bends, plateaus and pre-asymptotic starts that one exponent hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from curvefit.curves.frames import rows_of
from curvefit.fitting.slopes import LocalSlopes, local_slopes
from curvefit.plots.style import add_legend, looks, new_axes, paper_style, room, set_title, size_axis
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit


def plot_local_slopes(source: CurveFit | LocalSlopes, *, ax: Axes | None = None) -> Axes:
    """Draw local slopes against n: points between neighbouring sizes, the fitted slope with its band.

    Parameters
    ----------
    source
        A fit, or `local_slopes` of one. More than eight curves are too many for one panel: select first.
    ax
        Axes to draw on.
    """
    slopes = source if isinstance(source, LocalSlopes) else local_slopes(source)
    names = [str(triplet) for triplet in slopes.triplets]
    with paper_style():
        ax = new_axes(ax, size=(max(5.2, 3.6 + room(names)), 3.6))
        for triplet, look in zip(slopes.triplets, looks(names).values(), strict=True):
            line, points = (rows_of(frame, triplet) for frame in (slopes.fitted, slopes.measured))
            ax.fill_between(
                line["n_train"], line["slope_low"], line["slope_high"], color=look.colour, alpha=0.2, lw=0
            )
            ax.plot(line["n_train"], line["slope"], color=look.colour, ls=look.dash, label=str(triplet))
            ax.plot(points["n_train"], points["slope"], look.marker, color=look.colour, ms=4)
        ax.axhline(0, color="black", lw=0.6)
        size_axis(ax, slopes.sizes)
        ax.set_ylabel("local slope, -d log(error) / d log(n)")
        set_title(ax, _finding(slopes))
        if len(names) > 1:
            add_legend(ax)
    return ax


def _finding(slopes: LocalSlopes) -> str:
    bends = list(
        filter(None, (_bend(triplet, rows_of(slopes.fitted, triplet)) for triplet in slopes.triplets))
    )
    if not bends:
        return "no curve bends clearly over the measured sizes"
    return (
        bends[0]
        if len(slopes.triplets) == 1
        else f"{len(bends)} of the {len(slopes.triplets)} curves drawn bend: {bends[0]}"
    )


def _bend(triplet: Triplet, line: pd.DataFrame) -> str:
    """Say how a fitted slope changes, where its intervals at two sizes do not overlap; empty where they all do."""
    if line["slope_low"].max() <= line["slope_high"].min():
        return ""
    first, last = line["slope"].iloc[[0, -1]]
    top = line.loc[line["slope"].idxmax()]
    if top["slope_low"] > max(line["slope_high"].iloc[0], line["slope_high"].iloc[-1]):
        return f"{triplet} rises from {first:.2f} to {top['slope']:.2f} at n = {top['n_train']:.0f}, then falls to {last:.2f}"
    word = "steepens" if last > first else "flattens"
    return f"{triplet} {word}, {first:.2f} to {last:.2f}"
