"""Numbers into cells: estimates with intervals, probabilities, verdicts with a tone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from curvefit.fitting.intervals import end_columns
from curvefit.report.content import Cell, ReportTable

TONES = {"confirmed": "good", "contradicted": "bad", "open": "open", "allowed": "open"}


def number(value: float, digits: int = 3) -> str:
    """Write a number with a few significant digits and no exponent in the common range."""
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else "unbounded"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:,.0f}"


def interval(row: Mapping[str, Any], name: str) -> str:
    """Write ``estimate [lower, upper]`` from the columns of one quantity."""
    lower, upper = bounds(row, name)
    return spell_interval(float(row[name]), lower, upper)


def spell_interval(middle: float, lower: float, upper: float) -> str:
    """Write ``estimate [lower, upper]`` with as many decimals as the interval's width deserves.

    Examples
    --------
    >>> spell_interval(0.4, 0.378, 0.428)
    '0.400 [0.378, 0.428]'
    >>> spell_interval(0.0131, 1.07e-07, 0.0675)
    '0.013 [0, 0.068]'
    """
    if math.isnan(middle):
        return "unknown"
    width = upper - lower
    if width == 0:
        return f"{number(middle)} exactly"
    if not math.isfinite(width) or not 1e-5 < width < 1e5:
        return f"{number(middle)} [{number(lower)}, {number(upper)}]"
    decimals = max(0, 1 - math.floor(math.log10(width)))
    told, low, high = (_rounded(value, decimals) for value in (middle, lower, upper))
    return f"{told} [{low}, {high}]"


def _rounded(value: float, decimals: int) -> str:
    """Write a value with so many decimals; one that is 0 to them as a plain 0."""
    return f"{value:,.{decimals}f}" if abs(value) >= 0.5 * 10.0**-decimals else "0"


def bounds(row: Mapping[str, Any], name: str) -> tuple[float, float]:
    """Return the ends of the interval of one quantity."""
    low, high = (float(row[end]) for end in end_columns(name))
    return low, high


def text_cell(value: Any) -> Cell:
    """Make a cell of a label or a number."""
    if isinstance(value, bool):
        return Cell("yes" if value else "no", float(value))
    if isinstance(value, int | float) or hasattr(value, "dtype"):
        plain = float(value)
        whole = plain == round(plain) if math.isfinite(plain) else False
        return Cell(f"{plain:,.0f}" if whole and abs(plain) >= 1 else number(plain), plain)
    return Cell(str(value), str(value))


def interval_cell(row: Mapping[str, Any], name: str) -> Cell:
    """Make a cell of an estimate with its interval; it sorts by the estimate."""
    return Cell(interval(row, name), float(row[name]))


def probability_cell(row: Mapping[str, Any], name: str) -> Cell:
    """Make a cell of a probability: two decimals, and no false certainty at either end."""
    value = float(row[name])
    return Cell(probability_text(value), -1.0 if math.isnan(value) else value)


def probability_text(value: float) -> str:
    """Write a probability with two decimals, and no false certainty at either end."""
    if math.isnan(value):
        return "unknown"
    return "> 0.99" if value > 0.99 else "< 0.01" if value < 0.01 else f"{value:.2f}"


def agreement_cell(row: Mapping[str, Any], name: str) -> Cell:
    """Make a cell of how measurement and theory agree, with its tone."""
    word = str(row[name])
    return Cell(word, word, TONES.get(word, ""))


def make_table(
    key: str,
    frame: pd.DataFrame,
    *,
    title: str,
    caption: str,
    columns: Sequence[tuple[str, str, Callable[[Mapping[str, Any], str], Cell] | None]],
    folded: bool = False,
) -> ReportTable:
    """Build a table from a frame.

    Parameters
    ----------
    key, title, caption, folded
        As in `ReportTable`.
    frame
        The numbers; kept whole beside the cells.
    columns
        (column of the frame, heading, how a row becomes a cell or None for plain text and numbers); columns that
        the frame lacks are left out.
    """
    present = [
        entry for entry in columns if entry[0] in frame.columns and not _said_in_caption(frame, entry[0])
    ]
    rows = [
        tuple(make(row, name) if make else text_cell(row[name]) for name, _, make in present)
        for row in frame.to_dict("records")
    ]
    headings = tuple(heading for _, heading, _ in present)
    return ReportTable(key, title, caption, headings, tuple(rows), frame, folded)


def _said_in_caption(frame: pd.DataFrame, column: str) -> bool:
    """Tell whether a column repeats one source in every row; the caption names it, and the CSV keeps it."""
    return column == "source" and frame[column].nunique() <= 1
