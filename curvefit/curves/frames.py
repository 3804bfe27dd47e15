"""Tables as people hold them in memory: pandas and polars frames, dictionaries of columns, lists of dictionaries; the rows of one curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from curvefit.errors import InvalidInputError
from curvefit.triplet import AXES


def as_pandas(frame: Any) -> pd.DataFrame:
    """Return a pandas frame of rows or columns, however they are held."""
    if isinstance(frame, pd.DataFrame):
        return frame
    if hasattr(frame, "to_dict") and hasattr(frame, "columns"):
        return pd.DataFrame(frame.to_dict(as_series=False))
    if isinstance(frame, list) and all(isinstance(row, dict) for row in frame):
        return pd.json_normalize(frame)
    if isinstance(frame, dict | list):
        return pd.DataFrame(frame)
    raise InvalidInputError(
        f"cannot read learning curves from a {type(frame).__name__}; give a pandas or polars frame, "
        "a dictionary of columns, a list of dictionaries, or use load_curves for a file"
    )


def rows_of(frame: pd.DataFrame, triplet: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a frame with columns data, model and inference that are one triplet's."""
    return frame[(frame[list(AXES)] == list(triplet)).all(axis=1)]
