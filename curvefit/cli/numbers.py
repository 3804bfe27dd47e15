"""Numbers on the command line, as tables may hold them: ``20k``, ``1e4``, ``3%``; what is refused is named."""

from __future__ import annotations

import typer


def read_number(text: str, *, whole: bool) -> float | None:
    """Return the number that a text says, or None where it says none.

    Parameters
    ----------
    text
        A number as in a table.
    whole
        Whether it counts something: ``20k`` is 20,000, and a comma stands between thousands.

    Raises
    ------
    InvalidInputError
        When the number may be read in two ways.
    """
    import pandas as pd

    from curvefit.curves.numbers import UNSETTLED, bare, parse_numbers
    from curvefit.errors import InvalidInputError

    if UNSETTLED.fullmatch(bare(text)) and ("." in text) == whole:
        decimal, grouped = (bare(text).replace("." if whole else ",", sign) for sign in (".", ""))
        raise InvalidInputError(
            f"{text!r} may be {float(decimal):g} or {grouped}: write the one that is meant"
        )
    try:
        number = float(parse_numbers(pd.Series([text], dtype=object), where="", suffixes=whole).values[0])
    except InvalidInputError:
        return None
    return None if number != number else number


def parse_size(text: str) -> int:
    """Read a training-set size."""
    number = _read(text, whole=True)
    if number is None or number < 1 or number % 1 != 0:
        raise typer.BadParameter(
            f"{text!r} is no training-set size: a whole number of 1 or more, as 20000 or 20k"
        )
    return int(number)


def parse_one_of_sizes(text: str) -> int:
    """Read one of several sizes: a comma may stand between two of them, and is refused."""
    if "," in text:
        raise typer.BadParameter(
            f"{text!r} holds a comma: give the option once per size, and sizes without commas"
        )
    return parse_size(text)


def parse_error(text: str) -> float:
    """Read a test error."""
    number = _read(text, whole=False)
    if number is None:
        raise typer.BadParameter(f"{text!r} is no number, as 0.03 or 3%")
    return number


def _read(text: str, *, whole: bool) -> float | None:
    from curvefit.errors import InvalidInputError

    try:
        return read_number(text, whole=whole)
    except InvalidInputError as error:
        raise typer.BadParameter(str(error)) from None
