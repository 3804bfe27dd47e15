"""Ray on two simulated nodes: one is removed while the study runs, and nothing is lost or repeated."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.segment import read_segment
from curvefit.records.verify import verify_store
from runners.engine.abstract import Stop
from runners.engine.driver import Driver, read_log
from runners.engine.ray_cluster import RayEngine
from runners.engine.worker import WorkerTask
from tests.engine.studies import EXECUTOR, ROOT, read_plan, run_here, start_driver, tiny_plan, tiny_toml
from tests.engine.test_engine import children_of, is_running, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]
PATIENCE = 300.0
"""Seconds for what a busy machine does late; every test waits for conditions, and runs wait at a gate for them."""


def listening(pids: set[int]) -> set[str]:
    """Addresses on which any of these processes waits for connections, in hexadecimal."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                sockets.add(os.readlink(link))
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables for row in table.splitlines()]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def is_amid_a_chunk(node, folder: Path) -> bool:
    """Whether a worker of this node has written a record, and has not closed its segment."""
    workers = children_of(node.all_processes["raylet"][0].process.pid)
    segments = map(read_segment, (folder / "segments").glob("*.jsonl"))
    return any(s.begin.get("pid") in workers and s.records and s.count is None for s in segments)


def descendants_of(pid: int) -> set[int]:
    children = children_of(pid)
    return children.union(*map(descendants_of, children))


@pytest.fixture
def cluster(monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'curvefit[ray]')")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "node_ip_address": "127.0.0.2", "object_store_memory": 80_000_000}
    made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    made.second = made.add_node(**node)
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    ray.shutdown()
    made.shutdown()


def engine(folder: Path) -> RayEngine:
    return RayEngine(WorkerTask(str(folder), EXECUTOR, extra_paths=(str(ROOT),)))


def test_a_node_lost_on_the_way_costs_nothing(cluster, tmp_path):
    gate = tmp_path / "gate"
    plan = tiny_plan(replicates=2, data=6, cost=1e9, gate=str(gate), gated_size=128)
    driver = Driver(plan, RecordStore(tmp_path))
    removed = []

    def watch(event, progress):
        if not removed and is_amid_a_chunk(cluster.second, tmp_path):
            removed.append(True)
            cluster.remove_node(cluster.second, allow_graceful=False)
        if progress.lost_workers:
            gate.touch()

    progress = driver.run(engine(tmp_path), Stop(), watch=watch)
    assert removed
    assert (progress.done, progress.failed) == (36, 0)
    assert progress.lost_workers >= 1
    recorded = [line["run_id"] for line in read_log(tmp_path) if line["event"] == "recorded"]
    assert len(recorded) == len(set(recorded)) == 36
    assert verify_store(tmp_path).is_sound


def test_a_bad_run_is_isolated_and_the_rest_equals_the_embedded_engine(cluster, tmp_path):
    plan = tiny_plan(replicates=2, bad="die", bad_size=64)
    by_ray = Driver(plan, RecordStore(tmp_path / "ray")).run(engine(tmp_path / "ray"), Stop())
    run_here(plan, tmp_path / "here")
    assert by_ray.statuses == {"ok": 4, "died": 2}
    tables = [RecordStore(tmp_path / name).read_table() for name in ("ray", "here")]
    first, second = (table.select(["run_id", "status", "n_errors"]).to_pydict() for table in tables)
    assert first == second


def test_a_killed_driver_is_resumed(cluster, tmp_path):
    folder, gate = tmp_path / "out", tmp_path / "gate"
    study = tiny_toml(tmp_path / "s.toml", replicates=4, data=4, gate=gate)
    driver = start_driver(study, folder, "--engine", "ray")
    wait_for(
        lambda: RecordStore(folder).exists() and RecordStore(folder).read_table().num_rows == 4, PATIENCE
    )
    workers = {read_segment(path).begin["pid"] for path in (folder / "segments").glob("*.jsonl")}
    driver.kill()
    driver.communicate()
    wait_for(lambda: not any(map(is_running, workers)), PATIENCE)  # Ray ends the workers of a dead driver
    assert RecordStore(folder).read_table().num_rows == 4
    gate.touch()
    resumed = Driver(read_plan(study), RecordStore(folder)).run(engine(folder), Stop())
    assert (resumed.done, resumed.failed, resumed.here) == (48, 0, 44)
    records = [r for p in (folder / "segments").glob("*.jsonl") for _, r in read_segment(p).records]
    assert len({r["run_id"] for r in records}) == len(records) == 48, "none was done twice"
    assert verify_store(folder).is_sound


def test_a_cluster_started_here_is_reachable_from_here_alone(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'curvefit[ray]')")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    gate, store = tmp_path / "gate", RecordStore(tmp_path / "out")
    study = tiny_toml(tmp_path / "s.toml", replicates=4, gate=gate)
    with start_driver(study, tmp_path / "out", "--engine", "ray", "--workers", "2") as driver:
        wait_for(lambda: store.exists() and store.read_table().num_rows == 4, PATIENCE)
        addresses = listening(descendants_of(driver.pid) | {driver.pid})
        gate.touch()
        out, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    assert "12 of 12" in out
    assert addresses
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
