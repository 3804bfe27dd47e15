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
