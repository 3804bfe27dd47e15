"""Saved learning curves: one Parquet file with the table, and in its metadata what else is known of the curves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from curvefit.curves.json_form import knowledge_to_json, with_knowledge
from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import DataFileError, InvalidInputError

SCHEMA_VERSION = 1
KEY = "curvefit_learning_curves"


def save_curves(curves: LearningCurves, path: Path) -> Path:
    """Write curves into a ``.parquet`` file; see `LearningCurves.save`."""
    if path.suffix != ".parquet":
        raise InvalidInputError(f"learning curves are saved as .parquet, not as {path.name!r}")
    table = curves.table.copy()
    table.attrs = {KEY: {"schema_version": SCHEMA_VERSION, **knowledge_to_json(curves)}}
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
    return with_knowledge(plain, known)
