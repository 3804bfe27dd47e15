"""Fifty kills at random moments: nothing counted is lost, nothing is there twice, the table is the same."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.verify import verify_store
from runners.engine.driver import read_log
from runners.engine.plan import make_plan
from tests.engine.studies import EXECUTOR, run_here, start_driver, tiny_study, tiny_toml
from tests.engine.test_engine import children_of, is_running, wait_for

KILLS = 50


def acknowledged(folder: Path) -> Counter[str]:
    return Counter(line["run_id"] for line in read_log(folder) if line["event"] == "recorded")


@pytest.mark.slow
def test_fifty_kills_lose_and_repeat_nothing(tmp_path):
    rng = random.Random(0)
    shape = {"replicates": 25, "data": 20, "sleep": 0.02, "cost": 2e8}
    study, folder = tiny_toml(tmp_path / "s.toml", **shape), tmp_path / "out"
    driver, kills = None, {"driver": 0, "worker": 0}
    while sum(kills.values()) < KILLS:
        if driver is None or driver.poll() is not None:
            assert driver is None or driver.returncode in (-signal.SIGKILL, 0, 4)
            if driver is not None:
                driver.communicate()
            retry = "all" if driver is not None and driver.returncode == 0 else "none"
            driver = start_driver(study, folder, "--workers", "2", "--retry", retry)
            time.sleep(1.0)
        time.sleep(rng.uniform(0.0, 1.5))
        workers = sorted(children_of(driver.pid))
        if rng.random() < 0.5:
            driver.kill()
            driver.communicate()
            kills["driver"] += 1
            wait_for(lambda pids=workers: not any(map(is_running, pids)), 10)  # none outlives its driver
        elif workers:
            os.kill(rng.choice(workers), signal.SIGKILL)
            kills["worker"] += 1
        if RecordStore(folder).exists():
            counted = set(acknowledged(folder))
            present = set(RecordStore(folder).read_table()["run_id"].to_pylist())
            assert counted <= present, "a counted record is gone"
    assert min(kills.values()) >= 10
    driver.kill()
    driver.communicate()
    plan = make_plan(tiny_study(**shape), executor=EXECUTOR)
    done = run_here(plan, folder, workers=2, retry="died")
    assert (done.done, done.failed) == (1500, 0)
    assert verify_store(folder).is_sound
    run_here(plan, tmp_path / "undisturbed", workers=2)
    columns = ["run_id", "data", "n_train", "seed", "status", "n_errors", "n_test", "value"]
    tables = [RecordStore(path).read_table().select(columns) for path in (folder, tmp_path / "undisturbed")]
    assert tables[0].equals(tables[1])
