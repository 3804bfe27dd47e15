"""Measured test losses of many kernel curves beside the curves that theory predicts for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.plots.style import (
    GREY,
    Look,
    add_figure_legend,
    error_label,
    legend_line,
    looks,
    new_grid,
    paper_style,
    plain_log_axis,
    set_figure_title,
    set_title,
    size_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AT_MOST_COLUMNS = 4


def plot_theory_curves(table: pd.DataFrame) -> np.ndarray:
    """Draw measured losses (points) and predicted ones (lines), a panel per model and inference, a colour per data.

    Parameters
    ----------
    table
        data, model, inference, n_train, measured, predicted, ratio: a row per curve and size, as
        `curvefit.report.theory_beside` returns it.

    Returns
    -------
    numpy.ndarray of Axes
        Shape (rows, columns).
    """
    pairs = table[["model", "inference"]].drop_duplicates()
    models, inferences = (list(dict.fromkeys(pairs[axis])) for axis in ("model", "inference"))
    if len(models) <= AT_MOST_COLUMNS:
        shape = (len(inferences), len(models))
        cells = {(i, j): (model, inference) for i, inference in enumerate(inferences) for j, model in enumerate(models)}  # fmt: skip
    else:
        columns = min(AT_MOST_COLUMNS, len(pairs))
        shape = (-(-len(pairs) // columns), columns)
        cells = {divmod(i, columns): (pair[0], pair[1]) for i, pair in enumerate(pairs.to_numpy())}
    look_of = looks(list(dict.fromkeys(table["data"])))
    with paper_style():
        figure, axes = new_grid(*shape)
        for row, column in np.ndindex(*shape):
            ax: Axes = axes[row, column]
            model, inference = cells.get((row, column), ("", ""))
            part = table[(table["model"] == model) & (table["inference"] == inference)]
            if part.empty:
                ax.set_axis_off()
                continue
            _draw(ax, part, look_of)
            size_axis(ax, table["n_train"])
            plain_log_axis(ax, table[["measured", "predicted"]].to_numpy().ravel())
            if row < shape[0] - 1:
                ax.set_xlabel("")
            set_title(ax, f"{model} | {inference}\nmeasured / theory {part['ratio'].median():.2f}")
        figure.supylabel(error_label("loss"), fontsize=9)
        low, high = table["ratio"].quantile([0.05, 0.95])
        set_figure_title(
            figure, f"the measured loss is {low:.2f} to {high:.2f} times the theory's at nine sizes in ten"
        )
        add_figure_legend(figure, _legend(look_of))
    return axes


def _draw(ax: Axes, part: pd.DataFrame, look_of: dict[str, Look]) -> None:
    for data, curve in part.sort_values("n_train").groupby("data", sort=False):
        look = look_of[str(data)]
        ax.plot(curve["n_train"], curve["predicted"], color=look.colour, lw=1.1, ls=look.dash)
        ax.plot(curve["n_train"], curve["measured"], look.marker, color=look.colour, ms=3.5)


def _legend(look_of: dict[str, Look]) -> list[Any]:
    from matplotlib.lines import Line2D

    named = [legend_line(name, look) for name, look in look_of.items()]
    kinds = [
        Line2D([], [], color=GREY, marker="o", ls="none", ms=4, label="measured"),
        Line2D([], [], color=GREY, label="theory"),
    ]
    return [*named, *kinds]
