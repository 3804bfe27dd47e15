"""Kernel spectrum, and the learning curve that theory predicts from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.plots.style import PALETTE, error_axis, new_axes, paper_style, set_title, size_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_spectrum(
    eigenvalues: Sequence[float], *, target_power: Sequence[float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw eigenvalues against rank, and the target's power beyond each rank.

    Parameters
    ----------
    eigenvalues
        Kernel eigenvalues, shape (modes,), in any order; those not above 0 are left out of the log plot.
    target_power
        Squared target coefficient per mode, shape (modes,), in the same order as `eigenvalues`.
    ax
        Axes to draw on.

    Raises
    ------
    InvalidInputError
        When no eigenvalue is positive or the shapes differ.
    """
    values = np.asarray(eigenvalues, dtype=float)
    if values.ndim != 1 or not (values > 0).any():
        raise InvalidInputError(
            f"eigenvalues need shape (modes,) with a positive one, got shape {values.shape}"
        )
    order = np.argsort(values)[::-1]
    positive = values[order] > 0
    rank = np.arange(1, len(values) + 1)
    with paper_style():
        ax = new_axes(ax)
        ax.loglog(rank[positive], values[order][positive], color=PALETTE[0], label="eigenvalue")
        if target_power is not None:
            power = np.asarray(target_power, dtype=float)
            if power.shape != values.shape:
                raise InvalidInputError(
                    f"target_power {power.shape} and eigenvalues {values.shape} differ in shape"
                )
            tail = np.cumsum(power[order][::-1])[::-1] / power.sum()
            ax.loglog(
                rank,
                np.clip(tail, 1e-12, None),
                color=PALETTE[1],
                ls="--",
                label="share of the target beyond",
            )
            ax.legend()
        unit = "eigenvalue (kernel units)" + ("; share of the target" if target_power is not None else "")
        ax.set(xlabel="rank of the mode", ylabel=unit)
        half = len(rank[positive]) // 2
        if half > 4:
            lower, upper = max(1, half // 8), half
            decay = -np.polyfit(np.log(rank[lower:upper]), np.log(values[order][lower:upper]), 1)[0]
            set_title(ax, f"eigenvalues fall as rank^-{decay:.2f} between ranks {lower + 1} and {upper}")
        else:
            set_title(ax, f"{int(positive.sum())} positive eigenvalues")
    return ax


def plot_theory_curve(
    sizes: Sequence[float],
    predicted: Sequence[float],
    *,
    measured_sizes: Sequence[float] = (),
    measured: Sequence[float] = (),
    metric: str = "mse",
    ax: Axes | None = None,
) -> Axes:
    """Draw the curve predicted from a spectrum, and what was measured.

    Parameters
    ----------
    sizes, predicted
        Training-set sizes and predicted errors, shape (sizes,).
    measured_sizes, measured
        Sizes and mean measured errors, shape (points,); may be empty.
    metric
        What the errors are; sets the axis label.
    ax
        Axes to draw on.

    Raises
    ------
    InvalidInputError
        When shapes differ.
    """
    n, theory = np.asarray(sizes, dtype=float), np.asarray(predicted, dtype=float)
    at, seen = np.asarray(measured_sizes, dtype=float), np.asarray(measured, dtype=float)
    if n.shape != theory.shape or at.shape != seen.shape:
        raise InvalidInputError(
            f"sizes {n.shape} and predicted {theory.shape}, or measured_sizes {at.shape} and measured {seen.shape}, differ"
        )
    with paper_style():
        ax = new_axes(ax)
        ax.plot(n, theory, color=PALETTE[0], label="theory, from the spectrum")
        title = f"theory: error falls from {theory[0]:.3g} to {theory[-1]:.3g}"
        if len(at):
            ax.plot(at, seen, "o", color=PALETTE[1], ms=4, label="measured")
            ratio = seen / np.exp(np.interp(np.log(at), np.log(n), np.log(theory)))
            title = f"measured error is {ratio.min():.2f} to {ratio.max():.2f} times the theory's"
            ax.legend()
        size_axis(ax, at if len(at) else n)
        error_axis(ax, np.concatenate([theory, seen]), metric)
        set_title(ax, title)
    return ax
