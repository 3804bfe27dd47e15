"""Local slope against training-set size: shows bends, plateaus and pre-asymptotic starts that one exponent hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.fitting.intervals import interval_columns
from curvefit.plots.bands import seed_means
from curvefit.plots.style import add_legend, looks, new_axes, paper_style, room, set_title, size_axis
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.fitting import CurveFit


@dataclass(frozen=True, slots=True)
class LocalSlopes:
    """Minus the slope of log error in log n, measured and fitted.

    Parameters
    ----------
    measured
        data, model, inference, n_train (geometric middle of two neighbouring sizes), slope.
    fitted
        data, model, inference, n_train, slope, slope_low, slope_high.
    sizes
        The measured training-set sizes.
    probability
        Mass of the intervals.
    """

    measured: pd.DataFrame
    fitted: pd.DataFrame
    sizes: tuple[int, ...]
    probability: float

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets, in order of appearance."""
        rows = self.fitted[list(AXES)].drop_duplicates().itertuples(index=False)
        return tuple(Triplet(*row) for row in rows)

    def select(self, triplets: Sequence[Triplet]) -> LocalSlopes:
        """Return the slopes of some triplets, in the order given."""
        fitted = pd.concat([_of(self.fitted, triplet) for triplet in triplets])
        measured = pd.concat([_of(self.measured, triplet) for triplet in triplets])
        return replace(self, measured=measured, fitted=fitted)


def local_slopes(fit: CurveFit, *, probability: float = 0.9) -> LocalSlopes:
    """Compute local slopes of every curve: between neighbouring measured sizes, and along the fit.

    Parameters
    ----------
    fit
        A fitted set of curves.
    probability
        Mass of the intervals.
    """
    tails, usable = equal_tails(probability), fit.curves.usable
    n = np.geomspace(usable["n_train"].min(), usable["n_train"].max(), 25)
    fitted = []
    for t, triplet in enumerate(fit.triplets):
        log_error = np.log(np.clip(fit.expected_error(n, at=[t])[:, 0], 1e-12, None))
        slope = np.quantile(-np.gradient(log_error, np.log(n), axis=-1), tails, axis=0)
        columns = {"n_train": n, **interval_columns("slope", slope)}
        fitted.append(pd.DataFrame({**triplet._asdict(), **columns}))
    measured = [
        _measured_slopes(key, part) for key, part in seed_means(usable).groupby(list(AXES), sort=False)
    ]
    return LocalSlopes(
        pd.concat(measured, ignore_index=True),
        pd.concat(fitted, ignore_index=True),
        tuple(int(size) for size in np.sort(usable["n_train"].unique())),
        probability,
    )


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
            line, points = (_of(frame, triplet) for frame in (slopes.fitted, slopes.measured))
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


def _measured_slopes(key: tuple[str, ...], part: pd.DataFrame) -> pd.DataFrame:
    part = part[part["error"] > 0].sort_values("n_train")
    log_n, log_error = np.log(part["n_train"].to_numpy(float)), np.log(part["error"].to_numpy(float))
    middle = np.exp((log_n[1:] + log_n[:-1]) / 2)
    return pd.DataFrame(
        {
            **dict(zip(AXES, key, strict=True)),
            "n_train": middle,
            "slope": -np.diff(log_error) / np.diff(log_n),
        }
    )


def _of(frame: pd.DataFrame, triplet: Triplet) -> pd.DataFrame:
    return frame[(frame[list(AXES)] == list(triplet)).all(axis=1)]


def _finding(slopes: LocalSlopes) -> str:
    bends = list(filter(None, (_bend(triplet, _of(slopes.fitted, triplet)) for triplet in slopes.triplets)))
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
