"""What commas and dots mean in a table: decided once for all its columns, from what its cells show.

``0,35`` and ``1.000.000`` show a decimal comma, ``0.35`` and ``1,234.5`` a decimal point; ``4,020`` and ``1.000`` are read as
the others are written. Where these do not tell, sizes and counts, which are whole, have commas between thousands, and values have
decimal points; what is left is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from curvefit.curves.numbers import UNSETTLED, bare, decimal_sign, with_point
from curvefit.errors import InvalidInputError

SHOWN = "curvefit_decimal_signs"
KEPT = "curvefit_kept_as_text"
WHOLE = ("n_train", "n_test", "n_errors")
NUMERIC = (*WHOLE, "value", "value_se", "accuracy", "chance_error", "seconds")
_NAMES = {",": "comma", ".": "dot"}


def keep_unsettled(frame: pd.DataFrame, cells: pd.DataFrame, *, separator: str) -> pd.DataFrame:
    """Return the frame of a file with those numbers as text whose dots may group thousands, and with what its cells show.

    Parameters
    ----------
    frame, cells
        The file with its numbers read, and with every cell as text.
    separator
        What separates columns. A file with semicolons leaves commas to decimals.
    """
    shown: set[str] = set()
    doubtful = []
    for column in cells.columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            numbers = _numbers(cells[column])
            shown |= _shown([numbers])
            if separator == ";" and any("," in number for number in numbers):
                shown.add(",")
        elif pd.api.types.is_float_dtype(frame[column]):
            written = cells[column].unique()
            if any(decimal_sign(bare(cell)) for cell in written):
                shown.add(".")
            elif any(UNSETTLED.fullmatch(bare(cell)) for cell in written):
                doubtful.append(column)
    kept = doubtful if shown != {"."} else []
    frame = frame.assign(**{column: cells[column] for column in kept})
    frame.attrs = {SHOWN: sorted(shown), KEPT: [column.strip() for column in kept]}
    return frame


def settle(
    frame: pd.DataFrame, chosen: dict[str, Any], read: dict[str, Any]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the frame with decimal points in the columns of numbers among `chosen`, and sentences about what was read how.

    Parameters
    ----------
    frame, chosen
        A tidy frame, and the roles of its columns.
    read
        What `keep_unsettled` noted of the file, ``frame.attrs`` there; empty for a frame that is from no file.

    Raises
    ------
    InvalidInputError
        When a number may be read in two ways and nothing in the table tells which.
    """
    roles = {chosen[role]: role for role in NUMERIC if isinstance(chosen.get(role), str)}
    numbers = {c: _numbers(frame[c]) for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    shown = set(read.get(SHOWN, ())) | _shown(numbers.values())
    notes = []
    for column in numbers:
        if column in roles:
            signs = _shown([numbers[column]]) or shown
            sign = next(iter(signs)) if len(signs) == 1 else None
            frame, said = _settle_column(frame, column, roles[column], sign)
            notes += said
        elif column in read.get(KEPT, ()):
            frame = frame.assign(**{column: pd.to_numeric(frame[column])})
    return frame, notes


def _settle_column(
    frame: pd.DataFrame, column: str, role: str, sign: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the frame with one column settled, given the decimal sign that it or the table shows."""
    text = frame[column].map(bare)
    unsettled = text.map(lambda cell: bool(UNSETTLED.fullmatch(cell)))
    notes = []
    for mark in _NAMES:
        marked = text[unsettled & text.str.contains(mark, regex=False)]
        if marked.empty:
            continue
        cell, whole = marked.iloc[0], role in WHOLE
        if (sign, mark) in (((",", ","), (None, ".")) if whole else ((None, ","),)):
            _refuse(column, role, cell, mark)
        if sign == "," or (sign == "." and mark == "," and not whole):
            use = "is the decimal sign" if sign == mark else "groups thousands"
            notes.append(
                f"read {cell!r} in column {column!r} as {with_point(cell, sign)}: a {_NAMES[mark]} {use} in this table"
            )
    if sign == ",":
        plain = frame[column].map(lambda cell: str(cell).replace(".", "").replace(",", "."))
        frame = frame.assign(**{column: frame[column].where(~unsettled, plain)})
    return frame, notes


def _refuse(column: str, role: str, cell: str, mark: str) -> None:
    decimal, grouped = with_point(cell, mark), cell.replace(mark, "")
    how = (
        f"Write {grouped}, without any {_NAMES[mark]}"
        if role in WHOLE
        else f"Write {decimal} or {grouped}, or separate the columns by semicolons where commas are decimal signs"
    )
    raise InvalidInputError(
        f"column {column!r} ({role}) holds {cell!r}, which may be {float(decimal):g} or {grouped}: nothing in the table tells "
        f"whether the {_NAMES[mark]} is a decimal sign or groups thousands. {how}"
    )


def _numbers(column: pd.Series) -> list[str]:
    """Return the distinct cells of a column of numbers, bare; none where one of them is no number."""
    cells = {bare(cell) for cell in column.astype(str).unique()} - {""}
    return sorted(cells) if all(map(_is_number, cells)) else []


def _is_number(cell: str) -> bool:
    try:
        float(with_point(cell, decimal_sign(cell) or "."))
    except ValueError:
        return False
    return True


def _shown(columns: Iterable[list[str]]) -> set[str]:
    """Return the decimal signs that columns of numbers show."""
    return {sign for column in columns for number in column if (sign := decimal_sign(number)) is not None}
