"""Calibration: how often intervals of a given mass hold the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from curvefit.errors import InvalidInputError
from curvefit.plots.style import GREY, PALETTE, add_legend, new_axes, paper_style, set_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_calibration(
    nominal: Sequence[float],
    covered: Sequence[int],
    trials: int,
    *,
    label: str = "intervals",
    ax: Axes | None = None,
) -> Axes:
    """Draw observed against nominal coverage, with 95 % Clopper-Pearson bars.

    Parameters
    ----------
    nominal
        Masses of the intervals, shape (masses,), within (0, 1).
    covered
        How many of the intervals of each mass held the truth, shape (masses,).
    trials
        How many intervals were checked at each mass.
    label
        What was checked, for the title: ``"exponent intervals"``.
    ax
        Axes to draw on.

    Raises
    ------
    InvalidInputError
        When the shapes differ or a count exceeds `trials`.
    """
    mass, hits = np.asarray(nominal, dtype=float), np.asarray(covered, dtype=float)
    if mass.shape != hits.shape or mass.ndim != 1 or trials < 1:
        raise InvalidInputError(
            f"nominal {mass.shape} and covered {hits.shape} must be lists of equal length, trials {trials} at least 1"
        )
    if (hits < 0).any() or (hits > trials).any():
        raise InvalidInputError(
            f"covered counts must lie within 0..{trials}, got {hits.min():g} to {hits.max():g}"
        )
    low = np.where(hits > 0, stats.beta.ppf(0.025, hits, trials - hits + 1), 0.0)
    high = np.where(hits < trials, stats.beta.ppf(0.975, hits + 1, trials - hits), 1.0)
    share = hits / trials
    with paper_style():
        ax = new_axes(ax, size=(3.8, 3.8))
        ax.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls="--", label="perfect")
        ax.errorbar(
            mass,
            share,
            yerr=[share - low, high - share],
            fmt="o-",
            ms=4,
            lw=1.2,
            color=PALETTE[0],
            label=label,
        )
        ax.set(
            xlabel="nominal probability",
            ylabel=f"share that holds the truth (of {trials})",
            xlim=(0, 1),
            ylim=(0, 1),
        )
        off = (mass < low) | (mass > high)
        worst = int(np.argmax(np.abs(share - mass)))
        set_title(
            ax,
            f"{label}: {int((~off).sum())} of {len(mass)} masses agree with nominal\n"
            f"largest gap at {mass[worst]:.0%}: {share[worst]:.1%} covered",
        )
        add_legend(ax, beside=False, loc="upper left")
    return ax
