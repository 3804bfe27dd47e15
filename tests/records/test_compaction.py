"""Compaction: nothing is lost, repeated or taken from a writer at work, whenever it comes or ends."""

from __future__ import annotations

import os

import pytest

from curvefit.records import compaction
from curvefit.records.compaction import compact_store
from tests.records.made import record, write


def test_open_segments_are_sealed_only_on_request(store):
    writer = store.writer()
    writer.append(record(0))
    assert compact_store(store, include_open=True) == 0, "its writer is at work"
    os.close(writer._file)
    assert compact_store(store) == 0
    assert compact_store(store, include_open=True) == 1
    assert [r.run_id for r in store.read_records()] == [record(0).run_id]


def test_an_interrupted_compaction_loses_and_repeats_nothing(store, monkeypatch):
    write(store, range(6))
    before = store.read_table()
    monkeypatch.setattr("curvefit.records.compaction.write_manifest", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        compact_store(store)
    monkeypatch.undo()
    assert store.read_table().equals(before)
    monkeypatch.setattr("curvefit.records.compaction._remove_sealed", _interrupted_when_sealed)
    with pytest.raises(KeyboardInterrupt):
        compact_store(store)
    monkeypatch.undo()
    assert store.read_table().equals(before)
    compact_store(store)
    assert store.read_table().equals(before)
    assert not list(store.segments.iterdir())


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def _interrupted_when_sealed(_, manifest):
    if manifest.parts:
        raise KeyboardInterrupt


def test_what_is_written_while_a_segment_is_read_is_sealed_too(store, monkeypatch):
    writer = store.writer()
    writer.append(record(0))
    real = compaction.read_segment

    def slowly(path):
        content = real(path)
        if writer.count == 1:
            writer.append(record(1))
            writer.close()
        return content

    monkeypatch.setattr(compaction, "read_segment", slowly)
    assert compact_store(store, include_open=True) == 2
    assert [r.seed for r in store.read_records()] == [0, 1]
