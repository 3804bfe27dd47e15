"""What a study meets in the wild: workers that babble, full and read-only disks, odd paths, changed files."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curvefit.errors import CurvefitError, StoreError
from curvefit.records import RecordStore, read_traces
from curvefit.records.record import RunRecord
from curvefit.records.segment import read_segment
from curvefit.records.verify import verify_store
from runners.commands.inspect import logs, show
from runners.commands.run import run
from runners.commands.status import status
from runners.engine.abstract import AbstractEngine, Event, Stop
from runners.engine.claims import Claims
from runners.engine.driver import Driver, read_log
from runners.engine.embedded import EmbeddedEngine
from runners.engine.queue import ChunkQueue
from runners.engine.ray_cluster import RayEngine
from runners.engine.worker import WorkerTask
from tests.engine.studies import EXECUTOR, ROOT, run_here, start_driver, tiny_plan, tiny_study, tiny_toml
from tests.engine.test_engine import statuses, wait_for


@pytest.mark.parametrize("how", ["babble", "babble json", "leave a child"])
def test_a_worker_that_babbles_or_dies_behind_its_child_is_noticed(tmp_path, how):
    began = time.monotonic()
    run_here(tiny_plan(replicates=1, bad=how, bad_size=64), tmp_path)
    assert statuses(tmp_path) == {(32, 0): "ok", (64, 0): "died", (128, 0): "ok"}
    assert time.monotonic() - began < 300, "noticed by its death, not by a limit"


def test_a_run_reported_twice_is_refused_and_nothing_else_is_lost(tmp_path):
    run_here(tiny_plan(replicates=1, twice=64), tmp_path)
    assert set(statuses(tmp_path).values()) == {"ok"}
    records = [r for path in (tmp_path / "segments").glob("*") for r in read_segment(path).records]
    assert len(records) == 3


def test_commands_larger_than_a_pipe_arrive(tmp_path):
    plan = tiny_plan(replicates=30, cost=1.0, ballast="x" * 20_000)
    assert len(json.dumps(plan.chunks[0].to_dict())) > 1_000_000
    began = time.monotonic()
    assert run_here(plan, tmp_path).here == 90
    assert time.monotonic() - began < 300, "noticed by its death, not by a limit"


def test_odd_characters_in_paths_and_labels(tmp_path):
    folder = tmp_path / "räume und 'Zeichen' 数" / "out"
    study = tiny_toml(tmp_path / "ein name.toml", replicates=1)
    study.write_text("\ufeff" + study.read_text().replace('name = "m"', 'name = "m"\nlabel = "größe | 数"'))
    run(str(study), folder, executor=EXECUTOR, workers=1, where=["model=größe*"])
    assert {r.model for r in RecordStore(folder).read_records()} == {"größe | 数"}
    assert verify_store(folder).is_sound


def test_a_study_changed_between_runs_adds_what_is_new_and_relabels_the_rest(tmp_path):
    folder, study = tmp_path / "out", tiny_toml(tmp_path / "s.toml", replicates=1)
    run(str(study), folder, executor=EXECUTOR, workers=1)
    text = study.read_text().replace("[32, 64, 128]", "[32, 64, 128, 256]")
    study.write_text(text.replace('name = "m"', 'name = "m"\nlabel = "renamed"'))
    run(str(study), folder, executor=EXECUTOR, workers=1)
    records = RecordStore(folder).read_records()
    assert [(r.model, r.n_train) for r in records] == [("renamed", n) for n in (32, 64, 128, 256)]
    assert sum(line["event"] == "recorded" for line in read_log(folder)) == 4
    study.write_text(study.read_text().replace("sleep = 0.0", "sleep = 0.001"))
    run(str(study), folder, executor=EXECUTOR, workers=1)
    assert len(RecordStore(folder).read_records()) == 8, "other settings are other runs"


def test_traces_are_kept_when_asked_for_and_shown(tmp_path, capsys):
    study = tiny_toml(tmp_path / "s.toml", replicates=1)
    run(str(study), tmp_path / "plain", executor=EXECUTOR, workers=1)
    assert read_traces(tmp_path / "plain").num_rows == 0
    run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1, traces=True, limit=1)
    (run_id,) = set(read_traces(tmp_path / "out")["run_id"].to_pylist())
    show(tmp_path / "out", run_id)
    assert "step 2  train_loss 1" in capsys.readouterr().out
    missing = next(r for r in tiny_ids() if r != run_id)
    show(tmp_path / "out", missing)
    assert f"run {missing} of study 'tiny' has no record yet" in capsys.readouterr().out
    chunk = next(line["chunk"] for line in read_log(tmp_path / "out"))
    logs(tmp_path / "out", chunk=chunk[:6], as_json=True)
    events = [line["event"] for line in json.loads(capsys.readouterr().out)["events"]]
    assert events == ["started", "recorded", "ended"]


def tiny_ids() -> list[str]:
    return [s.id for s in tiny_study(replicates=1, sleep=0.0, cost=1e9).specs()]


def test_watching_gives_a_line_of_json_every_time(tmp_path, capsys, monkeypatch):
    study = tiny_toml(tmp_path / "s.toml", replicates=1)
    run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1, limit=2)

    def finish(_):
        run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1)

    monkeypatch.setattr("runners.commands.status.time.sleep", finish)
    capsys.readouterr()
    status(tmp_path / "out", watch=True, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    assert [line["studies"][0]["done"] for line in lines] == [2, 3]
    status(tmp_path / "out", watch=True)
    assert "3 of 3 runs have a record" in " ".join(capsys.readouterr().out.split())


class HalvingEngine(AbstractEngine):
    """Does its one chunk in two parts, as after a death, and looks at the claim in between."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, []

    def run(self, chunks, stop):
        queue = ChunkQueue(chunks)
        chunk = queue.draw()
        with RecordStore(self.folder).writer(sync=False) as writer:
            for spec in chunk.specs:
                yield Event("started", chunk.id)
                writer.append(RunRecord.of(spec), after=chunk.after)
                yield Event("recorded", chunk.id, spec.id, "ok")
                yield Event("ended", chunk.id)
                self.seen.append(Claims(self.folder).take(chunk.id))


def test_a_chunk_in_parts_is_given_back_when_the_last_part_is_done(tmp_path):
    engine = HalvingEngine(tmp_path)
    Driver(tiny_plan(replicates=1), RecordStore(tmp_path)).run(engine, Stop())
    assert engine.seen == [False, False, True]


def test_ray_does_not_take_old_records_for_new_ones(tmp_path):
    plan = tiny_plan(replicates=1, bad="raise", bad_size=64)
    run_here(plan, tmp_path)
    chunk = next(Driver(plan, RecordStore(tmp_path), retry="all")._offer())
    assert chunk.after > 0
    queue = ChunkQueue(iter([]))
    events = list(RayEngine(WorkerTask(str(tmp_path), EXECUTOR))._bury(chunk, queue, "lost"))
    assert [event.kind for event in events] == ["lost"]
    assert len(queue.draw().specs) == 3


def test_a_driver_that_does_not_wait_leaves_once_it_knows_that_others_live(tmp_path, monkeypatch):
    monkeypatch.setattr("runners.engine.driver._LOOK_AGAIN", 0.1)
    monkeypatch.setattr("runners.engine.life.STALE_AFTER", 1.5)
    plan = tiny_plan(replicates=1)
    (chunk,) = plan.chunks
    for name in ("claims", "drivers"):
        (tmp_path / name).mkdir()
    (tmp_path / "claims" / chunk.id).write_text("gone")
    (tmp_path / "drivers" / "gone.json").write_text('{"driver": "gone", "machine": "another"}')
    driver = Driver(plan, RecordStore(tmp_path), wait=False)
    done = driver.run(EmbeddedEngine(WorkerTask(str(tmp_path), EXECUTOR), tmp_path / "logs"), Stop())
    assert done.done == 3, "its holder gave no sign of life"
    held = Claims(tmp_path)
    other = tiny_plan(replicates=1, sleep=0.001)
    held.take(other.chunks[0].id)
    driver = Driver(other, RecordStore(tmp_path), wait=False)
    done = driver.run(EmbeddedEngine(WorkerTask(str(tmp_path), EXECUTOR), tmp_path / "logs"), Stop())
    assert (done.done, done.stopped) == (0, "the rest is with other drivers")


def test_a_terminal_that_nobody_reads_does_not_end_the_study(tmp_path):
    driver = start_driver(tiny_toml(tmp_path / "s.toml", sleep=0.05), tmp_path / "out", "--workers", "1")
    driver.stdout.close()
    driver.stderr.close()
    wait_for(lambda: driver.poll() is not None, 60)
    assert set(statuses(tmp_path / "out").values()) == {"ok"}


@contextlib.contextmanager
def mounted(folder: Path, *options: str):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="file systems are mounted as root")


@needs_root
def test_a_really_full_disk_ends_the_run_and_more_room_goes_on(tmp_path):
    study = tiny_toml(tmp_path / "s.toml", replicates=400)
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=300k", "tmpfs") as disk:
        driver = start_driver(study, disk / "out", "--workers", "1")
        _, err = driver.communicate(timeout=120)
        assert driver.returncode == 2, err
        assert "the disk is full; records written before are intact" in err
        assert "Traceback" not in err
        before = statuses(disk / "out")
        assert 20 < len(before) < 1200
        assert verify_store(disk / "out").is_sound
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        driver = start_driver(study, disk / "out", "--workers", "1")
        out, err = driver.communicate(timeout=120)
        assert driver.returncode == 0, err
        assert f"1200 of 1200 runs are done ({1200 - len(before)} now)" in out


@needs_root
def test_a_read_only_disk_is_said_at_once_and_can_be_read(tmp_path, capsys):
    study = tiny_toml(tmp_path / "s.toml", replicates=2)
    run(str(study), tmp_path / "out", executor=EXECUTOR, workers=1, limit=3)
    with mounted(tmp_path / "view", "--bind", "-o", "ro", str(tmp_path / "out")) as view:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(view)], check=True)
        with pytest.raises(StoreError, match=r"cannot be written: (Read-only|the folder may not)"):
            run(str(study), view, executor=EXECUTOR, workers=1)
        status(view)
        logs(view)
        assert len(RecordStore(view).read_records()) == 3
        assert verify_store(view).is_sound
    assert "3 of 6 runs have a record" in " ".join(capsys.readouterr().out.split())


def test_a_stopped_worker_does_not_stop_its_driver(tmp_path):
    study = tiny_toml(tmp_path / "s.toml", replicates=4, sleep=0.05)
    folder = tmp_path / "out"
    driver = start_driver(study, folder, "--workers", "2", "--timeout", "3")

    def at_work() -> list[Path]:
        return [p for p in (folder / "segments").glob("*.jsonl") if read_segment(p).records]

    stopped = int(wait_for(at_work)[0].stem.split("-")[-2])
    os.kill(stopped, signal.SIGSTOP)
    out, err = driver.communicate(timeout=60)
    assert "12 of 12" in out, err


@pytest.mark.parametrize("executor", ["never_imported", "dies_on_import"])
def test_workers_that_do_not_come_up_are_an_error_and_no_fault_of_the_runs(tmp_path, executor):
    task = WorkerTask(str(tmp_path), f"tests.engine.{executor}")
    engine = EmbeddedEngine(task, tmp_path / "logs", start_limit=1.0)
    with pytest.raises(CurvefitError, match=r"workers do not come up: .*worker-0\.txt"):
        Driver(tiny_plan(replicates=1), RecordStore(tmp_path)).run(engine, Stop())
    assert statuses(tmp_path) == {}
    assert not list((tmp_path / "claims").glob("[!.]*"))


def test_a_worker_whose_driver_is_gone_leaves_before_it_imports_anything(tmp_path):
    nobody = str(2**22 + 1)
    command = [sys.executable, "-m", "runners.engine.leash", "1", "no json", nobody]
    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 70


def test_a_device_that_torch_cannot_use_is_no_runs_fault(tmp_path):
    task = WorkerTask(str(tmp_path), EXECUTOR, device="cuda")
    driver = Driver(tiny_plan(), RecordStore(tmp_path))
    engine = EmbeddedEngine(task, tmp_path / "logs", workers=2, visible_devices=("-1",))
    with pytest.raises(CurvefitError, match="a worker cannot start: .*device cuda cannot be used"):
        driver.run(engine, Stop())
    assert not statuses(tmp_path)
    assert run_here(tiny_plan(), tmp_path).here == 6, "no claim is left behind"
