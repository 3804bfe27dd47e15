"""What the engine and the store cost: overhead of a tiny run, efficiency of two workers, store rates.

Run: ``python -m tests.benchmarks.engine [--write]``
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from curvefit.records import RecordStore, RunRecord
from curvefit.records.compaction import compact_store
from runners.engine.plan import make_plan
from tests.engine.studies import EXECUTOR, run_here, tiny_plan, tiny_study
from tests.results_pages import keep

PROVENANCE = {"code": "abc", "device": "cpu", "versions": {"torch": "2.13.0", "numpy": "2.4.6"}}


def record(i: int) -> RunRecord:
    member = {"name": "fashion-mnist", "settings": {"fold": 4, "shift": True}, "version": 1}
    return RunRecord(
        f"{i:020x}",
        "bench",
        f"d{i % 8}",
        "gap",
        "sgd",
        32,
        i,
        n_errors=i % 2000,
        n_test=2000,
        value=i % 2000 / 2000,
        seconds=0.5,
        spec={"data": member, "model": member, "inference": member, "study_seed": 0},
        data_facts={"source": "Fashion-MNIST", "shape": [7, 7, 16], "n_classes": 10, "chance_error": 0.9},
        extra={"learning_rate": 0.1, "steps": 400},
        provenance={**PROVENANCE, "time": "2026-01-01T00:00:00+00:00"},
    )


def write_store(path: str, first: int, count: int) -> None:
    with RecordStore(Path(path)).writer(provenance=PROVENANCE) as writer:
        for i in range(first, first + count):
            writer.append(record(i))


def write_sqlite(path: str, first: int, count: int) -> None:
    connection = sqlite3.connect(path, timeout=120)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    for i in range(first, first + count):
        text = json.dumps(record(i).to_dict())
        connection.execute("insert into records values (?, ?)", (f"{i:020x}", text))
        connection.commit()
    connection.close()


def rate(write, path: str, *, writers: int, count: int) -> float:
    """Return records a second of `writers` processes, each forcing every record to the disk."""
    context = get_context("fork")
    processes = [context.Process(target=write, args=(path, k * count, count)) for k in range(writers)]
    began = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return writers * count / (time.perf_counter() - began)


def engine_seconds(*, replicates: int, sleep: float, workers: int, cost: float | None = None) -> float:
    cost = cost or (1e9 if sleep else 1.0)
    plan = tiny_plan(replicates=replicates, sizes=(32,), sleep=sleep, cost=cost)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        progress = run_here(plan, Path(folder), workers=workers)
        assert progress.here == replicates
        return time.perf_counter() - began


def pool_seconds(*, count: int, sleep: float, workers: int) -> float:
    """Return the time of the standard library's process pool, which stores nothing, for the same sleeps."""
    began = time.perf_counter()
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(time.sleep, [sleep] * count))
    return time.perf_counter() - began


def main() -> None:
    """Measure, print a Markdown table, and keep it with ``--write``."""
    rows: list[tuple[str, str, str]] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        one = rate(write_store, _store(folder, "a"), writers=1, count=1000)
        eight = rate(write_store, _store(folder, "b"), writers=8, count=300)
        database = str(Path(folder) / "x.sqlite")
        with sqlite3.connect(database) as connection:
            connection.execute("create table records (run_id text primary key, body text)")
        connection.close()
        lite = rate(write_sqlite, database, writers=8, count=60)
        rows.append(("records/s, 1 writer, each forced to disk", f"{one:,.0f}", ""))
        rows.append(
            (
                "records/s, 8 writers at once, each forced to disk",
                f"{eight:,.0f}",
                f"SQLite (WAL): {lite:,.0f}",
            )
        )
        rows += _load_rows(Path(folder))
    base = engine_seconds(replicates=1, sleep=0.0, workers=1)
    overhead = (engine_seconds(replicates=1001, sleep=0.0, workers=1) - base) / 1000
    rows.append(("start of a driver and one worker, without torch", f"{base:.2f} s", ""))
    rows.append(("overhead of a run that takes no time", f"{1000 * overhead:.2f} ms", ""))
    alone = (engine_seconds(replicates=401, sleep=0.0, workers=1, cost=2e9) - base) / 400
    rows.append(("overhead of a chunk of one such run", f"{1000 * alone:.2f} ms", ""))
    for sleep, count in ((0.05, 200), (0.5, 24)):
        ideal = sleep * count / 2
        ours = [engine_seconds(replicates=n, sleep=sleep, workers=2) for n in (count, 2 * count)]
        pool = [pool_seconds(count=n, sleep=sleep, workers=2) for n in (count, 2 * count)]
        rows += [
            (
                f"2 workers, {count} runs of {sleep} s: efficiency, start included",
                f"{ideal / ours[0]:.0%}",
                f"process pool: {ideal / pool[0]:.0%}",
            ),
            (
                f"2 workers, {count} further runs of {sleep} s: efficiency",
                f"{ideal / (ours[1] - ours[0]):.0%}",
                f"process pool: {ideal / (pool[1] - pool[0]):.0%}",
            ),
        ]
    study = tiny_study(replicates=100, sizes=range(32, 82), data=20)
    began = time.process_time()
    plan = make_plan(study, executor=EXECUTOR)
    rows.append((f"plan of {len(plan.run_ids):,} runs", f"{time.process_time() - began:.1f} s CPU", ""))
    lines = [
        "# Engine and store",
        "",
        (
            f"Made by `python -m tests.benchmarks.engine --write` on {os.cpu_count()} cores ({platform.machine()}), "
            f"Python {platform.python_version()}; other work on the machine was not excluded (load {load:.0f} at the start)."
        ),
        "",
        "| what | measured | for comparison |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    print("\n".join(lines))
    if "--write" in sys.argv:
        keep("engine", "\n".join(lines))


def _store(folder: str, name: str) -> str:
    return str(RecordStore(Path(folder) / name).create().path)


def _load_rows(folder: Path) -> list[tuple[str, str, str]]:
    store = RecordStore(folder / "many").create()
    with store.writer(provenance=PROVENANCE, sync=False) as writer:
        writer.extend(record(i) for i in range(100_000))
    times = []
    for load in (store.read_table, lambda: compact_store(store), store.read_table, store.read_records):
        began = time.process_time()
        load()
        times.append(time.process_time() - began)
    open_table, sealing, table, records = (f"{seconds:.1f} s CPU" for seconds in times)
    return [
        ("100,000 records to a table, from open segments", open_table, ""),
        ("100,000 records sealed as Parquet", sealing, ""),
        ("100,000 records to a table, sealed (SHA-256 checked)", table, ""),
        ("100,000 records to RunRecord objects, sealed", records, ""),
    ]


if __name__ == "__main__":
    main()
