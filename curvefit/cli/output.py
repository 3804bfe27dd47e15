"""What commands print: sentences and tables for people, one JSON object for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.json_text import json_text

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; NaN and infinity become null, frames become lists of rows."""
    print(json_text(content))


def print_text(text: str) -> None:
    """Print sentences as they are."""
    print(text)


def print_table(frame: pd.DataFrame, *, title: str = "") -> None:
    """Print a frame: a ruled table on a terminal, aligned plain text elsewhere."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    if not sys.stdout.isatty():
        if title:
            print(f"\n{title}")
        print(frame.map(_cell).to_string(index=False))
        return
    table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
    for column in frame.columns:
        numeric = frame[column].dtype.kind in "iuf"
        table.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(_cell, row))
    Console().print(table)


def print_progress(message: str) -> None:
    """Print a line on what goes on, on stderr, so that what is printed for programs stays clean."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def working(message: str) -> Iterator[None]:
    """Show that something long is going on: a spinner on a terminal, a plain line elsewhere, on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(message):
            yield
        return
    print_progress(message)
    yield


def _cell(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return "" if math.isnan(value) else "inf"
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)
