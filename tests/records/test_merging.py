"""Merging stores of machines that share no file system."""

from __future__ import annotations

import pytest

from curvefit.cli.commands.merge import merge
from curvefit.errors import DataFileError, StoreError
from curvefit.records import RecordStore
from curvefit.records.compaction import compact_store
from curvefit.records.index import RunIndex
from curvefit.records.manifest import Withdrawal, read_manifest, write_manifest
from curvefit.records.merging import merge_stores
from curvefit.records.repair import repair_store
from curvefit.records.verify import verify_store
from tests.records.made import record, write


@pytest.fixture
def parts(tmp_path):
    made = [RecordStore(tmp_path / name).create() for name in ("a", "b")]
    write(made[0], range(5))
    compact_store(made[0])
    write(made[0], range(5, 7))
    write(made[1], range(4, 9), message="newer")
    made[1].withdraw([record(8).run_id], reason="wrong")
    compact_store(made[1])
    return made


def test_merged_stores_hold_every_run_once(parts, tmp_path, capsys):
    whole = RecordStore(tmp_path / "all")
    merge(whole.path, [store.path for store in parts])
    assert "8 runs" in capsys.readouterr().out
    for _ in range(2):
        found = {r.seed: r.message for r in whole.read_records()}
        assert found == {i: "newer" if i >= 4 else "" for i in range(8)}
        assert verify_store(whole.path).is_sound
        merge_stores(whole, parts)  # again changes nothing
        compact_store(whole)


@pytest.mark.parametrize("later", [0, 1])
def test_a_run_that_two_stores_withdrew_stays_withdrawn(tmp_path, later):
    stores = [RecordStore(tmp_path / name).create() for name in ("a", "b")]
    for store in (stores[1 - later], stores[later]):
        write(store, [0])
        store.withdraw([record(0).run_id], reason="wrong")
        compact_store(store)
    merge_stores(stores[0], stores[1:])
    assert stores[0].read_records() == []
    assert RunIndex(stores[0]).entries == {}
    (withdrawal,) = read_manifest(stores[0].manifest).withdrawn
    assert withdrawal == read_manifest(stores[later].manifest).withdrawn[0]


def test_of_two_withdrawals_in_a_manifest_the_newest_counts(tmp_path):
    store = RecordStore(tmp_path / "a").create()
    write(store, [0])
    store.withdraw([record(0).run_id], reason="wrong")
    compact_store(store)
    manifest = read_manifest(store.manifest)  # as merging wrote it before
    both = (*manifest.withdrawn, Withdrawal(run_id=record(0).run_id, at=1))
    write_manifest(store.manifest, manifest.model_copy(update={"withdrawn": both}))
    assert store.read_records() == []


def test_damaged_or_absent_sources_are_refused(parts, tmp_path):
    with pytest.raises(DataFileError, match="not a record store"):
        merge_stores(RecordStore(tmp_path / "all"), [RecordStore(tmp_path / "none")])
    (part,) = parts[0].sealed.glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(StoreError, match="damaged"):
        merge_stores(RecordStore(tmp_path / "all"), parts)


def test_what_a_source_goes_on_to_write_is_not_lost_although_its_copy_was_sealed(tmp_path):
    source, whole = RecordStore(tmp_path / "a").create(), RecordStore(tmp_path / "all")
    index = None
    with source.writer() as writer:
        for number in range(3):
            writer.append(record(number))
            merge_stores(whole, [source])
            index = index or RunIndex(whole)
            index.refresh()
            assert len(index.entries) == len(whole.read_records()) == number + 1
            assert compact_store(whole, include_open=True) == number + 1, "nobody here holds the copy"
            assert len(whole.read_records()) == number + 1
    merge_stores(whole, [source])
    assert compact_store(whole) == 3
    merge_stores(whole, [source])
    assert not list(whole.segments.iterdir()), "nothing is new"
    assert verify_store(whole.path).is_sound
    assert whole.read_records() == source.read_records()


@pytest.mark.parametrize("part", ["segments", "traces"])
def test_a_source_with_a_damaged_line_is_refused_until_it_is_repaired(tmp_path, part):
    source, whole = RecordStore(tmp_path / "a").create(), RecordStore(tmp_path / "all")
    with source.writer(traces=True) as writer:
        writer.extend(record(i, extra={"trace": {"step": [i]}}) for i in range(3))
    (file,) = (source.path / part).glob("*.jsonl")
    file.write_bytes(file.read_bytes().replace(record(1).run_id.encode(), b"f" * 20))
    with pytest.raises(
        StoreError, match=rf"nothing of it is copied(.|\n)*{part}/{file.name}:3: the checksum"
    ):
        merge_stores(whole, [source])
    assert not list(whole.segments.iterdir())
    repair_store(source)
    merge_stores(whole, [source])
    assert len(whole.read_records()) == 2 + (part == "traces")
