"""Records and stores that tests are made of."""

from __future__ import annotations

from pathlib import Path

from curvefit.records import RecordStore, RunRecord

PROVENANCE = {"code": "abc", "device": "cpu"}


def record(i: int, **changes) -> RunRecord:
    values = {
        "n_errors": i % 100,
        "n_test": 100,
        "value": (i % 100) / 100,
        "seconds": 0.5,
        "data_facts": {"shape": [7, 7, 16]},
        "extra": {"rate": 0.1},
        "provenance": {**PROVENANCE, "time": "now"},
    }
    return RunRecord(f"{i:020x}", "s", f"d{i % 3}", "m", "sgd", 32, i, **{**values, **changes})


def write(store: RecordStore, numbers, **changes) -> Path:
    with store.writer(provenance=PROVENANCE, sync=False) as writer:
        writer.extend(record(i, **changes) for i in numbers)
    return writer.path
