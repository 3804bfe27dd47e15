"""Large stores: all of it in seconds, and one run without the others."""

from __future__ import annotations

import dataclasses
import json
import time

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from curvefit.records import read_records, read_traces
from curvefit.records.compaction import compact_store
from curvefit.records.table import to_records, to_table
from tests.records.made import PROVENANCE, record


def test_a_hundred_thousand_records_load_in_seconds(store):
    rows = []
    template = record(0).to_dict()
    for i in range(100_000):
        rows.append((i, {**template, "run_id": f"{i:020x}", "seed": i}))
    path = store.path / "all.parquet"
    pq.write_table(to_table(rows), path)
    began = time.process_time()
    assert len(read_records(path)) == 100_000
    assert time.process_time() - began < 15


@pytest.mark.parametrize("seal", [False, True])
def test_one_run_of_a_large_store_is_read_without_the_others(store, seal, monkeypatch):
    for _ in range(2):
        with store.writer(traces=True, sync=False, provenance=PROVENANCE) as writer:
            writer.extend(record(i, extra={"trace": {"step": [i]}}) for i in range(300))
    store.withdraw([record(7).run_id], reason="wrong")
    if seal:
        compact_store(store)
    decoded = []
    real = json.loads
    monkeypatch.setattr("curvefit.records.lines.json.loads", lambda body: decoded.append(body) or real(body))
    table = store.read_table(record(5).run_id[:-1])  # 0 to 15
    assert table.equals(store.read_table().filter(pc.less(pc.field("seed"), 16)))
    assert table["seed"].to_pylist().count(7) == 0
    decoded.clear()
    assert to_records(store.read_table(record(5).run_id)) == [record(5, extra={})]
    assert read_traces(store.path, [record(5).run_id])["step"].to_pylist() == [5]
    assert len(decoded) < 20


def test_ids_that_json_writes_otherwise_are_found_too(store):
    odd = dataclasses.replace(record(1), run_id='a"b\\c')
    with store.writer(sync=False) as writer:
        writer.extend([odd, record(2)])
    assert [r.run_id for r in to_records(store.read_table('a"b'))] == [odd.run_id]
