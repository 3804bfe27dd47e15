"""A study as a Slurm array: tasks share it, one may be killed, handing it in again completes it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.verify import verify_store
from runners.engine.driver import read_log
from runners.engine.life import living_drivers
from runners.engine.plan import keep_plan
from runners.engine.slurm import submit_array, write_array
from tests.cluster.one_node_slurm import missing_programs, running_slurm
from tests.engine.studies import EXECUTOR, ROOT, read_plan, start_driver, tiny_toml
from tests.engine.test_engine import wait_for

pytestmark = pytest.mark.cluster
PATIENCE = 300.0
"""Seconds for what a busy machine does late; every test waits for conditions, and runs wait at a gate for them."""


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


def the_queue_is_empty() -> bool:
    return not subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout.strip()


def state_of(job: str) -> str:
    found = subprocess.run(["squeue", "-h", "-j", job, "-o", "%T"], capture_output=True, text=True)
    return found.stdout.strip()


def n_records(folder: Path) -> int:
    return RecordStore(folder).read_table().num_rows


def recorded(folder: Path) -> list[dict]:
    return [line for line in read_log(folder) if line["event"] == "recorded"]


def n_at_work(folder: Path) -> int:
    """How many drivers have begun a chunk."""
    return len({line["driver"] for line in read_log(folder)})


def hand_in(study: Path, folder: Path, *, tasks: int) -> tuple[Path, str]:
    RecordStore(folder).create()
    kept = keep_plan(read_plan(study), study, folder)
    script = write_array("tiny", kept, folder, tasks=tasks, arguments=["--executor", EXECUTOR])
    return script, submit_array(script)


def test_array_shares_the_study_survives_a_killed_task_and_resumes(slurm, tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "out"
    study = tiny_toml(tmp_path / "tiny.toml", replicates=2, data=6, gate=gate)
    script, _ = hand_in(study, folder, tasks=2)
    wait_for(
        lambda: len(recorded(folder)) == 4, PATIENCE
    )  # each task waits at the gate, in a chunk of its own
    assert n_at_work(folder) == 2
    victim = living_drivers(folder)[0]["pid"]  # a cancelled task would drain
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{victim}").exists(), PATIENCE)
    with start_driver(study, folder, "--workers", "1") as local:  # the same store, without Slurm
        wait_for(lambda: n_at_work(folder) == 3, PATIENCE)  # on what the killed task had left
        assert n_records(folder) < 36
        gate.touch()
        out, err = local.communicate(timeout=PATIENCE)
    assert local.returncode == 0, err
    assert "36 of 36" in out
    wait_for(the_queue_is_empty, PATIENCE)
    submit_array(script)  # again: there is nothing left to do
    wait_for(the_queue_is_empty, PATIENCE)
    assert n_records(folder) == 36
    assert verify_store(folder).is_sound
    assert len({line["run_id"] for line in recorded(folder)}) == len(recorded(folder)), "none was done twice"


def test_a_task_that_is_requeued_drains_and_comes_back(slurm, tmp_path):
    gate, folder = tmp_path / "gate", tmp_path / "out"
    study = tiny_toml(tmp_path / "tiny.toml", replicates=2, data=3, gate=gate)
    _, job = hand_in(study, folder, tasks=1)
    wait_for(lambda: n_records(folder) == 2, PATIENCE)  # the third run of the first chunk waits at the gate
    subprocess.run(["scontrol", "requeue", f"{job}_0"], check=True)
    wait_for(lambda: "finishing the runs at work" in output_of(folder), PATIENCE)
    gate.touch()
    wait_for(lambda: state_of(f"{job}_0") == "PENDING", PATIENCE)
    assert not list((folder / "drivers").glob("*.json")), "it signed off: drained, not killed"
    assert n_records(folder) == 3
    subprocess.run(["scontrol", "update", f"jobid={job}_0", "StartTime=now"], check=True)
    wait_for(the_queue_is_empty, PATIENCE)
    assert n_records(folder) == 18
    assert n_at_work(folder) == 2
    assert verify_store(folder).is_sound


def output_of(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "slurm").glob("*.txt"))
