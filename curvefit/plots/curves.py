"""Learning curves with credible and predictive bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.fitting.bands import CurveBands, curve_bands, exponents_of
from curvefit.plots.lettering import warn_of_lacking, wrapped
from curvefit.plots.shown import AT_MOST, chosen_words, default_panel, shown_curves
from curvefit.plots.style import (
    SIZE_LABEL,
    Look,
    add_figure_legend,
    add_legend,
    error_axis,
    error_label,
    interval_text,
    legend_line,
    looks,
    new_axes,
    new_grid,
    paper_style,
    set_figure_title,
    set_title,
    size_axis,
)
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit

PANEL_LETTERS = 35
"""Letters of a title that fit above a panel."""


def plot_curves(
    source: CurveFit | CurveBands,
    *,
    panel: Sequence[str] | None = None,
    predictive: bool | None = None,
    at_most: int = AT_MOST,
    ax: Axes | None = None,
) -> Any:
    """Draw measured errors and fitted curves with their credible bands.

    The title says what is left out where there are too many curves to read; ``curve_bands(fit, triplets=[...])`` chooses others.

    Parameters
    ----------
    source
        A fit, or its bands from `curve_bands` (computed once, drawn often).
    panel
        Axes of the triplet that get a panel each, for example ``("model", "inference")``; one panel for
        everything when empty. By default a panel per (model, inference) when there are several and more
        than one dataset; otherwise one panel for up to eight curves, and a panel per triplet beyond.
    predictive
        Whether to draw where a new run's measured error falls; by default in panels of one curve.
    at_most
        Most panels, and most curves in a panel. Of more, the ones with the smallest and the largest exponent are drawn and
        others evenly between.
    ax
        Axes to draw everything on; only for a single panel.

    Returns
    -------
    Axes or ndarray of Axes
        One Axes, or an array of shape (rows, columns).

    Raises
    ------
    InvalidInputError
        When `at_most` is not positive.
    UnknownNameError
        When `panel` names something other than data, model, inference.
    """
    exponents = source.exponents if isinstance(source, CurveBands) else exponents_of(source)
    chosen = () if ax is not None else default_panel(exponents) if panel is None else tuple(panel)
    shown = shown_curves(exponents, panel=chosen, at_most=at_most)
    bands = source.of(shown) if isinstance(source, CurveBands) else curve_bands(source, triplets=shown)
    title = finding(bands)
    if len(shown) < len(exponents):
        title += "\n" + left_out(len(shown), exponents)
    warn_of_lacking(label for triplet in shown for label in triplet)
    with paper_style():
        if not chosen:
            return _draw_one(bands, new_axes(ax), title, predictive=predictive)
        return _draw_grid(bands, chosen, title, predictive=predictive)


def finding(bands: CurveBands) -> str:
    """Say which curve falls fastest and which slowest, or where errors end up when there are no exponents."""
    if bands.exponents["exponent"].isna().all():
        return _last_errors(bands)
    table = bands.exponents.sort_values("exponent")
    texts = [
        f"{Triplet(row.data, row.model, row.inference)}: "
        f"{interval_text(row.exponent, row.exponent_low, row.exponent_high)}"
        for row in table.iloc[[-1, 0]].itertuples()
    ]
    if len(table) == 1:
        return f"exponent of {texts[0]}"
    return f"largest exponent {texts[0]}\nsmallest exponent {texts[1]}"


def _last_errors(bands: CurveBands) -> str:
    last = bands.curves[bands.curves["n_train"] == bands.curves["n_train"].max()].sort_values("error")
    texts = [
        f"{Triplet(row.data, row.model, row.inference)}: "
        f"{interval_text(row.error, row.error_low, row.error_high, digits=3)}"
        for row in last.iloc[[0, -1]].itertuples()
    ]
    size = f"at n = {last['n_train'].iloc[0]:,.0f}"
    if len(last) == 1:
        return f"error {size} of {texts[0]}"
    return f"lowest error {size} {texts[0]}\nhighest error {texts[1]}"


def left_out(shown: int, exponents: pd.DataFrame) -> str:
    """Say how many curves are drawn, which, and how to choose others."""
    return (
        f"{shown} of {len(exponents)} curves, {chosen_words(exponents)}; "
        "more with at_most=, others with curve_bands(fit, triplets=[...])"
    )


def _draw_one(bands: CurveBands, ax: Axes, title: str, *, predictive: bool | None) -> Axes:
    varying = [axis for axis in AXES if bands.exponents[axis].nunique() > 1]
    shared = [axis for axis in AXES if axis not in varying]
    names = [_name(triplet, varying or list(AXES)) for triplet in bands.triplets]
    with_prediction = len(names) == 1 if predictive is None else predictive
    for triplet, name, look in zip(bands.triplets, names, looks(names).values(), strict=True):
        _draw_triplet(ax, bands.select(**triplet._asdict()), look, label=name, predictive=with_prediction)
    _finish(ax, bands)
    first = bands.triplets[0]
    common = _name(first, shared) if varying and shared else ""
    set_title(ax, "\n".join(filter(None, [common, title])))
    if len(names) > 1:
        add_legend(ax, beside=False)
    return ax


def _draw_grid(
    bands: CurveBands, panel: tuple[str, ...], title: str, *, predictive: bool | None
) -> np.ndarray:
    coloured = [axis for axis in AXES if axis not in panel and bands.exponents[axis].nunique() > 1]
    keys = bands.exponents[list(panel)].drop_duplicates()
    names = list(dict.fromkeys(_name(triplet, coloured) for triplet in bands.triplets))
    look_of = looks(names)
    levels = [list(keys[axis].drop_duplicates()) for axis in panel]
    if len(panel) == 2 and 2 * len(keys) > len(levels[0]) * len(levels[1]):
        column_levels, row_levels = levels
        cells = {
            (row_levels.index(r), column_levels.index(c)): (c, r) for c, r in keys.itertuples(index=False)
        }
        shape = (len(row_levels), len(column_levels))
    else:
        columns = min(4, len(keys))
        shape = (-(-len(keys) // columns), columns)
        cells = {divmod(i, columns): tuple(key) for i, key in enumerate(keys.itertuples(index=False))}
    figure, axes = new_grid(*shape)
    _finish(axes[0, 0], bands)  # scales and ticks are shared
    for panel_axes in axes.flat:  # and so are limits: set once, after everything is drawn
        panel_axes.set_autoscale_on(False)
    for row, column in np.ndindex(*shape):
        ax: Axes = axes[row, column]
        if (row, column) not in cells:
            ax.set_axis_off()
            continue
        key = dict(zip(panel, cells[row, column], strict=True))
        _draw_panel(ax, bands.select(**key), key, coloured, look_of, predictive)
    axes[0, 0].autoscale()
    _label_outer(axes, cells, bands.metric)
    set_figure_title(figure, title)
    if len(names) > 1:
        add_figure_legend(figure, [legend_line(name, look) for name, look in look_of.items()])
    return axes


def _draw_panel(
    ax: Axes,
    bands: CurveBands,
    key: dict[str, str],
    coloured: list[str],
    look_of: dict[str, Look],
    predictive: bool | None,
) -> None:
    with_prediction = len(bands.triplets) == 1 if predictive is None else predictive
    for triplet in bands.triplets:
        look = look_of[_name(triplet, coloured)]
        _draw_triplet(ax, bands.select(**triplet._asdict()), look, label="", predictive=with_prediction)
    title, values = wrapped(" | ".join(key.values()), PANEL_LETTERS), bands.exponents["exponent"]
    if values.notna().any():
        spread = f"{values.min():.2f}" if len(values) == 1 else f"{values.min():.2f} to {values.max():.2f}"
        title += f"\nexponent {spread}"
    set_title(ax, title)


def _draw_triplet(ax: Axes, bands: CurveBands, look: Look, *, label: str, predictive: bool) -> None:
    curve, points = bands.curves, bands.points
    if predictive:
        ax.fill_between(
            curve["n_train"],
            curve["predictive_low"],
            curve["predictive_high"],
            color=look.colour,
            alpha=0.12,
            lw=0,
        )
    ax.fill_between(
        curve["n_train"], curve["error_low"], curve["error_high"], color=look.colour, alpha=0.28, lw=0
    )
    ax.plot(curve["n_train"], curve["error"], color=look.colour, ls=look.dash, label=label or None)
    spread = np.abs(points[["error_low", "error_high"]].to_numpy().T - points["error"].to_numpy())
    ax.errorbar(
        points["n_train"],
        points["error"],
        yerr=spread,
        fmt=look.marker,
        ms=3.2,
        lw=0.8,
        color=look.colour,
        ls="none",
    )


def _finish(ax: Axes, bands: CurveBands) -> None:
    """Make the axes of everything in `bands`."""
    size_axis(ax, bands.points["n_train"])
    shown = np.concatenate([bands.points["error"], bands.curves["error_low"], bands.curves["error_high"]])
    error_axis(ax, shown, bands.metric)


def _label_outer(axes: np.ndarray, cells: dict[Any, Any], metric: str) -> None:
    """Keep axis labels on the outer panels only, whichever panels are empty."""
    for row, column in cells:
        ax = axes[row, column]
        below = any((r, column) in cells for r in range(row + 1, axes.shape[0]))
        ax.tick_params(labelbottom=not below)
        ax.set_xlabel("" if below else SIZE_LABEL)
    axes[0, 0].set_ylabel("")
    axes[0, 0].figure.supylabel(error_label(metric), fontsize=9)


def _name(triplet: Triplet, axes: Sequence[str]) -> str:
    return " | ".join(getattr(triplet, axis) for axis in axes)
