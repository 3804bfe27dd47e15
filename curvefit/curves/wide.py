"""Wide tables into long ones: sizes as columns, or curves or seeds as columns."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from curvefit.curves.names import (
    MEASURED,
    curve_name,
    is_accuracy,
    is_score,
    is_spread,
    is_training,
    named_columns,
)
from curvefit.curves.numbers import UNSETTLED, bare, looks_numeric, parse_numbers
from curvefit.errors import InvalidInputError

VALUE = "(value)"
_SIZE_PREFIX = re.compile(r"^(n|n_?train|size|train)?[\s_=:-]*", re.IGNORECASE)


def lengthen(
    frame: pd.DataFrame, chosen: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any], tuple[str, ...]]:
    """Return the frame with one row a measurement, the roles of its columns, and what was done.

    Columns are read as curves only where nothing else says what the curves are, and none of them is a score.
    """
    sizes = {} if "n_train" in chosen else _sizes_of(frame)
    if len(sizes) >= 2:
        names = list(sizes)
        long = _melt(frame, names, "n_train")
        long["n_train"] = long["n_train"].map(sizes)
        note = f"read a wide table: the {len(names)} columns {names[0]} ... {names[-1]} are sizes"
        return long, {**chosen, "n_train": "n_train", "value": VALUE}, (note,)
    if "n_train" not in chosen or any(role in chosen for role in MEASURED):
        return frame, chosen, ()
    used = named_columns(chosen)
    free = [c for c in frame.columns if c not in used and not is_spread(c) and looks_numeric(frame[c])]
    curves = [c for c in free if not is_training(c)]
    seeds = all(re.fullmatch(r"(seed|rep|run|replicate|trial|fold)?[\s_-]*\d+", c.lower()) for c in curves)
    axis, kind = ("seed", "seeds") if seeds else ("model", "models")
    one_of_a_tidy_table = "seed" in chosen and len(curves) == 1
    if not curves or axis in chosen or one_of_a_tidy_table or any(map(is_score, curves)):
        return frame, chosen, ()
    shown = ", ".join(curves[:4]) + (" ..." if len(curves) > 4 else "")
    note = f"read a wide table: the {len(curves)} columns {shown} are {kind}"
    role = "accuracy" if all(map(is_accuracy, curves)) else "value"
    long = _melt(frame, curves, "(curve)")
    short = {column: curve_name(column) for column in curves}
    if not seeds and all(short.values()) and len(set(short.values())) == len(short):
        long["(curve)"] = long["(curve)"].map(short)
    return long, {**chosen, axis: "(curve)", role: VALUE}, (note,)


def _melt(frame: pd.DataFrame, columns: list[str], name: str) -> pd.DataFrame:
    rest = [c for c in frame.columns if c not in columns]
    long = frame.melt(id_vars=rest, value_vars=columns, var_name=name, value_name=VALUE)
    return long[long[VALUE].notna()].reset_index(drop=True)


def _sizes_of(frame: pd.DataFrame) -> dict[str, float]:
    """Return the columns whose names are sizes: ``64``, ``n=64``, ``1,024``, ``1.024``, ``16k``."""
    sizes = {}
    for column in frame.columns:
        name = _SIZE_PREFIX.sub("", column)
        if UNSETTLED.fullmatch(bare(name)):  # sizes are whole
            name = name.replace(".", "")
        try:
            number = parse_numbers(pd.Series([name], dtype=object), where=column, suffixes=True).values[0]
        except InvalidInputError:
            continue
        if number >= 1 and number % 1 == 0:
            sizes[column] = number
    return sizes
