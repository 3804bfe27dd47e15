"""Run records into the table of `LearningCurves`, with what they say about their data and models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.quality import flag_rows, ordered_triplets
from curvefit.errors import InvalidInputError
from curvefit.records.record import RunRecord
from curvefit.triplet import Triplet

_TAKEN = (
    "data", "model", "inference", "n_train", "seed", "metric", "n_errors", "n_test", "value", "seconds", "status",
)  # fmt: skip


def read_run_records(
    records: Iterable[RunRecord],
) -> tuple[pd.DataFrame, pd.DataFrame, str, bool | None, tuple[str, ...]]:
    """Return table, facts, training_sets, shared_test_set and notes, in the order `LearningCurves` takes them.

    Raises
    ------
    InvalidInputError
        When there is no record.
    """
    rows: list[dict[str, Any]] = []
    facts: dict[Triplet, dict[str, Any]] = {}
    for record in records:
        chance = record.data_facts.get("chance_error")
        row = {name: getattr(record, name) for name in _TAKEN}
        rows.append({**row, "chance_error": np.nan if chance is None else float(chance), "value_se": np.nan})
        triplet = Triplet(record.data, record.model, record.inference)
        facts.setdefault(triplet, {}).update(_known({**record.data_facts, **record.model_facts}))
    if not rows:
        raise InvalidInputError("there are no run records to make learning curves of")
    table = pd.DataFrame(rows)
    for name in ("n_errors", "n_test", "value", "seconds"):
        table[name] = pd.to_numeric(table[name]).astype(float)
    counted = table["value"].isna() & table["n_errors"].notna()
    table.loc[counted, "value"] = table["n_errors"] / table["n_test"]
    table, notes = flag_rows(table, seeds_given=True)
    frame = pd.DataFrame([{**t._asdict(), **facts[t]} for t in ordered_triplets(table)])
    kinds = set(frame.get("training_sets", pd.Series(dtype=object)).dropna())
    if len(kinds) > 1:
        notes.append("some training sets are nested and some independent: treated as nested")
    sets = "nested" if "nested" in kinds else (kinds.pop() if kinds else "unknown")
    shared = frame.get("shared_test_set", pd.Series(dtype=object)).dropna()
    if shared.nunique() > 1:
        notes.append("some test sets are shared by all runs and some are not: none are taken for shared")
    return table, frame, sets, bool(shared.all()) if len(shared) else None, tuple(notes)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
