"""Damage: named, survived, and never passed off as data."""

from __future__ import annotations

import os

import numpy as np
import pytest

from curvefit.errors import InvalidInputError, StoreError
from curvefit.records import read_traces
from curvefit.records.compaction import compact_store
from curvefit.records.index import RunIndex
from curvefit.records.lines import encode_line
from curvefit.records.repair import repair_store, rows_that_check
from curvefit.records.verify import verify_store
from tests.records.made import record, write


def flip(path, position: int, bit: int = 2) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def test_a_damaged_part_is_set_aside_and_its_sound_rows_stay(store):
    write(store, range(9000))
    compact_store(store)
    write(store, range(9000, 9010))
    compact_store(store)
    before = {r.run_id: r for r in store.read_records()}
    part = max(store.sealed.glob("*.parquet"), key=os.path.getsize)
    flip(part, part.stat().st_size // 8)
    with pytest.raises(StoreError, match="verify DIR --repair"):
        store.read_table()
    found = verify_store(store.path)
    assert "of 9000 records pass their checksums" in str(found)
    (sentence,) = repair_store(store)
    assert sentence.startswith(f"sealed/{part.name}: ")
    after = store.read_records()
    assert 4096 <= len(after) < 9010, "row groups fail one by one"
    assert all(before[r.run_id] == r for r in after)
    assert (store.path / "damaged" / part.name).is_file()
    assert verify_store(store.path).is_sound
    assert repair_store(store) == []


def test_no_row_that_a_flip_has_changed_is_ever_kept(store):
    write(store, range(300))
    compact_store(store)
    (part,) = store.sealed.glob("*.parquet")
    good, rng = part.read_bytes(), np.random.default_rng(1)
    rows = {row["run_id"]: row for row in store.read_table().to_pylist()}
    kept = 0
    for position in rng.integers(0, len(good), 150):
        part.write_bytes(good)
        flip(part, int(position), int(rng.integers(8)))
        table = rows_that_check(part)
        kept += table.num_rows > 0
        assert all(rows.get(row["run_id"]) == row for row in table.to_pylist()), position
    assert kept < 150


def test_a_damaged_manifest_is_made_anew_from_the_parts(store):
    write(store, range(5))
    compact_store(store)
    write(store, range(5, 8))
    compact_store(store)
    whole = store.read_table()
    store.manifest.write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        store.read_table()
    assert "made anew from 2 sealed parts" in repair_store(store)[0]
    assert store.read_table().equals(whole)
    store.manifest.write_text('{"store_version": 99}')
    with pytest.raises(StoreError, match="newer"):
        repair_store(store)


def test_a_missing_part_is_taken_off_the_list(store):
    write(store, range(5))
    compact_store(store)
    (part,) = store.sealed.glob("*.parquet")
    part.unlink()
    assert "missing with 5 records" in repair_store(store)[0]
    assert store.read_table().num_rows == 0


def test_a_lost_first_line_is_named_and_the_segment_not_sealed(store):
    path = write(store, range(3))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert "the first line, with the writer's provenance, is missing" in str(verify_store(store.path))
    assert compact_store(store, include_open=True) == 0
    assert len(store.read_records()) == 3


def test_what_still_reads_of_a_damaged_line_is_said(store):
    path = write(store, range(2))
    content = path.read_bytes()
    flip(path, content.index(b'"n_errors":0') + len(b'"n_errors":'), 0)
    assert f"run {record(0).run_id} still reads, but is not to be trusted" in str(verify_store(store.path))
    path.write_bytes(content.replace(b'"n_errors":1', b'"n_errors":'))
    assert "nothing of it reads" in str(verify_store(store.path))


def test_garbage_in_a_segment_hides_nothing_else(store):
    path = write(store, range(20))
    lines = path.read_bytes().splitlines(keepends=True)
    rng = np.random.default_rng(0)
    noise = [rng.bytes(int(n)).replace(b"\n", b"") + b"\n" for n in rng.integers(1, 3000, 5)]
    path.write_bytes(b"".join([*lines[:5], *noise, b"\n", b"null\n", b"{}\n", *lines[5:]]))
    assert len(store.read_records()) == 20
    assert {p.line for p in verify_store(store.path).problems} == set(range(6, 14))


def test_lines_of_a_newer_version_are_kept_and_not_sealed_away(store):
    with store.writer(sync=False) as writer:
        writer.append(record(1))
        writer._write([{"kind": "novelty", "at": 5, "what": "unknown"}])
        writer.count += 1
    found = verify_store(store.path)
    assert found.is_sound
    assert "1 lines are of a newer version" in str(found)
    assert compact_store(store, include_open=True) == 0
    assert len(store.read_records()) == 1


def test_an_index_reads_records_of_an_older_version(store):
    with store.writer(sync=False) as writer:
        values = {k: v for k, v in record(1).to_dict().items() if k not in ("message", "seconds", "status")}
        writer._write([{"kind": "record", "at": 7, "record": values}])
        writer.count = 1
    assert RunIndex(store).entries[record(1).run_id].status == "ok"
    compact_store(store)
    assert RunIndex(store).entries[record(1).run_id].status == "ok"


def test_half_characters_in_a_message_do_not_make_the_store_unreadable(store):
    message = os.fsdecode(b"caf\xe9.npz is missing \xf0\x9f\x98\x80")
    write(store, [1], message=message, extra={"file": message})
    (found,) = store.read_records()
    assert found.message == found.extra["file"] == "caf?.npz is missing \U0001f600"
    compact_store(store)
    assert store.read_records() == [found]
    assert encode_line({"a": "\udce9"}).isascii()


@pytest.mark.parametrize(
    ("field", "value"),
    [("n_errors", 3.5), ("n_train", "32"), ("value", "0.1"), ("data", None), ("seed", None)],
)
def test_a_record_of_the_wrong_kind_is_refused_before_it_is_written(field, value):
    with pytest.raises(InvalidInputError, match=f"{field} must be"):
        record(1, **{field: value}) if field not in ("n_train", "data", "seed") else _named(field, value)


def _named(field, value):
    values = record(1).to_dict()
    return type(record(1))(**{**values, field: value})


def test_a_disk_that_cannot_even_be_cut_back_ends_the_segment(store, monkeypatch):
    writer = store.writer()
    writer.append(record(0))
    real = os.write
    monkeypatch.setattr("curvefit.records.writer.os.write", lambda fd, data: real(fd, data[:50]) and _fail())
    monkeypatch.setattr("curvefit.records.writer.os.ftruncate", lambda *_: _fail())
    with pytest.raises(StoreError):
        writer.append(record(1))
    monkeypatch.undo()
    with pytest.raises(StoreError, match="closed"):
        writer.append(record(2))
    writer.close()
    assert [r.seed for r in store.read_records()] == [0]
    assert verify_store(store.path).is_sound, "like a killed writer"


def _fail():
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("lose", [1, 2, 3, 5])
def test_a_damaged_segment_is_set_aside_and_its_sound_lines_stay(store, lose):
    with store.writer(traces=True, provenance={"code": "abc"}) as writer:
        writer.extend(record(i, extra={"trace": {"step": [i]}}) for i in range(3))
    (path,), (sidecar,) = store.segments.glob("*.jsonl"), store.traces.glob("*.jsonl")
    for file in (path, sidecar):
        lines = file.read_bytes().splitlines(keepends=True)
        lines[lose - 1] = lines[lose - 1].replace(b'"kind"', b'"kiNd"')
        file.write_bytes(b"".join(lines))
    before = store.read_records()
    assert len(before) == 3 - (lose in (2, 3))
    assert not verify_store(store.path).is_sound
    assert [sentence.partition(":")[0] for sentence in repair_store(store)] == [
        f"segments/{path.name}",
        f"traces/{sidecar.name}",
    ]
    assert verify_store(store.path).is_sound
    assert store.read_records() == before
    assert {file.name for file in (store.path / "damaged").iterdir()} == {path.name, sidecar.name}
    assert read_traces(store.path).num_rows == len(before)
    assert repair_store(store) == []
    assert compact_store(store) == len(before)


def test_a_damaged_segment_whose_writer_is_at_work_is_left_alone(store):
    writer = store.writer()
    writer.append(record(0))
    writer.append(record(1))
    flip(writer.path, writer.path.read_bytes().index(b'"seed":0'))
    assert repair_store(store) == []
    writer.close()
    assert len(repair_store(store)) == 1
    assert [r.seed for r in store.read_records()] == [1]
