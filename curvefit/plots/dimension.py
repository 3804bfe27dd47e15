"""What alignment is worth: effective dimension against the group, and the data multiplier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.dimension.effective import EffectiveDimension, dimension_alignment
from curvefit.dimension.multiplier import DataMultiplier
from curvefit.dimension.pairs import Pair, baseline_name
from curvefit.errors import InvalidInputError
from curvefit.plots.lettering import drawable
from curvefit.plots.style import (
    NAME_LETTERS,
    add_legend,
    interval_text,
    looks,
    new_axes,
    paper_style,
    plain_log_axis,
    room,
    set_title,
)
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from curvefit.dimension.gain import SymmetryGain

AT_MOST_LINES = 8


def plot_dimension(source: EffectiveDimension | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw effective dimension against the size of the group under which (D, M, I) learns.

    Parameters
    ----------
    source
        An effective dimension, or its table from `dimension_alignment`.
    ax
        Axes to draw on.
    """
    table = source if isinstance(source, pd.DataFrame) else dimension_alignment(source)
    table = table[table["lie_dimension"].notna() & table["dimension"].notna()]
    if table.empty:
        raise InvalidInputError("no triplet has both a known group and a defined dimension")
    with paper_style():
        models = list(dict.fromkeys(table["model"]))
        ax = new_axes(ax, size=(max(6.2, 4.2 + room(models)), 3.8))
        places = np.sort(table["lie_dimension"].unique())
        width = 0.6 * (np.diff(places).min() if len(places) > 1 else 1.0)
        for place in places:
            ax.axvspan(place - 0.6 * width, place + 0.6 * width, color="#f3f3f3", zorder=0)
        for rank, (model, look) in enumerate(looks(models).items()):
            mine = table[table["model"] == model]
            offset = width * (rank / max(len(models) - 1, 1) - 0.5)
            spread = np.abs(
                mine[["dimension_low", "dimension_high"]].to_numpy().T - mine["dimension"].to_numpy()
            )
            jitter = np.linspace(-0.1, 0.1, len(mine)) * width
            ax.errorbar(
                mine["lie_dimension"] + offset + jitter, mine["dimension"], yerr=spread,
                fmt=look.marker, ms=4, lw=0.9, color=look.colour, label=model,
            )  # fmt: skip
        named = table.drop_duplicates("lie_dimension").set_index("lie_dimension")["effective_symmetry"]
        ax.grid(axis="x", visible=False)
        ax.set_xticks(places, [drawable(f"{named[place]}\n({np.expm1(place):,.0f})") for place in places])
        plain_log_axis(ax, table[["dimension_low", "dimension_high"]].to_numpy())
        ax.set_xlabel("group under which (data, model, inference) learns (its dimension)")
        ax.set_ylabel("effective dimension (as linked)")
        set_title(ax, _dimension_finding(table))
        add_legend(ax)
    return ax


def plot_multiplier(
    source: SymmetryGain | DataMultiplier, *, probability: float = 0.9, ax: Axes | None = None
) -> Axes:
    """Draw how many times more examples the baseline needs: against the error, or one row a comparison.

    Parameters
    ----------
    source
        A gain or its data multiplier.
    probability
        Mass of the intervals.
    ax
        Axes to draw on.
    """
    multiplier = source if isinstance(source, DataMultiplier) else source.multiplier
    place = np.repeat(np.arange(len(multiplier.pairs)), multiplier.levels.shape[1])
    table = multiplier.summary(probability).assign(pair=place)
    table = table[
        np.isfinite(table["multiplier"]) & (table["multiplier"] > 0) & (table["range"] == "interpolation")
    ]
    if table.empty:
        raise InvalidInputError(
            "no two curves share an error that both were measured at: no multiplier to draw"
        )
    with paper_style():
        if table["pair"].nunique() <= AT_MOST_LINES:
            return _multiplier_lines(table, multiplier.pairs, new_axes(ax, size=(5.6, 3.8)))
        return _multiplier_rows(table, multiplier.pairs, ax)


def _multiplier_lines(table: pd.DataFrame, pairs: Sequence[Pair], ax: Axes) -> Axes:
    drawn = list(table["pair"].unique())
    one_baseline = len({pairs[i].aligned for i in drawn}) == len(drawn)
    for i, look in zip(drawn, looks(list(map(str, drawn))).values(), strict=True):
        mine = table[table["pair"] == i]
        upper = np.minimum(mine["multiplier_high"], 10 * mine["multiplier"])
        ax.fill_between(mine["error"], mine["multiplier_low"], upper, color=look.colour, alpha=0.2, lw=0)
        ax.plot(
            mine["error"],
            mine["multiplier"],
            marker=look.marker,
            ms=4,
            ls=look.dash,
            color=look.colour,
            label=str(pairs[i].aligned if one_baseline else pairs[i]),
        )
    ax.axhline(1, color="black", lw=0.8)
    plain_log_axis(ax, table[["multiplier", "multiplier_low"]].to_numpy())
    plain_log_axis(ax, table["error"].to_numpy(), axis="x")
    ax.invert_xaxis()
    ax.set(xlabel="test error (falling to the right)", ylabel=f"data multiplier\n({_ratio_words(pairs)})")
    set_title(ax, _multiplier_finding(table, pairs))
    add_legend(ax, beside=False, fontsize=7)
    return ax


def _multiplier_rows(table: pd.DataFrame, pairs: Sequence[Pair], ax: Axes | None) -> Axes:
    """Draw one point a comparison, at its middle error: a row per data and inference, a colour per model."""
    by_pair = table.groupby("pair", sort=False)["error"]
    middle = table[by_pair.cumcount() == by_pair.transform("size") // 2].reset_index(drop=True)
    middle[list(AXES)] = [list(pairs[i].aligned) for i in middle["pair"]]
    names = middle["data"] + " | " + middle["inference"]
    rows = {name: -i for i, name in enumerate(dict.fromkeys(names))}
    look_of = looks(list(dict.fromkeys(middle["model"])))
    width = max(6.4, 3.6 + room(rows) + room(look_of))
    ax = new_axes(ax, size=(width, 1.3 + 0.11 * len(middle)))
    for rank, (model, look) in enumerate(look_of.items()):
        mine = middle[middle["model"] == model]
        at = names[mine.index].map(rows) - 0.7 * ((rank + 0.5) / len(look_of) - 0.5)
        low, high = mine["multiplier_low"].clip(lower=1e-3), np.minimum(mine["multiplier_high"], 1e4)
        ax.hlines(at, low, high, color=look.colour, lw=1.3)
        ax.plot(mine["multiplier"], at, look.marker, color=look.colour, ms=4, label=model)
    ax.axvline(1, color="black", lw=0.8)
    for place in list(rows.values())[1:]:
        ax.axhline(place + 0.5, color="#e4e4e4", lw=0.5)
    ax.set_yticks(list(rows.values()), [drawable(name, NAME_LETTERS) for name in rows], fontsize=7.5)
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    plain_log_axis(ax, middle[["multiplier_low", "multiplier_high"]].clip(1e-3, 1e4).to_numpy(), axis="x")
    ax.set_xlabel(f"data multiplier at a middle error ({_ratio_words(pairs)})")
    ax.grid(axis="y", visible=False)
    add_legend(ax)
    set_title(ax, _multiplier_finding(middle, pairs))
    return ax


def _ratio_words(pairs: Sequence[Pair]) -> str:
    return drawable(f"inputs that {baseline_name(pairs)} needs per input", NAME_LETTERS)


def _multiplier_finding(table: pd.DataFrame, pairs: Sequence[Pair]) -> str:
    best = table.loc[table["multiplier_low"].idxmax()]
    text = interval_text(best["multiplier"], best["multiplier_low"], best["multiplier_high"], digits=1)
    return (
        f"largest sure gain: {best['aligned']} is worth {text} times the data of {baseline_name(pairs)} at error "
        f"{best['error']:.2g}"
    )


def _dimension_finding(table: pd.DataFrame) -> str:
    means = np.exp(np.log(table["dimension"]).groupby(table["lie_dimension"]).mean())
    named = table.drop_duplicates("lie_dimension").set_index("lie_dimension")["effective_symmetry"]
    if len(means) == 1:
        return f"all triplets learn under {named.iloc[0]}: dimension {means.iloc[0]:.2f}"
    first, last = means.index[0], means.index[-1]
    return (
        f"mean effective dimension {means.loc[first]:.2f} under {named[first]}, "
        f"{means.loc[last]:.2f} under {named[last]}"
    )
