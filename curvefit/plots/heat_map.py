"""One parameter of all triplets as colours and numbers: data in rows, models within inference in columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.fitting.bands import parameter_table
from curvefit.plots.exponents import UNITS
from curvefit.plots.lettering import drawable, longest, wide
from curvefit.plots.style import (
    GREY,
    LETTERS_PER_INCH,
    NAME_LETTERS,
    new_axes,
    paper_style,
    plain_log_axis,
    room,
    set_title,
)
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit

LINE, ROW, COLUMN = 0.17, 0.36, 0.62
"""Inches of a line of text, and the least ones of a row and a column of the map."""
LEAST_WIDTH, LEAST_HEIGHT = 3.4, 1.4
"""Inches of a map of few columns or rows: room for its title, and for what its colours mean."""
MOST_LINES, WORD_LETTERS, UPRIGHT_LETTERS = 3, 14, 30
"""Lines of a name that lies; letters below which its words stay whole; letters of a line of one that stands."""


def plot_heatmap(
    source: CurveFit | pd.DataFrame, *, parameter: str = "exponent", ax: Axes | None = None
) -> Axes:
    """Draw data (rows) by model within inference (columns), the parameter's median in every cell.

    Models are named below the map, inferences above it. Names that are too long for their columns stand upright.

    Parameters
    ----------
    source, parameter
        As in `plot_exponents`. Cells without a triplet stay empty.
    ax
        Axes to draw on. A figure of its own is as large as its names and cells need.
    """
    table = source if isinstance(source, pd.DataFrame) else parameter_table(source, parameter)
    data, inferences = (list(dict.fromkeys(table[axis])) for axis in ("data", "inference"))
    columns = sorted(
        dict.fromkeys(table[["inference", "model"]].itertuples(index=False, name=None)),
        key=lambda pair: inferences.index(pair[0]),
    )
    values = np.full((len(data), len(columns)), np.nan)
    for row in table.itertuples():
        values[data.index(row.data), columns.index((row.inference, row.model))] = getattr(row, parameter)
    rows = [drawable(name, NAME_LETTERS) for name in data]
    beside = room(data)
    width = max(LEAST_WIDTH, COLUMN * len(columns))
    height = max(LEAST_HEIGHT, sum(max(ROW, LINE * (1 + name.count("\n"))) for name in rows))
    with paper_style():
        grows = ax is None
        ax = new_axes(ax, size=(beside + width + 1.3, height))
        if not grows:
            box = ax.get_window_extent()
            width, height = (inches / ax.get_figure(root=True).dpi for inches in (box.width, box.height))
        _draw_cells(ax, values, parameter, letters=int(LETTERS_PER_INCH * height))
        ax.set_yticks(range(len(data)), rows)
        in_column = int(LETTERS_PER_INCH * width / len(columns)) - 1
        below = _name_columns(ax, range(len(columns)), [model for _, model in columns], in_column)
        above = _head_columns(ax, [inference for inference, _ in columns], in_column)
        ax.grid(visible=False)
        ax.tick_params(length=0)
        set_title(ax, _finding(table, parameter), margin=beside, pad=8)
        if grows:
            title = LINE * (2 + ax.get_title(loc="left").count("\n"))
            ax.get_figure(root=True).set_figheight(height + below + above + title + 0.4)
    return ax


def _draw_cells(ax: Axes, values: np.ndarray, parameter: str, *, letters: int) -> None:
    """Draw the cells, their numbers, and the bar that says what the colours mean, in lines of so many letters."""
    import matplotlib.pyplot as plt

    image = ax.imshow(np.ma.masked_invalid(values), cmap="cividis", aspect="auto", norm=_colour_scale(values))
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if image.norm(value) < 0.5 else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
    meaning = drawable(UNITS.get(parameter, parameter), letters)
    bar = plt.colorbar(image, ax=ax, label=meaning, fraction=0.05, pad=0.02)
    if bar.ax.get_yscale() == "log":
        plain_log_axis(bar.ax, values)


def _colour_scale(values: np.ndarray) -> Any:
    """Return logarithmic colours where values differ by a factor, so that an outlier does not hide the rest."""
    from matplotlib.colors import LogNorm, Normalize

    known = values[np.isfinite(values)]
    low, high = known.min(), known.max()
    return LogNorm(low, high) if low > 0 and high > 2 * low else Normalize(low, high)


def _head_columns(ax: Axes, inferences: Sequence[str], in_column: int) -> float:
    """Write each inference above its columns, part it from the one before, and return the inches that it takes."""
    top = ax.secondary_xaxis("top")
    top.spines["top"].set_visible(False)
    top.tick_params(length=0, labelcolor=GREY)
    members = {
        name: [i for i, other in enumerate(inferences) if other == name] for name in dict.fromkeys(inferences)
    }
    for first, *_ in list(members.values())[1:]:
        ax.axvline(first - 0.5, color="white", lw=3)
    fewest = min(map(len, members.values()))
    middles = [float(np.mean(at)) for at in members.values()]
    return _name_columns(top, middles, list(members), fewest * (in_column + 1) - 1)


def _name_columns(ax: Any, places: Sequence[float], names: Sequence[str], letters: int) -> float:
    """Write names at their places, of which each has room for so many letters; return the inches that they are high."""
    words = max(wide(word) for name in names for word in name.split())
    lying = [drawable(name, letters) for name in names]
    lines = 1 + max(name.count("\n") for name in lying)
    if lines <= MOST_LINES and (words <= letters or letters >= WORD_LETTERS):
        ax.set_xticks(places, lying)
        return LINE * lines
    # An upright name has room for four lines in the narrowest column.
    in_line = max(UPRIGHT_LETTERS, math.ceil(longest(names) / 4) + 1)
    standing = [drawable(name, in_line) for name in names]
    ax.set_xticks(places, standing, rotation=90)
    return longest(standing) / LETTERS_PER_INCH


def _finding(table: pd.DataFrame, parameter: str) -> str:
    top, bottom = (table.loc[index] for index in (table[parameter].idxmax(), table[parameter].idxmin()))
    texts = [f"{Triplet(*(row[axis] for axis in AXES))}: {row[parameter]:.2f}" for row in (top, bottom)]
    return f"largest {parameter} {texts[0]}\nsmallest {parameter} {texts[1]}"
