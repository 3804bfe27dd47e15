"""Claims: one holder each, whatever clocks, process numbers and other machines do."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from runners.engine import life
from runners.engine.claims import Claims
from runners.engine.life import Heartbeat, Onlooker, living_drivers


class Watch:
    """A steady clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch):
    made = Watch()
    monkeypatch.setattr(life.time, "monotonic", made)
    return made


def driver_elsewhere(folder: Path, name: str, **state) -> Path:
    """A driver of another machine holds chunk ``c``; return the file it keeps fresh."""
    (folder / "claims").mkdir(exist_ok=True)
    (folder / "drivers").mkdir(exist_ok=True)
    (folder / "claims" / "c").write_text(name)
    beat = folder / "drivers" / f"{name}.json"
    beat.write_text(json.dumps({"driver": name, "machine": "another", "pid": 1, "born": "1", **state}))
    return beat


def touch(path: Path, at: float) -> None:
    os.utime(path, (at, at))


def test_a_claim_has_one_holder_until_its_driver_is_done(tmp_path):
    first, second = Claims(tmp_path), Claims(tmp_path)
    assert first.take("c")
    assert not second.take("c")
    assert not second.is_unclear
    assert {state["driver"] for state in living_drivers(tmp_path)} == {first.driver, second.driver}
    first.close()
    assert second.take("c")
    second.release("c")
    assert not list((tmp_path / "claims").glob("[!.]*"))


def test_a_driver_elsewhere_counts_as_dead_after_a_minute_without_a_sign(tmp_path, watch):
    beat, mine = driver_elsewhere(tmp_path, "x"), Claims(tmp_path)
    assert not mine.take("c")
    assert mine.is_unclear, "it may have died a second or a year ago"
    for minute in range(3):
        watch.now += 50
        touch(beat, 10.0 + minute)
        assert not mine.take("c")
        assert not mine.is_unclear
    watch.now += 59
    assert not mine.take("c")
    watch.now += 2
    assert mine.take("c")


@pytest.mark.parametrize("skew", [-1e6, -300.0, 300.0, 1e6])
def test_clocks_that_differ_or_jump_fool_nobody(tmp_path, watch, skew):
    beat, mine = driver_elsewhere(tmp_path, "x"), Claims(tmp_path)
    for beats in range(40):  # signs of life every 5 s, dated by a clock that jumps half way
        touch(beat, time.time() + 5 * beats + (skew if beats > 20 else 0.0))
        assert not mine.take("c")
        watch.now += 5
    watch.now += 61
    assert mine.take("c")


def test_the_same_process_number_on_another_machine_is_another_process(tmp_path, watch):
    mine = Claims(tmp_path)
    me = json.loads(mine.heartbeat.path.read_text())
    driver_elsewhere(tmp_path, "x", pid=me["pid"], born=me["born"])
    assert not mine.take("c"), "alive here says nothing about there"
    driver_elsewhere(tmp_path, "y", pid=2**22 + 1, born="1")
    assert not mine.take("c"), "absent here says nothing about there"
    watch.now += 61
    mine.take("c")
    driver_elsewhere(tmp_path, "z", machine=me["machine"], pid=me["pid"], born="a process before it")
    assert mine.take("c"), "the number was given anew"


def test_a_claim_without_a_name_and_a_driver_file_cut_off_are_waited_for(tmp_path, watch):
    mine = Claims(tmp_path)
    (tmp_path / "claims" / "a").touch()
    driver_elsewhere(tmp_path, "x").write_text('{"driver": "x", "mach')
    assert [mine.take("a"), mine.take("c")] == [False, False]
    assert len(living_drivers(tmp_path)) == 1
    watch.now += 61
    assert [mine.take("a"), mine.take("c")] == [True, True]


def test_who_was_thought_dead_does_not_give_back_what_is_no_longer_his(tmp_path):
    first, second = Claims(tmp_path), Claims(tmp_path)
    assert first.take("c")
    (tmp_path / "claims" / "c").write_text(second.driver)
    first.close()
    assert (tmp_path / "claims" / "c").read_text() == second.driver


def _take(folder: str, start, taken) -> None:
    claims = Claims(Path(folder))
    start.wait()
    taken.put(sum(claims.take(str(chunk)) for chunk in range(50)))
    time.sleep(1.0)  # stays alive, so that nothing of it is taken over


def test_many_who_take_over_at_once_get_each_chunk_once(tmp_path):
    (tmp_path / "claims").mkdir()
    for chunk in range(50):
        (tmp_path / "claims" / str(chunk)).write_text("dead long ago")
    context = multiprocessing.get_context("fork")
    start, taken = context.Event(), context.SimpleQueue()
    takers = [context.Process(target=_take, args=(str(tmp_path), start, taken)) for _ in range(6)]
    for process in takers:
        process.start()
    start.set()
    assert sum(taken.get() for _ in takers) == 50
    for process in takers:
        process.join()


def test_signs_of_life_go_on_while_the_driver_waits_for_something(tmp_path, monkeypatch):
    monkeypatch.setattr(life, "HEARTBEAT", 0.02)
    monkeypatch.setattr(life, "NEWS_AFTER", 0.02)
    beat = Heartbeat(tmp_path)
    first = beat.path.stat().st_mtime_ns
    time.sleep(0.3)
    assert beat.path.stat().st_mtime_ns > first
    beat.show({"here": 3})
    time.sleep(0.3)
    assert json.loads(beat.path.read_text())["here"] == 3
    assert Onlooker().is_alive(beat.path) is True
    beat.end()
    time.sleep(0.1)
    assert Onlooker().is_alive(beat.path) is False
