"""Plans: labels of the study that asked last, in one store and after merging."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curvefit.records import RecordStore
from curvefit.records.merging import merge_stores
from curvefit.records.plans import write_plan
from tests.records.made import record, write


def plan(store: RecordStore, label: str, runs: range, *, study: str = "s") -> None:
    rows = {
        "run_id": [record(i).run_id for i in runs],
        **dict.fromkeys(("data", "inference"), ["x"] * len(runs)),
    }
    table = pa.table({**rows, "model": [label] * len(runs), "cost": [1.0] * len(runs)})
    write_plan(store.plans, study, table, f"label = {label!r}".encode())


def labels(store: RecordStore) -> dict[int, tuple[str, str]]:
    return {r.seed: (r.study, r.model) for r in store.read_records()}


def test_study_and_labels_are_those_of_the_study_that_asked_last(store):
    write(store, range(3))
    assert labels(store) == dict.fromkeys(range(3), ("s", "m"))
    plan(store, "fcn", range(2), study="first")
    plan(store, "dense net", range(3), study="second")
    assert labels(store) == dict.fromkeys(range(3), ("second", "dense net"))
    plan(store, "fcn", range(2), study="first")
    assert labels(store) == {0: ("first", "fcn"), 1: ("first", "fcn"), 2: ("second", "dense net")}


def test_a_plan_is_later_than_those_that_are_there_whatever_the_clock_says(store, monkeypatch):
    write(store, [0])
    for study in ("b", "a", "c"):
        plan(store, study, range(1), study=study)
        monkeypatch.setattr("curvefit.records.plans.time.time_ns", lambda: 5)
        assert labels(store) == {0: (study, study)}


@pytest.mark.parametrize("newer", ["source", "target"])
def test_of_two_plans_the_newer_counts_with_the_runs_that_only_the_older_has(tmp_path, newer):
    source, target = (RecordStore(tmp_path / name).create() for name in ("source", "target"))
    older, last = (source, target) if newer == "target" else (target, source)
    write(source, range(4))
    plan(older, "an old and rather long label", range(1, 4))
    plan(last, "net", range(2))
    for _ in range(2):
        merge_stores(target, [source])
        assert {seed: label for seed, (_, label) in labels(target).items()} == {
            **dict.fromkeys((0, 1), "net"),
            **dict.fromkeys((2, 3), "an old and rather long label"),
        }
        assert (target.plans / "s.toml").read_text() == "label = 'net'"
        assert pq.read_table(target.plans / "s.parquet").num_rows == 4


def test_a_plan_that_only_a_source_has_comes_whole_and_one_without_a_date_is_the_oldest(tmp_path):
    source, target = (RecordStore(tmp_path / name).create() for name in ("source", "target"))
    write(source, range(2))
    plan(source, "net", range(2))
    file = source.plans / "s.parquet"
    pq.write_table(pq.read_table(file).replace_schema_metadata(), file)
    merge_stores(target, [source])
    assert labels(target) == labels(source) == dict.fromkeys(range(2), ("s", "net"))
    plan(target, "own", range(2))
    merge_stores(target, [source])
    assert labels(target) == dict.fromkeys(range(2), ("s", "own"))
    assert (target.plans / "s.toml").read_text() == "label = 'own'"
