"""A study as a Slurm array: tasks share it, one may be killed, handing it in again completes it."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.verify import verify_store
from runners.engine.driver import read_log
from runners.engine.plan import keep_plan, make_plan
from runners.engine.slurm import submit_array, write_array
from tests.cluster.one_node_slurm import missing_programs, running_slurm
from tests.engine.studies import EXECUTOR, ROOT, start_driver, tiny_study, tiny_toml
from tests.engine.test_engine import wait_for

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if missing_programs():
        pytest.skip("Slurm is not installed (Debian: apt-get install slurm-wlm munge)")
    if os.getuid() != 0:
        pytest.skip("a Slurm of one's own is started as root")
    with (
        running_slurm(tmp_path_factory.mktemp("slurm")) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("PATH", "SLURM_CONF"):
            patch.setenv(name, environment[name])
        patch.chdir(ROOT)
        yield


def wait_for_queue(seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout.strip():
            return
        time.sleep(0.5)
    raise AssertionError("the array does not end")


def n_records(folder: Path) -> int:
    return RecordStore(folder).read_table().num_rows


def test_array_shares_the_study_survives_a_killed_task_and_resumes(slurm, tmp_path):
    study = tiny_toml(tmp_path / "tiny.toml", replicates=4, data=12, sleep=0.3, cost=1e9)
    folder = tmp_path / "out"
    RecordStore(folder).create()
    plan = make_plan(tiny_study(replicates=4, data=12, sleep=0.3, cost=1e9), executor=EXECUTOR)
    kept = keep_plan(plan, study, folder)
    script = write_array("tiny", kept, folder, tasks=2, arguments=["--executor", EXECUTOR])
    job = submit_array(script)
    end = time.monotonic() + 60
    while n_records(folder) < 8 and time.monotonic() < end:
        time.sleep(0.2)
    assert 8 <= n_records(folder) < 144
    subprocess.run(["scancel", "--signal=KILL", "--full", f"{job}_0"], check=True)
    local = start_driver(study, folder, "--workers", "1")  # the same study, the same store, without Slurm
    out, err = local.communicate(timeout=180)
    assert local.returncode == 0, err
    assert "144 of 144" in out
    wait_for_queue()
    submit_array(script)  # again: there is nothing left to do
    wait_for_queue()
    assert n_records(folder) == len(plan.run_ids) == 144
    assert verify_store(folder).is_sound
    recorded = [line for line in read_log(folder) if line["event"] == "recorded"]
    assert len({line["driver"] for line in recorded}) >= 3, "both tasks and the local driver did something"
    repeated = sum(n - 1 for n in Counter(line["run_id"] for line in recorded).values())
    assert repeated == 0


def test_a_task_that_is_requeued_drains_and_comes_back(slurm, tmp_path):
    study = tiny_toml(tmp_path / "tiny.toml", replicates=4, data=3, sleep=0.4, cost=1e9)
    folder = tmp_path / "out"
    RecordStore(folder).create()
    plan = make_plan(tiny_study(replicates=4, data=3, sleep=0.4, cost=1e9), executor=EXECUTOR)
    script = write_array(
        "tiny", keep_plan(plan, study, folder), folder, tasks=1, arguments=["--executor", EXECUTOR]
    )
    job = submit_array(script)
    wait_for(lambda: n_records(folder) >= 3, 60)
    subprocess.run(["scontrol", "requeue", f"{job}_0"], check=True)
    wait_for(lambda: not list((folder / "drivers").glob("*.json")), 30)  # it signed off: drained, not killed
    assert n_records(folder) < 36
    subprocess.run(["scontrol", "update", f"jobid={job}_0", "StartTime=now"], check=False)
    wait_for_queue(240)
    assert n_records(folder) == 36
    assert verify_store(folder).is_sound
