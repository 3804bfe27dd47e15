"""Ray on two simulated nodes: one is removed while the study runs, and nothing is lost or repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from curvefit.records import RecordStore
from curvefit.records.verify import verify_store
from runners.engine.abstract import Stop
from runners.engine.driver import Driver, read_log
from runners.engine.ray_cluster import RayEngine
from runners.engine.worker import WorkerTask
from tests.engine.studies import EXECUTOR, ROOT, run_here, tiny_plan

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


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
    plan = tiny_plan(replicates=4, data=8, sleep=0.3, cost=1e9)
    driver = Driver(plan, RecordStore(tmp_path))
    removed = []

    def watch(event, progress):
        writers = {path.stem.split("-")[2] for path in (tmp_path / "segments").glob("*.jsonl")}
        if len(writers) >= 2 and event.kind == "started" and not removed:  # both nodes are at work
            removed.append(True)
            cluster.remove_node(cluster.second, allow_graceful=False)

    progress = driver.run(engine(tmp_path), Stop(), watch=watch)
    assert removed
    assert (progress.done, progress.failed) == (96, 0)
    assert progress.lost_workers >= 1
    recorded = [line["run_id"] for line in read_log(tmp_path) if line["event"] == "recorded"]
    assert len(recorded) == len(set(recorded)) == 96
    assert verify_store(tmp_path).is_sound


def test_a_bad_run_is_isolated_and_the_rest_equals_the_embedded_engine(cluster, tmp_path):
    plan = tiny_plan(replicates=2, bad="die", bad_size=64)
    by_ray = Driver(plan, RecordStore(tmp_path / "ray")).run(engine(tmp_path / "ray"), Stop())
    run_here(plan, tmp_path / "here")
    assert by_ray.statuses == {"ok": 4, "died": 2}
    tables = [RecordStore(tmp_path / name).read_table() for name in ("ray", "here")]
    first, second = (table.select(["run_id", "status", "n_errors"]).to_pydict() for table in tables)
    assert first == second
