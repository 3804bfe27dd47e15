"""Tables without sizes or without errors: what is missing, why it was not seen, and how it is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from curvefit.curves.names import MEASURED, is_score, named_columns, unreadable_column, words
from curvefit.curves.numbers import parse_numbers
from curvefit.errors import InvalidInputError


def refuse_unreadable(frame: pd.DataFrame, roles: tuple[str, ...], chosen: Mapping[str, Any]) -> None:
    """Raise with the cell that is no number, where no column has these roles but one is named like it."""
    column = unreadable_column(frame, roles, named_columns(chosen))
    if column is not None and not any(role in chosen for role in roles):
        parse_numbers(frame[column], where=repr(column), suffixes=True)


def refuse_unnamed(frame: pd.DataFrame, chosen: Mapping[str, Any]) -> None:
    """Raise where the sizes or the errors were not found.

    Raises
    ------
    InvalidInputError
        With the names of the columns, and how one is named as what it is.
    """
    if "n_train" not in chosen:
        refuse_unreadable(frame, ("n_train",), chosen)
        hint = " Does its first line hold the names of the columns?" if _is_headless(frame) else ""
        raise InvalidInputError(
            f"no column with training-set sizes among {', '.join(frame.columns)}; "
            f"name it, as in n_train='<column>' (on the command line: -c n_train=<column>).{hint}"
        )
    if not any(role in chosen for role in MEASURED):
        raise InvalidInputError(
            f"no column with test errors among {', '.join(frame.columns)}; name it, as in value='<column>', "
            f"n_errors='<column>' or accuracy='<column>' (on the command line: -c value=<column>).{_about_scores(frame)}"
        )


def _about_scores(frame: pd.DataFrame) -> str:
    """Say how a score, more of which is better, is turned into an error."""
    scores = [column for column in frame.columns if is_score(column)]
    if not scores:
        return ""
    name = scores[0]
    how = (
        f"1 - {name} is a squared error: add it as a column, with metric='mse'"
        if words(name) & {"r", "r2", "rsquared"}
        else f"Say accuracy={name!r} to fit 1 - {name} (on the command line: -c accuracy={name})"
    )
    return f" Is {name!r} a score, more of which is better? {how}."


def _is_headless(frame: pd.DataFrame) -> bool:
    return all(re.fullmatch(r"[-+\d.e]+", column) for column in frame.columns)
