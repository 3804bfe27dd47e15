"""Engines: everything is done once, failures are kept apart, nothing outlives its driver."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curvefit.errors import CurvefitError, InvalidInputError, UnknownNameError
from curvefit.records import RecordStore
from curvefit.records.verify import verify_store
from runners.engine.abstract import Stop
from runners.engine.chunk import Chunk, plan_chunks
from runners.engine.driver import Driver, read_log
from runners.engine.embedded import EmbeddedEngine
from runners.engine.plan import make_plan
from runners.engine.retry import after_death
from runners.engine.select import choose_engine
from runners.engine.where import parse_conditions
from runners.engine.worker import WorkerTask
from tests.engine.studies import EXECUTOR, ROOT, run_here, start_driver, tiny_plan, tiny_study, tiny_toml


def statuses(folder: Path) -> dict[tuple[int, int], str]:
    return {(r.n_train, r.seed): r.status for r in RecordStore(folder).read_records()}


def children_of(pid: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds: float = 30.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def test_everything_is_done_once_and_a_second_run_does_nothing(tmp_path):
    plan = tiny_plan(replicates=4)
    assert run_here(plan, tmp_path, workers=2).here == 12
    again = run_here(plan, tmp_path)
    assert (again.here, again.done, again.total) == (0, 12, 12)
    assert set(statuses(tmp_path).values()) == {"ok"}
    assert verify_store(tmp_path).is_sound
    assert sum(line["event"] == "recorded" for line in read_log(tmp_path)) == 12


@pytest.mark.parametrize(
    ("how", "status"),
    [("raise", "exception"), ("exit", "exception"), ("memory", "out-of-memory"), ("die", "died")],
)
def test_a_bad_run_is_isolated_and_its_kind_kept(tmp_path, how, status):
    progress = run_here(tiny_plan(replicates=1, sizes=(32, 64, 128), bad=how, bad_size=64), tmp_path)
    assert statuses(tmp_path) == {(32, 0): "ok", (64, 0): status, (128, 0): "ok"}
    assert (progress.here, progress.failed) == (3, 1)


def test_a_run_that_hangs_is_a_timeout_and_the_others_are_done(tmp_path):
    run_here(tiny_plan(replicates=1, sizes=(32, 64), bad="hang", bad_size=64), tmp_path, timeout=1.0)
    assert statuses(tmp_path) == {(32, 0): "ok", (64, 0): "timeout"}


def test_a_run_that_grows_is_stopped_at_the_memory_limit(tmp_path):
    run_here(tiny_plan(replicates=1, sizes=(32, 64), bad="grow", bad_size=64), tmp_path, memory=6e8)
    assert statuses(tmp_path) == {(32, 0): "ok", (64, 0): "out-of-memory"}


def test_retry_does_again_what_it_says(tmp_path):
    plan = tiny_plan(replicates=1, sizes=(32, 64), bad="raise", bad_size=64)
    run_here(plan, tmp_path)
    assert run_here(plan, tmp_path, retry="died").here == 0
    assert run_here(plan, tmp_path, retry="failed").here == 1
    assert run_here(plan, tmp_path, retry="all").here == 2
    with pytest.raises(UnknownNameError, match="Did you mean 'failed'"):
        run_here(plan, tmp_path, retry="fail")


def test_every_worker_has_its_own_device_and_the_threads_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,4")
    made = choose_engine("embedded", tmp_path, executor="tests.engine.fake_runs", device="cuda")
    assert (made.workers, made.visible_devices) == (2, ("1", "4"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,7")
    assert choose_engine("embedded", tmp_path, executor="x", device="cuda:0,2").visible_devices == ("2", "7")
    for device, reason in (
        ("cuda:3", "may use 3 GPUs"),
        ("cuda:banana", "is not cpu"),
        ("cpu:7", "is not cpu"),
    ):
        with pytest.raises(InvalidInputError, match=reason):
            choose_engine("embedded", tmp_path, executor="x", device=device)
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        with pytest.raises(InvalidInputError, match="no GPU was found"):
            choose_engine("embedded", tmp_path, executor="x", device="cuda")
    plan = tiny_plan(replicates=8, sleep=0.1)
    run_here(plan, tmp_path, workers=2, visible_devices=("1", "4"), threads=3)
    found = {(r.extra["slot"], r.extra["threads"]) for r in RecordStore(tmp_path).read_records()}
    assert found == {("1", "3"), ("4", "3")}


@pytest.mark.parametrize("option", [{"threads": 2}, {"device": "cuda:0"}, {"timeout": 3.0}, {"memory": 1e9}])
def test_what_ray_does_not_do_is_refused(tmp_path, option):
    with pytest.raises(InvalidInputError, match="engine ray has no"):
        choose_engine("ray", tmp_path, executor="x", **option)


def test_limits_and_conditions_narrow_a_plan_without_new_chunks():
    plan = tiny_plan(replicates=3)
    small = plan.narrowed(parse_conditions(["n_train<=64,seed!=1"]))
    assert {(s.n_train, s.seed) for c in small.chunks for s in c.specs} == {
        (32, 0),
        (32, 2),
        (64, 0),
        (64, 2),
    }
    assert {c.id for c in small.chunks} <= {c.id for c in plan.chunks}
    assert [s.n_train for c in plan.narrowed(limit=2).chunks for s in c.specs] == [32, 32]
    for wrong in ("n_train~3", "n_train=x", "model<3", "modle=3"):
        with pytest.raises(CurvefitError):
            parse_conditions([wrong])


def test_dear_groups_stand_alone_and_cheap_ones_are_put_together():
    specs = tiny_plan(replicates=4).narrowed().chunks
    groups = [chunk.specs for chunk in specs]
    assert [len(c.specs) for c in plan_chunks(groups, lambda s: 1e10)] == [len(g) for g in groups]
    assert len(plan_chunks(groups, lambda s: 1.0)) == 1


def test_chunks_survive_the_way_to_a_worker():
    (chunk, *_) = tiny_plan(bad="raise").chunks
    assert Chunk.from_dict(json.loads(json.dumps(chunk.to_dict()))) == chunk


def test_after_death_halves_until_the_culprit_stands_alone():
    (chunk,) = plan_chunks([tiny_plan(sizes=range(32, 48), replicates=1).chunks[0].specs], lambda s: 1.0)
    culprit = chunk.specs[11].id
    todo, done, given_up, deaths = [chunk], set(), [], 0
    while todo:
        current = todo.pop()
        ids = [spec.id for spec in current.specs]
        if culprit not in ids:
            done |= set(ids)
            continue
        deaths += 1
        done |= set(ids[: ids.index(culprit)])
        again, lost = after_death(current, done)
        todo += again
        given_up += [lost.id] if lost else []
    assert given_up == [culprit]
    assert done == {spec.id for spec in chunk.specs} - {culprit}
    assert deaths <= 10


def test_a_killed_worker_costs_nothing(tmp_path):
    study = tiny_toml(tmp_path / "s.toml", replicates=4, sleep=0.1)
    driver = start_driver(study, tmp_path / "out", "--workers", "2")
    wait_for(lambda: len(list((tmp_path / "out").glob("segments/*.jsonl"))) == 2)
    os.kill(wait_for(lambda: children_of(driver.pid)).pop(), signal.SIGKILL)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == 0, err
    assert "12 of 12" in out
    assert "1 workers lost" in err
    assert list(statuses(tmp_path / "out").values()) == ["ok"] * 12


def test_a_killed_driver_leaves_no_orphans_and_is_resumed(tmp_path):
    folder, study = tmp_path / "out", tiny_toml(tmp_path / "s.toml", replicates=4, sleep=0.1)
    driver = start_driver(study, folder, "--workers", "2")
    wait_for(lambda: folder.exists() and RecordStore(folder).exists() and len(statuses(folder)) >= 2)
    workers = children_of(driver.pid)
    driver.kill()
    driver.communicate()
    assert workers
    wait_for(lambda: not any(map(is_running, workers)), 5)
    before = statuses(folder)
    assert 2 <= len(before) < 12
    progress = run_here(tiny_plan(replicates=4, sleep=0.1, cost=1e9), folder)
    assert progress.here == 12 - len(before), "claims of the dead driver are taken over at once"
    assert verify_store(folder).is_sound


def test_the_first_interrupt_drains_and_the_second_stops(tmp_path):
    folder, study = tmp_path / "out", tiny_toml(tmp_path / "s.toml", replicates=6, sleep=0.4, cost=1e7)
    driver = start_driver(study, folder, "--workers", "1")
    wait_for(lambda: folder.exists() and RecordStore(folder).exists() and len(statuses(folder)) >= 1)
    driver.send_signal(signal.SIGINT)
    out, _ = driver.communicate(timeout=20)
    assert driver.returncode == 130
    done = len(statuses(folder))
    assert 1 <= done <= 4
    assert "interrupted by SIGINT" in out
    assert not list((folder / "claims").glob("[0-9a-f]*"))
    slow = tiny_toml(tmp_path / "t.toml", replicates=1, sleep=30)
    driver = start_driver(slow, tmp_path / "slow", "--workers", "1")
    wait_for(lambda: list((tmp_path / "slow").glob("segments/*.jsonl")))
    driver.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert driver.poll() is None
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=10)
    assert driver.returncode == 130


def test_two_drivers_share_the_work(tmp_path):
    folder, gate = tmp_path / "out", tmp_path / "gate"
    study = tiny_toml(tmp_path / "s.toml", data=6, gate=gate)
    drivers = [start_driver(study, folder, "--workers", "1") for _ in range(2)]
    wait_for(lambda: len({line["driver"] for line in read_log(folder)}) == 2, 120)
    gate.touch()
    for driver in drivers:
        _, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
    recorded = [line["run_id"] for line in read_log(folder) if line["event"] == "recorded"]
    assert len(recorded) == len(set(recorded)) == 36
    by_driver = {line["driver"] for line in read_log(folder) if line["event"] == "recorded"}
    assert len(by_driver) == 2


def test_a_signal_to_every_process_of_a_task_loses_no_run(tmp_path):
    folder, gate = tmp_path / "out", tmp_path / "gate"
    with start_driver(tiny_toml(tmp_path / "s.toml", gate=gate), folder, "--workers", "1") as driver:
        wait_for(lambda: len(list(read_log(folder))) == 3, 60)  # a chunk taken, two runs recorded
        for pid in (*children_of(driver.pid), driver.pid):  # as Slurm does with a task it takes back
            os.kill(pid, signal.SIGTERM)
        gate.touch()
        driver.communicate(timeout=60)
    assert driver.returncode == 130
    kinds = [line["event"] for line in read_log(folder)]
    assert kinds[:5] == ["started", "recorded", "recorded", "recorded", "ended"]
    assert "lost" not in kinds


def test_time_that_is_used_up_stops_between_runs(tmp_path):
    plan = tiny_plan(replicates=4, sleep=0.2, cost=1e7)
    progress = run_here(plan, tmp_path, stop=Stop(deadline=time.monotonic() + 1.5))
    assert progress.done < progress.total
    assert progress.stopped == "the time given is used up"


def test_a_store_that_cannot_be_written_stops_the_run_with_a_clear_error(tmp_path):
    with pytest.raises(UnknownNameError, match="is no module"):
        Driver(tiny_plan_of("tests.engine.none"), RecordStore(tmp_path / "x"))
    driver = Driver(tiny_plan(), RecordStore(tmp_path))
    gone = EmbeddedEngine(WorkerTask(str(tmp_path / "gone"), "tests.engine.fake_runs"), tmp_path / "logs")
    with pytest.raises(CurvefitError, match="the folder is missing"):
        driver.run(gone, Stop())
    assert not children_of(os.getpid())


def tiny_plan_of(executor: str):
    return make_plan(tiny_study(), executor=executor)


def test_a_disk_that_fills_up_ends_the_run_with_the_store_intact(tmp_path):
    study = tiny_toml(tmp_path / "s.toml", replicates=40)
    folder = tmp_path / "out"

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    call = "from curvefit.cli import main; main()"
    command = [sys.executable, "-c", call, "run", str(study), "--out", str(folder), "--executor", EXECUTOR]
    done = subprocess.run(
        [*command, "--workers", "1"], cwd=ROOT, preexec_fn=small_files, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert verify_store(folder).is_sound
    assert 0 < len(statuses(folder)) < 120
