"""Figures of what claims rest on: error ratios against the number of training inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from curvefit.curves import LearningCurves
from curvefit.plots.style import GREY, looks, new_grid, plain_log_axis, size_axis
from curvefit.report.content import ReportFigure
from curvefit.report.figures import render
from curvefit.triplet import Triplet
from tests.evidence.claims import mean_errors, ratio_at

Lines = Mapping[str, tuple[Triplet, Triplet]]
"""Label of a line, and the two triplets of its ratio."""


def ratio_figure(
    key: str,
    curves: LearningCurves,
    panels: Mapping[str, Lines],
    *,
    ratio: str,
    title: str,
    caption: str,
) -> ReportFigure:
    """Draw error ratios with 90 % intervals against size, a panel for each entry of `panels`.

    Parameters
    ----------
    key, caption
        Of the figure.
    curves
        Curves of all triplets.
    panels
        Panel title to its lines.
    ratio
        What the ratio is, for the axis.
    title
        What the figure shows.
    """
    measured = {
        panel: {label: _ratios(curves, *pair) for label, pair in lines.items()}
        for panel, lines in panels.items()
    }
    return render(key, lambda: _draw(measured, ratio, title), caption=caption)


def _ratios(curves: LearningCurves, one: Triplet, other: Triplet) -> np.ndarray:
    """Return rows (size, ratio, low, high) over the sizes both have."""
    sizes = mean_errors(curves, one).index.intersection(mean_errors(curves, other).index)
    factors = [ratio_at(curves, one, other, int(size)) for size in sizes]
    return np.array([(size, f.value, f.low, f.high) for size, f in zip(sizes, factors)])


def _draw(measured: Mapping[str, Mapping[str, np.ndarray]], ratio: str, title: str) -> Any:
    labels = list(dict.fromkeys(label for lines in measured.values() for label in lines))
    look = looks(labels)
    figure, axes = new_grid(1, len(measured), panel=(3.4, 2.9))
    everything = np.concatenate([rows for lines in measured.values() for rows in lines.values()])
    for ax, (panel, lines) in zip(axes.flat, measured.items()):
        for place, (label, rows) in enumerate(lines.items()):
            _line(ax, rows, look[label], shift=1 + 0.03 * (place - (len(lines) - 1) / 2))
        ax.axhline(1, color="black", linewidth=0.9)
        size_axis(ax, everything[:, 0])
        plain_log_axis(ax, everything[:, 1:])
        ax.set_title(panel)
    axes.flat[0].set_ylabel(ratio)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    _legend(figure, axes.flat[0], labels, look)
    return axes


def _line(ax: Any, rows: np.ndarray, look: Any, *, shift: float) -> None:
    spread = np.abs(rows[:, [2, 3]] - rows[:, [1]]).T
    ax.errorbar(
        rows[:, 0] * shift,
        rows[:, 1],
        yerr=spread,
        color=look.colour,
        marker=look.marker,
        linestyle=look.dash,
        markersize=4,
        elinewidth=0.9,
    )


def _legend(figure: Any, ax: Any, labels: Sequence[str], look: Mapping[str, Any]) -> None:
    handles = [
        ax.plot([], [], color=look[n].colour, marker=look[n].marker, linestyle=look[n].dash)[0]
        for n in labels
    ]
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), labelcolor=GREY)
