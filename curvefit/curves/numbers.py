"""Numbers as people write them: ``1,024``, ``0,35``, ``12.5 %``, ``16k``, and cells that say that nothing is there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError

NOTHING = frozenset({"", "-", "--", "–", "—", "?", "na", "n/a", "nan", "none", "null", "missing", "<na>"})
_SUFFIX = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}
_SPACES = re.compile(r"(?<=\d)[\s'’_\u00a0\u2009\u202f](?=\d{3}(\D|$))")
UNSETTLED = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
"""A number whose only sign may be the decimal sign or group thousands: ``4,020``."""
_WRITTEN = {
    decimal: re.compile(rf"[-+]?(\d+|[1-9]\d{{0,2}}(\{group}\d{{3}})+)?(\{decimal}\d*)?(e[-+]?\d+)?")
    for decimal, group in ((".", ","), (",", "."))
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, NaN where a cell is empty, and whether they were percentages.

    Percentages are shares already: ``12.5 %`` is 0.125.
    """

    values: pd.Series
    in_percent: bool = False


def parse_numbers(column: pd.Series, *, where: str, suffixes: bool = False, percent: bool = False) -> Numbers:
    """Read a column of numbers or of text that holds numbers.

    A comma that may be either is taken for one between thousands, a dot for a decimal point: see `curvefit.curves.decimal_signs`,
    which settles what the table shows of them.

    Parameters
    ----------
    column
        Numbers or text.
    where
        Name of the column for messages.
    suffixes
        Whether ``16k`` means 16,000.
    percent
        Whether the numbers are said to be percentages: each is one, with a percent sign or without.

    Raises
    ------
    InvalidInputError
        When a cell is text that is no number (the message gives the row and the cell), or some cells have a percent sign,
        some have none, and nothing says what these are.
    """
    if pd.api.types.is_bool_dtype(column):
        raise InvalidInputError(f"column {where} holds true and false, not numbers")
    if pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column).astype(float)
        return Numbers(numbers / 100 if percent else numbers, percent)
    text = column.map(_stripped)
    marked = text.str.endswith("%")
    text = text.str.rstrip("% ")
    factor = pd.Series(1.0, index=text.index)
    if suffixes:
        factor = text.str[-1:].map(_SUFFIX).fillna(1.0)
        text = text.where(factor == 1.0, text.str[:-1].str.strip())
    text = text.map(lambda cell: with_point(cell, decimal_sign(cell) or "."))
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce").astype(float) * factor
    wrong = (text != "") & numbers.isna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InvalidInputError(
            f"column {where}, row {row + 1}: {column.iloc[row]!r} is no number{_advice(text.iloc[row])}"
        )
    if marked.any() and not percent:
        _refuse_some_marked(column, marked | numbers.isna(), where)
    percent = percent or bool(marked.any())
    return Numbers(numbers / 100 if percent else numbers, percent)


def bare(cell: object) -> str:
    """Return a cell in lower case without spaces and percent sign, empty where nothing is there."""
    return _stripped(cell).rstrip("% ")


def decimal_sign(number: str) -> str | None:
    """Return the decimal sign that a bare cell shows: ``.`` of ``0.35`` and ``1,000,000``, None where it shows none."""
    signs = re.sub(r"[^.,]", "", number)
    if not signs or UNSETTLED.fullmatch(number):
        return None
    several_alike = len(signs) > 1 and len(set(signs)) == 1
    return {",": ".", ".": ","}[signs[0]] if several_alike else signs[-1]


def with_point(number: str, decimal: str) -> str:
    """Return a bare cell with a decimal point and thousands ungrouped, given its decimal sign; as it is where it is no number."""
    if not _WRITTEN[decimal].fullmatch(number):
        return number
    return number.replace("." if decimal == "," else ",", "").replace(decimal, ".")


def looks_numeric(column: pd.Series) -> bool:
    """Tell whether the first cell that holds something can be read as a number."""
    if pd.api.types.is_numeric_dtype(column):
        return bool(column.notna().any()) and not pd.api.types.is_bool_dtype(column)
    filled = column[~column.map(_is_nothing)]
    try:
        parse_numbers(filled.iloc[:1], where="", suffixes=True)
    except InvalidInputError:
        return False
    return not filled.empty


def _refuse_some_marked(column: pd.Series, marked: pd.Series, where: str) -> None:
    """Raise where only some of the cells that hold a number are marked by a percent sign."""
    if not marked.all():
        row = int(np.flatnonzero(~marked)[0])
        raise InvalidInputError(
            f"column {where}: some cells have a percent sign, but {column.iloc[row]!r} in row {row + 1} has none. Write it "
            "in every cell, or in the name of the column, as in 'error (%)'"
        )


def _advice(cell: str) -> str:
    """Say what to do with a cell that holds a number and more."""
    if re.match(r"[-+]?[\d.]+%?\s*(±|\+/?-|\(\s*[\d.]+)", cell):
        return ": put the standard error in a column of its own, as value_se"
    if re.match(r"[-+]?[\d.,]+\s*[^\W\d]{2}", cell):
        return ": write the number alone, its unit in the name of the column"
    return ""


def _stripped(cell: object) -> str:
    return "" if _is_nothing(cell) else _SPACES.sub("", str(cell).strip().lower()).replace("−", "-")


def _is_nothing(cell: object) -> bool:
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell)) or str(cell).strip().lower() in NOTHING
