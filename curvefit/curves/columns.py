"""Somebody's own table into the one form that `LearningCurves` has: columns named, guessed, or read off a wide table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from curvefit.curves.decimal_signs import settle
from curvefit.curves.missing_columns import refuse_unnamed, refuse_unreadable
from curvefit.curves.names import (
    MEASURED,
    SAID,
    SPELLINGS,
    guess_columns,
    label_columns,
    named_columns,
    role_called,
    words,
)
from curvefit.curves.numbers import parse_numbers
from curvefit.curves.quality import METRICS
from curvefit.curves.values import number_column, read_values, says_percent
from curvefit.curves.wide import lengthen
from curvefit.errors import InvalidInputError, UnknownNameError, did_you_mean, unknown_name
from curvefit.triplet import AXES

TABLE_COLUMNS = (
    "data", "model", "inference", "n_train", "seed", "metric", "n_errors", "n_test", "value", "value_se",
    "chance_error", "seconds", "status", "flag",
)  # fmt: skip
LARGEST_SIZE = 2**62
CONSTANTS = ("n_test", "chance_error", "value_se")
_FINISHED = {"ok", "finished", "success", "succeeded", "completed", "complete", "done"}
_REMARKS = {
    "comment",
    "comments",
    "note",
    "notes",
    "remark",
    "host",
    "hostname",
    "device",
    "gpu",
    "user",
    "date",
    "tags",
}


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A tidy table (without flags), whether it named its seeds, and what was guessed."""

    table: pd.DataFrame
    seeds_given: bool
    notes: tuple[str, ...]


def map_columns(frame: pd.DataFrame, columns: Mapping[str, Any]) -> MappedTable:
    """Turn a tidy or wide frame into the table of `LearningCurves`, without flags.

    Parameters
    ----------
    frame
        Tidy (one row a run) or wide.
    columns
        Role to column, or to a constant where a number or a metric's name may stand for a column.

    Raises
    ------
    UnknownNameError
        When a role is unknown.
    InvalidInputError
        When a column does not exist, sizes or errors cannot be found, or a number is text.
    """
    read = frame.attrs
    frame, notes = _tidied(frame)
    chosen = _given(frame, columns)
    guessed = guess_columns(frame, chosen)
    # What a measured column was read as is said with its metric.
    notes += [
        f"read column {c!r} as {role}"
        for role, c in guessed.items()
        if c != role and role not in MEASURED[1:]
    ]
    chosen = {**chosen, **guessed}
    if "n_train" in chosen:
        refuse_unreadable(frame, MEASURED, chosen)
    frame, chosen, wide_notes = lengthen(frame, chosen)
    refuse_unnamed(frame, chosen)
    frame, sign_notes = settle(frame, chosen, read)
    chosen, label_notes = _tell_apart(frame, chosen)
    table, value_notes = _as_table(frame, chosen)
    return MappedTable(
        table, "seed" in chosen, (*notes, *wide_notes, *sign_notes, *label_notes, *value_notes)
    )


def _tidied(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the frame with names as text, a named index as columns, and without what holds nothing."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame = frame.reset_index(drop=True)
    frame.columns = [str(c).strip() for c in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InvalidInputError(f"two columns are called {twice[0]!r}")
    frame = frame.drop(columns=[c for c in frame.columns if re.fullmatch(r"(Unnamed: \d+)?", c)])
    rows = len(frame)
    frame = frame.dropna(how="all").reset_index(drop=True)
    if frame.empty or not len(frame.columns):
        raise InvalidInputError("the table of learning curves is empty")
    return frame, [f"{rows - len(frame)} empty row(s) left out"] if len(frame) < rows else []


def _given(frame: pd.DataFrame, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the caller chose, or say which column or role does not exist."""
    for role, column in columns.items():
        if role not in SPELLINGS:
            meant = role_called(role)
            if meant is None:
                raise unknown_name("column", role, SPELLINGS)
            raise UnknownNameError(f"unknown column {role!r}. Did you mean {meant}={column!r}?")
        if role in CONSTANTS and isinstance(column, int | float):
            continue
        if role == "metric" and column in (*METRICS, *SAID):
            continue
        if column not in frame.columns:
            extra = f" (or one of {', '.join((*METRICS, *SAID))})" if role == "metric" else ""
            raise InvalidInputError(
                f"{role}={column!r} is no column; columns: {', '.join(frame.columns)}{extra}."
                f"{did_you_mean(str(column), frame.columns)}"
            )
    return dict(columns)


def _tell_apart(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Use columns of text that tell curves apart as labels, and say which columns are not used."""
    used = named_columns(chosen)
    free = [c for c in frame.columns if c not in used and not words(c) & _REMARKS]
    notes = []
    varying = label_columns(frame, free, chosen["n_train"])
    for column in varying:
        open_axes = [axis for axis in ("model", "data", "inference") if axis not in chosen]
        if open_axes and not pd.api.types.is_numeric_dtype(frame[column]):
            chosen = {**chosen, open_axes[0]: column}
            notes.append(f"read column {column!r} as {open_axes[0]}, since it tells curves apart")
        else:
            notes.append(
                f"column {column!r} is not used, although curves seem to differ in it: say model={column!r} if they do"
            )
    used = named_columns(chosen)
    unused = [c for c in frame.columns if c not in used and c not in varying]
    if unused:
        notes.append(f"columns not used: {', '.join(unused[:8])}{' ...' if len(unused) > 8 else ''}")
    return chosen, notes


def _as_table(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    table = pd.DataFrame(index=frame.index)
    for axis in AXES:
        table[axis] = _labels(frame[chosen[axis]]) if axis in chosen else axis
    table["n_train"], notes = _sizes(frame, chosen)
    table["seed"] = _seed_numbers(frame[chosen["seed"]]) if "seed" in chosen else float("nan")
    read = read_values(frame, chosen)
    table["metric"] = read.metric
    table["n_errors"] = number_column(frame, chosen, "n_errors")
    table["n_test"] = number_column(frame, chosen, "n_test")
    table["value"] = read.value
    notes += _recover_counts(table)
    table["value_se"] = _same_unit(frame, chosen, "value_se", read.scale)
    chance = number_column(frame, chosen, "chance_error")
    in_percent = (table["metric"] == "error-rate") & (chance > 1)
    table["chance_error"] = _one_a_curve(table, chance.where(~in_percent, chance / 100))
    if in_percent.any():
        first = chance[in_percent].iloc[0]
        notes.append(f"read chance levels above 1 as percent: {first:g} as {first / 100:g}")
    table["seconds"] = number_column(frame, chosen, "seconds")
    if "status" in chosen:
        text = frame[chosen["status"]].astype(str).str.strip().str.lower()
        table["status"] = text.where(~text.isin(_FINISHED), "ok")
    else:
        table["status"] = "ok"
    return table, [*notes, *read.notes]


def _sizes(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[pd.Series, list[str]]:
    size = number_column(frame, chosen, "n_train")
    whole = size.round()
    odd = (size > 0) & ((size - whole).abs() > 1e-3 * size)
    if odd.any():
        raise InvalidInputError(
            f"column {chosen['n_train']!r} holds {size[odd].iloc[0]:g}; n_train must count training examples"
        )
    if (size.abs() > LARGEST_SIZE).any():
        raise InvalidInputError(
            f"column {chosen['n_train']!r} holds {size.abs().max():.4g}, and sizes are whole numbers up to {LARGEST_SIZE:.2g}: "
            "divide the column, by 1e12 for example (exponents stay what they are), or give the number of training examples"
        )
    notes = ["sizes that are no whole numbers were rounded"] if (size.dropna() % 1 != 0).any() else []
    return whole, notes


def _one_a_curve(table: pd.DataFrame, chance: pd.Series) -> pd.Series:
    """Return the chance level of every row's curve, which one row or all may give."""
    by_curve = chance.groupby([table[axis] for axis in (*AXES, "metric")], sort=False)
    lowest, highest = by_curve.transform("min"), by_curve.transform("max")
    apart = highest - lowest > 1e-6 * highest
    if apart.any():
        row = table[apart].iloc[0]
        raise InvalidInputError(
            f"chance_error of {' | '.join(row[axis] for axis in AXES)} is {lowest[apart].iloc[0]:g} in some rows and "
            f"{highest[apart].iloc[0]:g} in others: it is the error of guessing, one number a curve. Curves of different tasks "
            "need different labels"
        )
    return lowest


def _same_unit(frame: pd.DataFrame, chosen: dict[str, Any], role: str, scale: float) -> pd.Series:
    """Return numbers in the unit of the values: percent became shares, unless cells or the column's name said so themselves."""
    column = chosen.get(role)
    if not isinstance(column, str):
        return scale * number_column(frame, chosen, role)
    read = parse_numbers(frame[column], where=f"{column!r} ({role})", percent=says_percent(column))
    return read.values if read.in_percent else scale * read.values


def _recover_counts(table: pd.DataFrame) -> list[str]:
    """Fill n_errors where a rate times n_test is a whole number, so that the binomial law applies; say where it is none."""
    rates = table["n_errors"].isna() & (table["metric"] == "error-rate")
    product = (table["value"] * table["n_test"]).where(rates)
    whole = product.round()
    fits = (product - whole).abs() < 0.02 + 1e-4 * whole
    table.loc[fits, "n_errors"] = whole
    missed = table[product.notna() & ~fits]
    if missed.empty:
        return []
    value, n_test = missed[["value", "n_test"]].iloc[0]
    which = f"{len(missed)} of {int(product.notna().sum())} rates are not multiples of 1/n_test"
    return [f"{which} ({value:.4g} of 1/{n_test:g}): counts not recovered from them"]


def _seed_numbers(seed: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(seed, errors="coerce")
    if numbers.notna().all() and (numbers % 1 == 0).all():
        return numbers.astype(int)
    return pd.Series(pd.factorize(seed)[0], index=seed.index)


def _labels(column: pd.Series) -> pd.Series:
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax())
        raise InvalidInputError(f"column {column.name!r} has no label in row {row + 1}")
    return column.map(_label)


def _label(value: Any) -> str:
    if isinstance(value, float) and value == round(value) and abs(value) < 1e6:
        return str(int(value))
    return str(value).strip()
