"""Records as an Arrow table: one row a run, nested facts as JSON text (equal texts are stored once)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import lru_cache
from typing import Any

import pyarrow as pa

from curvefit.records.record import RunRecord

NESTED = ("spec", "data_facts", "model_facts", "extra", "provenance")
SORT_KEYS = ("data", "model", "inference", "n_train", "seed", "study", "run_id")
_TEXT = ("run_id", "study", "data", "model", "inference", "status", "metric", "message", *NESTED)
_COUNTS = ("n_train", "seed", "n_errors", "n_test", "schema_version")

SCHEMA = pa.schema(
    [
        pa.field(
            f.name, pa.string() if f.name in _TEXT else pa.int64() if f.name in _COUNTS else pa.float64()
        )
        for f in fields(RunRecord)
    ]
    + [pa.field("written_at", pa.int64())]
)
"""Columns of `read_table`: the fields of `RunRecord`, and the time of writing in ns since 1970."""

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_KNOWN = frozenset(f.name for f in fields(RunRecord))


def to_table(rows: Sequence[tuple[int, dict[str, Any]]]) -> pa.Table:
    """Return ``(time, record as a dictionary)`` rows as a table of `SCHEMA`.

    Fields that an older writer did not know take their defaults; those of a newer one are kept in
    ``extra["_unknown"]``.
    """
    records = [values for _, values in rows]
    columns: dict[str, Any] = {}
    for f in fields(RunRecord):
        default = f.default if f.default is not MISSING else None
        if f.name in NESTED:
            columns[f.name] = [_encode(values.get(f.name) or {}) for values in records]
        else:
            columns[f.name] = [values.get(f.name, default) for values in records]
    for position, values in enumerate(records):
        if len(values) > len(_KNOWN) or not values.keys() <= _KNOWN:
            unknown = {key: value for key, value in values.items() if key not in _KNOWN}
            columns["extra"][position] = _encode({**(values.get("extra") or {}), "_unknown": unknown})
    columns["written_at"] = [at for at, _ in rows]
    return pa.table(columns, schema=SCHEMA)


def conform(table: pa.Table, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Return `table` with exactly `columns` of `SCHEMA`; absent ones take the fields' defaults."""
    defaults = {f.name: f.default for f in fields(RunRecord) if f.default is not MISSING}
    found = []
    for field in map(SCHEMA.field, columns):
        if field.name in table.column_names:
            found.append(table[field.name].cast(field.type))
        else:
            value = "{}" if field.name in NESTED else defaults.get(field.name)
            found.append(pa.array([value] * table.num_rows, type=field.type))
    return pa.table(found, schema=pa.schema([SCHEMA.field(name) for name in columns]))


def to_records(table: pa.Table) -> list[RunRecord]:
    """Return the rows of a table as records; rows with equal facts share one dictionary."""
    table = table.drop_columns(["written_at"])
    names = table.column_names
    columns = []
    for name in names:
        values = table[name].to_pylist()
        columns.append([_parse(text) for text in values] if name in NESTED else values)
    return [RunRecord(**dict(zip(names, row))) for row in zip(*columns)]


@lru_cache(maxsize=4096)
def _parse(text: str | None) -> dict[str, Any]:
    return json.loads(text) if text else {}
