"""Tables and learning curves as JSON: columns with their types, what is missing as null."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves


def frame_to_json(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the columns of a frame with their types; finite floats go through JSON unchanged."""
    return {str(name): _column(column) for name, column in frame.items()}


def frame_from_json(saved: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the frame that `frame_to_json` wrote."""
    return pd.DataFrame({name: _series(column) for name, column in saved.items()})


def curves_to_json(curves: LearningCurves) -> dict[str, Any]:
    """Return learning curves, flagged rows and facts included."""
    return {"table": frame_to_json(curves.table), **knowledge_to_json(curves)}


def curves_from_json(saved: dict[str, Any]) -> LearningCurves:
    """Return the learning curves that `curves_to_json` wrote."""
    return with_knowledge(frame_from_json(saved["table"]), saved)


def knowledge_to_json(curves: LearningCurves) -> dict[str, Any]:
    """Return what is known of learning curves beside their table."""
    return {
        "facts": _facts(curves.facts),
        "training_sets": curves.training_sets,
        "shared_test_set": curves.shared_test_set,
        "notes": list(curves.notes),
        "seeds_matched": curves.seeds_matched,
    }


def with_knowledge(table: pd.DataFrame, saved: dict[str, Any]) -> LearningCurves:
    """Return the learning curves of a table and of what `knowledge_to_json` wrote."""
    return LearningCurves(
        table,
        pd.DataFrame(saved["facts"]),
        saved["training_sets"],
        saved["shared_test_set"],
        tuple(saved["notes"]),
        saved["seeds_matched"],
    )


def _facts(facts: pd.DataFrame) -> list[dict[str, Any]]:
    known = facts.astype(object).where(facts.notna(), None).to_dict("records")
    plain: list[dict[str, Any]] = json.loads(json.dumps(known, default=_plain))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")


def _column(column: pd.Series) -> dict[str, Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    if pd.api.types.is_float_dtype(column):
        values = [str(value) if value in (np.inf, -np.inf) else value for value in values]
    kept = pd.api.types.is_numeric_dtype(column) or column.dtype == object
    return {"dtype": str(column.dtype) if kept else None, "values": values}


def _series(saved: dict[str, Any]) -> pd.Series:
    values = pd.Series(saved["values"], dtype=None if saved["dtype"] is None else object)
    return values if saved["dtype"] is None else values.astype(saved["dtype"])
