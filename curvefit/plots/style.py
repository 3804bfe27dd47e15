"""How figures look: colours that colour-blind readers and grey printers can tell apart, and axes with units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from numpy.typing import ArrayLike

from curvefit.plots.lettering import drawable, families, longest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008), "Color universal design"; yellow is left out: too pale on paper.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    "-",
    (0, (8, 2)),
    (0, (3, 3)),
)
GREY = "#666666"
LETTERS_PER_INCH = 12
NAME_LETTERS = 40
"""Letters of a name that stand on one line of a legend or beside an axis."""
SIZE_LABEL = "training inputs n"
MOST_SIZE_TICKS = 6

ERROR_LABELS = {
    "error-rate": "test error (fraction of test inputs)",
    "mse": "test mean squared error",
    "loss": "test loss",
}

_RC = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "curvefit",
    "figure.dpi": 110,
}


@dataclass(frozen=True, slots=True)
class Look:
    """Colour, marker and dash pattern of one level: three cues, so that grey print still works."""

    colour: str
    marker: str
    dash: Any


@contextmanager
def paper_style() -> Iterator[None]:
    """Apply the package's figure style inside a ``with`` block, and only there."""
    with mpl.rc_context({**_RC, "font.family": families()}):
        yield


def looks(levels: Sequence[str]) -> dict[str, Look]:
    """Give each level its look, in order; looks repeat after seven levels with other markers."""
    return {
        level: Look(PALETTE[i % 7], MARKERS[(i + i // 7) % 7], DASHES[(i + i // 7) % 7])
        for i, level in enumerate(levels)
    }


def error_label(metric: str) -> str:
    """Return the y-axis label of a metric, with its unit."""
    return ERROR_LABELS.get(metric, drawable(f"test {metric}", NAME_LETTERS))


def new_axes(ax: Axes | None, *, size: tuple[float, float] = (5.2, 3.6)) -> Axes:
    """Return `ax`, or the axes of a new pyplot figure of `size` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, created = plt.subplots(figsize=size, layout="constrained")
    return created


def new_grid(rows: int, columns: int, *, panel: tuple[float, float] = (2.5, 2.2)) -> tuple[Any, np.ndarray]:
    """Return a figure and a (rows, columns) array of axes that share both scales."""
    import matplotlib.pyplot as plt

    size = (max(4.6, panel[0] * columns + 0.6), panel[1] * rows + 0.9)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    return figure, axes


def room(names: Iterable[str]) -> float:
    """Return the inches that names take beside axes, wrapped as in a legend."""
    return longest(drawable(name, NAME_LETTERS) for name in names) / LETTERS_PER_INCH


def set_title(ax: Axes, text: str, *, margin: float = 0.5, **settings: Any) -> None:
    """Set a title, wrapped to the width of the figure but a margin in inches."""
    ax.set_title(drawable(text, _letters(ax.get_figure(root=True), margin)), **settings)


def set_figure_title(figure: Any, text: str) -> None:
    """Set the title of a figure of panels, wrapped to its width."""
    figure.suptitle(drawable(text, _letters(figure, 0.1)), x=0.01, ha="left", fontsize=10)


def add_legend(ax: Axes, *, beside: bool = True, **settings: Any) -> None:
    """Name what is drawn, beside the axes or within: long names wrapped, every letter as it is."""
    lines, names = ax.get_legend_handles_labels()
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if beside else {}
    ax.legend(lines, [drawable(name, NAME_LETTERS) for name in names], **place, **settings)


def add_figure_legend(figure: Any, lines: Sequence[Any]) -> None:
    """Name lines below all panels of a figure, in as many columns as fit."""
    names = [drawable(line.get_label(), NAME_LETTERS) for line in lines]
    columns = max(1, min(4, len(names), _letters(figure, 0.1) // (longest(names) + 6)))
    figure.legend(lines, names, loc="outside lower center", ncols=columns, labelcolor=GREY)


def legend_line(name: str, look: Look) -> Any:
    """Return the line that stands for one level in a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=look.colour, ls=look.dash, marker=look.marker, ms=4, label=name)


def _letters(figure: Any, margin: float) -> int:
    """Return how many letters fit beside a margin in inches."""
    return max(34, int(LETTERS_PER_INCH * (figure.get_figwidth() - margin)))


def size_axis(ax: Axes, sizes: ArrayLike) -> None:
    """Make x a log axis of training-set sizes, with plain numbers at powers of two or ten."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(size_ticks(sizes)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short_count(x)))
    ax.set_xlabel(SIZE_LABEL)


def error_axis(ax: Axes, values: ArrayLike, metric: str) -> None:
    """Make y a log axis of test error with plain decimal labels."""
    plain_log_axis(ax, values)
    ax.set_ylabel(error_label(metric))


def size_ticks(sizes: ArrayLike) -> np.ndarray:
    """Return tick positions: measured sizes, thinned to a few."""
    unique = np.unique(np.asarray(sizes, dtype=float))
    unique = unique[np.isfinite(unique) & (unique > 0)]
    step = int(np.ceil(len(unique) / MOST_SIZE_TICKS)) or 1
    return unique[::-1][::step][::-1]


def decimal_ticks(values: ArrayLike) -> np.ndarray:
    """Return ticks at round numbers that cover `values`: the fewer per decade, the more decades there are."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & (finite > 0)]
    if finite.size == 0:
        return np.array([0.1, 1.0])
    low, high = np.floor(np.log10(finite.min())), np.ceil(np.log10(finite.max()))
    decades = 10.0 ** np.arange(low, high + 1)
    if len(decades) > 4:
        return decades
    span = finite.max() / finite.min()
    steps: tuple[float, ...] = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9)
    if span > 2:
        steps = (1, 2, 5) if span > 10 else (1, 2, 3, 5, 7) if span > 4 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    ticks = np.unique(np.outer(decades, steps))
    inside = ticks[(ticks >= finite.min() * 0.95) & (ticks <= finite.max() * 1.05)]
    return inside if len(inside) else ticks


def plain_log_axis(ax: Axes, values: ArrayLike, *, axis: str = "y") -> None:
    """Make an axis logarithmic with plain decimal labels that cover `values`."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    (ax.set_yscale if axis == "y" else ax.set_xscale)("log")
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_locator(FixedLocator(decimal_ticks(values)))
    target.set_minor_locator(NullLocator())
    target.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def short_count(x: float) -> str:
    """Write a count in few characters: 1024, 16k, 2M."""
    if x >= 1e6:
        return f"{x / 1e6:.3g}M"
    return f"{x / 1e3:.3g}k" if x >= 10_000 else f"{x:.0f}"


def interval_text(middle: float, low: float, high: float, *, digits: int = 2) -> str:
    """Write an estimate with its interval: ``0.51 [0.44, 0.58]``."""
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
