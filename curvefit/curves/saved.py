"""Saved learning curves: one Parquet file with the table, and in its metadata what else is known of the curves."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import DataFileError, InvalidInputError

SCHEMA_VERSION = 1
KEY = "curvefit_learning_curves"


def save_curves(curves: LearningCurves, path: Path) -> Path:
    """Write curves into a ``.parquet`` file; see `LearningCurves.save`."""
    if path.suffix != ".parquet":
        raise InvalidInputError(f"learning curves are saved as .parquet, not as {path.name!r}")
    table = curves.table.copy()
    table.attrs = {
        KEY: {
            "schema_version": SCHEMA_VERSION,
            "facts": json.loads(curves.facts.to_json(orient="records", double_precision=15)),
            "training_sets": curves.training_sets,
            "shared_test_set": curves.shared_test_set,
            "notes": list(curves.notes),
            "seeds_matched": curves.seeds_matched,
        }
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.partial")
    table.to_parquet(scratch, index=False)
    return scratch.replace(path)


def saved_curves(table: pd.DataFrame) -> LearningCurves | None:
    """Return the curves that `save_curves` wrote, or None when the table is not from there."""
    known = table.attrs.get(KEY)
    if known is None:
        return None
    if known["schema_version"] > SCHEMA_VERSION:
        raise DataFileError(
            f"the curves were saved in form {known['schema_version']}; this version reads forms up to {SCHEMA_VERSION}"
        )
    plain = table.copy()
    plain.attrs = {}
    return LearningCurves(
        plain,
        pd.DataFrame(known["facts"]),
        known["training_sets"],
        known["shared_test_set"],
        tuple(known["notes"]),
        known.get("seeds_matched", True),
    )
