"""Fifty kills at random moments: nothing counted is lost, nothing is there twice, the table is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.segment import read_segment
from curvefit.records.verify import verify_store
from runners.engine.driver import read_log
from runners.engine.plan import make_plan
from tests.engine.studies import EXECUTOR, run_here, start_driver, tiny_study, tiny_toml
from tests.engine.test_engine import children_of, is_running, wait_for
from tests.results_pages import keep

KILLS = 50
SHAPE = {"replicates": 50, "data": 20, "sleep": 0.1, "cost": 2e8}
COLUMNS = ["run_id", "data", "n_train", "seed", "status", "n_errors", "n_test", "value"]


def acknowledged(folder: Path) -> Counter[str]:
    """How often each run was counted as done by any driver."""
    return Counter(line["run_id"] for line in read_log(folder) if line["event"] == "recorded")


def written(folder: Path) -> Counter[str]:
    """How many good records each run has, whether or not they count."""
    store = RecordStore(folder)
    assert not list(store.sealed.iterdir()), "a driver finished: the study is too small"
    segments = [read_segment(path) for path in store.segments.glob("*.jsonl")]
    records = [record for segment in segments for _, record in segment.records]
    return Counter(record["run_id"] for record in records if record["status"] == "ok")


class Chaos:
    """Two drivers of two workers each on one store, and somebody who kills them."""

    def __init__(self, study: Path, folder: Path, rng: random.Random) -> None:
        self.study, self.folder, self.rng = study, folder, rng
        self.drivers: list[subprocess.Popen | None] = [None, None]
        self.kills = {"driver": 0, "worker": 0, "driver and worker": 0}

    def kill_somebody(self) -> None:
        for slot, driver in enumerate(self.drivers):
            if driver is None:
                self.drivers[slot] = start_driver(self.study, self.folder, "--workers", "2")
        slot, what = self.rng.randrange(2), self.rng.choice(list(self.kills))
        driver = self.drivers[slot]
        if "worker" in what:
            wait_for(lambda: children_of(driver.pid), 60)
        time.sleep(self.rng.uniform(0.0, 2.0))
        workers = sorted(children_of(driver.pid))
        assert driver.poll() is None, driver.communicate()
        if "worker" in what and workers:
            os.kill(self.rng.choice(workers), signal.SIGKILL)
        if "driver" in what:
            driver.kill()
            driver.communicate()
            self.drivers[slot] = None
            wait_for(lambda: not any(map(is_running, workers)), 60)  # none outlives its driver
        self.kills[what] += 1

    def end(self) -> None:
        for driver in filter(None, self.drivers):
            driver.kill()
            driver.communicate()


def carry_out(tmp_path: Path, *, seed: int) -> str:
    """Kill, resume, compare; return a sentence about it."""
    study, folder = tiny_toml(tmp_path / "s.toml", **SHAPE), tmp_path / "out"
    chaos = Chaos(study, folder, random.Random(seed))
    try:
        while sum(chaos.kills.values()) < KILLS:
            chaos.kill_somebody()
            if RecordStore(folder).exists():
                counted = set(acknowledged(folder))
                assert counted <= set(written(folder)), "a counted record is gone"
    finally:
        chaos.end()
    assert min(chaos.kills.values()) >= 5
    survived = len(written(folder))
    assert set(written(folder).values()) == {1}, "a run was done twice"
    assert set(acknowledged(folder).values()) == {1}, "a run was counted twice"
    plan = make_plan(tiny_study(**SHAPE), executor=EXECUTOR)
    done = run_here(plan, folder, workers=8, retry="died")
    assert (done.done, done.failed) == (done.total, 0)
    assert set(written(folder).values()) == {1}
    assert verify_store(folder, acknowledged=acknowledged(folder)).is_sound
    run_here(plan, tmp_path / "undisturbed", workers=8)
    tables = [RecordStore(path).read_table().select(COLUMNS) for path in (folder, tmp_path / "undisturbed")]
    assert tables[0].equals(tables[1])
    kinds = ", ".join(f"{count} of a {kind}" for kind, count in chaos.kills.items())
    return (
        f"{KILLS} kills ({kinds}) while two drivers with two workers each shared {done.total} runs: "
        f"{survived} runs were done by then, none twice; every run that a driver had counted was there; no worker "
        f"outlived its driver; after resuming, the table of all {done.total} runs equals that of an undisturbed run."
    )


@pytest.mark.slow
def test_fifty_kills_lose_and_repeat_nothing(tmp_path):
    sentence = carry_out(tmp_path, seed=0)
    if os.environ.get("WRITE_RESULTS"):
        keep(
            "kills",
            "# Kills\n\nMade by `WRITE_RESULTS=1 python -m pytest tests/engine/test_kills.py` "
            f"(`kill -9` at random moments; {sys.platform}).\n\n{sentence}",
        )
