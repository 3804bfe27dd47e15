"""Traces are kept beside the records when asked for, and never inside."""

from __future__ import annotations

from curvefit.records import read_traces
from curvefit.records.compaction import compact_store
from curvefit.records.verify import verify_store
from tests.records.made import record

TRACE = {"step": [25, 50], "train_loss": [2.0, float("nan")], "held_loss": [None, 1.5]}


def test_traces_are_sidecars(store):
    for number, kept in ((1, True), (2, False), (3, True)):
        with store.writer(traces=kept, sync=False) as writer:
            trace = TRACE if number < 3 else {"loss": [0.5]}
            writer.append(record(number, extra={"rate": 0.1, "trace": trace}))
    assert all(r.extra == {"rate": 0.1} for r in store.read_records())
    table = read_traces(store.path, [record(1).run_id])
    assert table.to_pydict() == {
        "run_id": [record(1).run_id] * 2,
        "step": [25, 50],
        "train_loss": [2.0, None],
        "held_loss": [None, 1.5],
    }
    assert read_traces(store.path)["loss"].to_pylist() == [None, None, 0.5]
    compact_store(store)
    assert read_traces(store.path).num_rows == 3
    assert verify_store(store.path).is_sound
    (first,) = (path for path in store.traces.glob("*.jsonl") if b'"step"' in path.read_bytes())
    first.write_bytes(first.read_bytes().replace(b"25", b"26"))
    assert f"traces/{first.name}:2" in str(verify_store(store.path))


def test_the_newest_trace_of_a_run_counts(store):
    for loss in (3.0, 1.0):
        with store.writer(traces=True) as writer:
            writer.append(record(1, extra={"trace": {"train_loss": [loss]}}))
    assert read_traces(store.path)["train_loss"].to_pylist() == [1.0]
    assert read_traces(store.path, []).num_rows == 0
