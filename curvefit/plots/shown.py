"""Which curves a figure shows when there are more than fit into it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.triplet import AXES, Triplet

AT_MOST = 24
"""Most panels of a figure, and most curves of a panel, that can be read."""
AT_MOST_LINES = 8
"""Most curves that share one panel unasked."""


def default_panel(exponents: pd.DataFrame) -> tuple[str, ...]:
    """Return the axes of the triplet that get a panel each, when nobody says which."""
    levels = exponents[list(AXES)].nunique()
    pairs = len(exponents[["model", "inference"]].drop_duplicates())
    if levels["data"] > 1 and pairs > 1:
        return ("model", "inference")
    return () if len(exponents) <= AT_MOST_LINES else AXES


def shown_curves(
    exponents: pd.DataFrame, *, panel: Sequence[str] | None = None, at_most: int = AT_MOST
) -> tuple[Triplet, ...]:
    """Return the curves that `plot_curves` shows, in the order of `exponents`.

    Where there are more panels than `at_most`, or more curves in them, those with the smallest and the largest exponent
    are shown, and others evenly between.

    Parameters
    ----------
    exponents
        A row per triplet with its exponent, as `parameter_table` returns it. Where exponents are NaN, curves are shown
        evenly in their order.
    panel, at_most
        As in `plot_curves`.

    Raises
    ------
    InvalidInputError
        When `at_most` is not positive.
    UnknownNameError
        When `panel` names something other than data, model, inference.
    """
    if at_most < 1:
        raise InvalidInputError(f"at_most must be 1 or more, not {at_most}")
    chosen = default_panel(exponents) if panel is None else tuple(panel)
    for axis in chosen:
        if axis not in AXES:
            raise unknown_name("axis of the triplet", axis, AXES)
    within = tuple(axis for axis in AXES if axis not in chosen)
    for axes in filter(None, (chosen, within)):
        exponents = _evenly(exponents, list(axes), at_most)
    return tuple(Triplet(*row) for row in exponents[list(AXES)].itertuples(index=False))


def chosen_words(exponents: pd.DataFrame) -> str:
    """Say how `shown_curves` chooses among these curves."""
    if exponents["exponent"].isna().all():
        return "evenly in their order"
    return "evenly from the smallest to the largest exponent"


def _evenly(exponents: pd.DataFrame, axes: list[str], at_most: int) -> pd.DataFrame:
    """Return the rows of at most `at_most` combinations of labels: the ends, and evenly between by mean exponent."""
    group = exponents.groupby(axes, sort=False).ngroup().to_numpy()
    if group.max() < at_most:
        return exponents
    values = exponents["exponent"].to_numpy()
    ends = list(dict.fromkeys([group[values.argmax()], group[values.argmin()]]))[:at_most]
    means = np.bincount(group, values) / np.bincount(group)
    others = [g for g in np.argsort(means, kind="stable") if g not in ends]
    places = np.linspace(0, len(others) - 1, at_most - len(ends)).round().astype(int)
    return exponents[np.isin(group, [*ends, *(others[p] for p in places)])]
