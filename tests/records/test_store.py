"""The store: what is written is read, nothing flips unseen, and old or newer records still read."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from curvefit.errors import DataFileError, StoreError
from curvefit.records import RecordStore, read_records, read_table
from curvefit.records.compaction import compact_store
from curvefit.records.index import RunIndex
from curvefit.records.lines import Damage, decode_lines, encode_line
from curvefit.records.verify import verify_store
from curvefit.records.writer import SegmentWriter
from tests.records.made import PROVENANCE, record, write


def test_records_come_back_equal_and_sorted(store):
    write(store, range(9))
    assert store.read_records() == sorted(map(record, range(9)), key=lambda r: (r.data, r.seed))
    assert read_table(store.path).num_rows == 9


def test_compaction_changes_nothing_a_reader_sees(store):
    write(store, range(5))
    before = store.read_table()
    write(store, range(5, 9))
    whole = store.read_table()
    assert compact_store(store) == 9
    assert not list(store.segments.glob("*.jsonl"))
    assert store.read_table().equals(whole)
    write(store, range(9, 12))
    compact_store(store)
    assert store.read_table().num_rows == 12 > before.num_rows
    assert verify_store(store.path).is_sound
    (first, *_) = store.sealed.glob("*.parquet")
    assert read_table(first).num_rows in (3, 9)


def test_the_newest_record_counts_and_tombstones_withdraw(store):
    write(store, [1, 2], status="exception", message="old")
    write(store, [1])
    assert {r.seed: r.status for r in store.read_records()} == {1: "ok", 2: "exception"}
    store.withdraw([record(1).run_id], reason="wrong data")
    assert [r.seed for r in store.read_records()] == [2]
    compact_store(store)
    assert [r.seed for r in store.read_records()] == [2]
    write(store, [1])
    assert [r.seed for r in store.read_records()] == [1, 2]


def test_shared_provenance_is_written_once_and_read_with_every_record(store):
    path = write(store, range(3))
    assert path.read_text().count('"code":"abc"') == 1
    assert all(r.provenance == {**PROVENANCE, "time": "now"} for r in store.read_records())


def test_numpy_numbers_are_stored_and_what_json_lacks_becomes_null(store):
    write(store, [1], extra={"a": np.float64(0.5), "b": np.arange(3), "c": float("nan")}, value=float("inf"))
    (found,) = store.read_records()
    assert found.extra == {"a": 0.5, "b": [0, 1, 2], "c": None}
    assert found.value is None


def test_every_flipped_bit_of_a_line_is_noticed():
    line = encode_line({"kind": "record", "at": 1, "record": {"run_id": "x", "value": 0.25}})
    assert list(decode_lines(line)) == [{"kind": "record", "at": 1, "record": {"run_id": "x", "value": 0.25}}]
    for position in range(len(line)):
        for bit in range(8):
            spoilt = bytearray(line)
            spoilt[position] ^= 1 << bit
            assert all(isinstance(found, Damage) for found in decode_lines(bytes(spoilt))), (position, bit)


def test_flipped_bits_are_named_and_the_other_lines_read(store):
    path = write(store, range(20))
    content = bytearray(path.read_bytes())
    starts = [0, *(i + 1 for i, byte in enumerate(content) if byte == 10)]
    content[starts[7] + 60] ^= 4
    path.write_bytes(content)
    found = verify_store(store.path)
    assert [(p.file, p.line) for p in found.problems] == [(f"segments/{path.name}", 8)]
    assert len(store.read_records()) == 19
    assert compact_store(store) == 0, "a damaged segment stays as evidence"


@pytest.mark.parametrize("keep", [0.5, 0.97])
def test_truncation_is_named(store, keep):
    path = write(store, range(20))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    n_left = len(store.read_records())
    assert n_left < 21
    acknowledged = {record(i).run_id for i in range(20)}
    found = verify_store(store.path, acknowledged=acknowledged)
    assert len([p for p in found.problems if "counted as done" in p.reason]) == 20 - n_left


def test_a_cut_exactly_between_lines_is_found_by_what_was_acknowledged(store):
    path = write(store, range(3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    assert verify_store(store.path).is_sound, "looks like a killed writer"
    found = verify_store(store.path, acknowledged={record(i).run_id for i in range(3)})
    assert [p.reason for p in found.problems] == [
        f"run {record(2).run_id} was counted as done and has no record"
    ]


def test_a_missing_line_is_noticed_by_the_closing_line(store):
    path = write(store, range(3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert "1 of 3 lines are missing" in str(verify_store(store.path))


def test_no_flip_in_a_sealed_store_passes(store):
    write(store, range(50))
    compact_store(store)
    (part,) = store.sealed.glob("*.parquet")
    good = part.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(good), 40):
        spoilt = bytearray(good)
        spoilt[position] ^= 1 << int(rng.integers(8))
        part.write_bytes(spoilt)
        with pytest.raises(StoreError, match="SHA-256"):
            store.read_table()
        assert not verify_store(store.path).is_sound
    part.write_bytes(good)
    manifest = store.manifest.read_bytes()
    for position in rng.integers(0, len(manifest), 40):
        spoilt = bytearray(manifest)
        spoilt[position] ^= 1 << int(rng.integers(7))
        store.manifest.write_bytes(spoilt)
        if json_of(spoilt) != json_of(manifest):
            with pytest.raises(StoreError, match=r"damaged|newer"):
                store.read_table()
    store.manifest.write_bytes(manifest)
    part.unlink()
    with pytest.raises(StoreError, match="missing"):
        store.read_table()


def json_of(content):
    try:
        return json.loads(bytes(content))
    except ValueError:
        return None


def test_records_of_other_versions_read(store):
    with store.writer(sync=False) as writer:
        old = {k: v for k, v in record(1).to_dict().items() if k not in ("test_loss", "extra", "message")}
        new = {**record(2).to_dict(), "future": [1, 2], "schema_version": 9}
        writer._write([{"kind": "record", "at": 1, "record": values} for values in (old, new)])
        writer.count = 2
    for _ in range(2):
        first, second = sorted(store.read_records(), key=lambda r: r.seed)
        assert (first.extra, first.message, first.test_loss) == ({}, "", None)
        assert second.extra["_unknown"] == {"future": [1, 2]}
        assert second.schema_version == 9
        compact_store(store)


def test_a_store_of_a_newer_version_is_refused(store):
    store.manifest.write_text(json.dumps({"store_version": 99}))
    with pytest.raises(StoreError, match="newer than this curvefit knows"):
        store.read_table()


def test_a_full_disk_is_said_and_leaves_the_segment_whole(store, monkeypatch):
    writer = store.writer()
    writer.append(record(0))
    real = os.write

    def half(descriptor, data):
        if len(data) > 100:
            return real(descriptor, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("curvefit.records.writer.os.write", half)
    with pytest.raises(StoreError, match=r"the disk is full; records written before are intact"):
        writer.append(record(1))
    monkeypatch.undo()
    writer.append(record(2))
    writer.close()
    assert [r.seed for r in store.read_records()] == [0, 2]
    assert verify_store(store.path).is_sound


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_really_full_device(store, monkeypatch):
    writer = store.writer()
    os.dup2(os.open("/dev/full", os.O_WRONLY), writer._file)
    monkeypatch.setattr("curvefit.records.writer.os.ftruncate", lambda *_: None)
    with pytest.raises(StoreError, match="the disk is full"):
        writer.append(record(1))
    os.close(writer._file)


def test_folders_that_cannot_be_used_say_so(tmp_path, monkeypatch):
    with pytest.raises(DataFileError, match="does not exist"):
        read_records(tmp_path / "none")
    with pytest.raises(DataFileError, match="not a record store"):
        read_records(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        RecordStore(tmp_path / "file" / "store").create()
    store = RecordStore(tmp_path / "store").create()
    monkeypatch.setattr("curvefit.records.writer.os.open", _refuse)
    with pytest.raises(StoreError, match="read-only"):
        SegmentWriter(store.segments)


def _refuse(*_):
    raise OSError(errno.EROFS, "Read-only file system")


def _write_many(path: str, first: int) -> None:
    with RecordStore(Path(path)).writer() as writer:
        for i in range(first, first + 200):
            writer.append(record(i))


def test_eight_writers_at_once_lose_nothing(store):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(str(store.path), 200 * k)) for k in range(8)]
    for process in writers:
        process.start()
    seen = 0
    while any(process.is_alive() for process in writers):
        seen = max(seen, store.read_table().num_rows)
        compact_store(store)
    for process in writers:
        process.join()
    assert sorted(r.seed for r in store.read_records()) == list(range(1600))
    assert verify_store(store.path).is_sound


def test_index_follows_the_store(store):
    index = RunIndex(store)
    write(store, [1], status="died")
    index.refresh()
    assert index.entries[record(1).run_id].status == "died"
    write(store, [1, 2])
    compact_store(store)
    write(store, [3])
    index.refresh()
    assert {k: v.status for k, v in index.entries.items()} == {record(i).run_id: "ok" for i in (1, 2, 3)}
    assert index.entries == RunIndex(store).entries
    store.withdraw([record(3).run_id], reason="test")
    index.refresh()
    assert record(3).run_id not in index.entries
