"""The Ray engine: chunks as core tasks of a Ray cluster whose nodes share the store's file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curvefit.errors import MissingDependencyError, StoreError
from curvefit.records.index import RunIndex
from curvefit.records.store import RecordStore
from runners.engine.abstract import AbstractEngine, Event, Stop
from runners.engine.chunk import Chunk
from runners.engine.queue import ChunkQueue
from runners.engine.retry import after_death
from runners.engine.worker import WorkerTask, execute_chunk

_TICK = 0.4
_LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Set to 0, it makes Ray stay on the loopback interface, on any system; read when Ray is imported."""


@dataclass(frozen=True, slots=True)
class RayEngine(AbstractEngine):
    """Ray core tasks, one a chunk.

    The cluster is the one of ``RAY_ADDRESS``; without it a local one is started, on the loopback interface
    only. Ray's own retries are off: what a lost node had finished is in the store, and the rest goes out again
    by the same rules as in the embedded engine.

    Parameters
    ----------
    task
        Store, executor and device.
    workers
        Chunks in flight; None means one for every core (or GPU) of the cluster.
    """

    task: WorkerTask
    workers: int | None = None

    def run(self, chunks: Iterator[Chunk | None], stop: Stop) -> Iterator[Event]:
        """Execute `chunks`; see `AbstractEngine.run`."""
        ray = _import_ray()
        own = _connect(ray)
        queue = ChunkQueue(chunks)
        flying: dict[Any, Chunk] = {}
        resources = {"num_cpus": 1, "num_gpus": 1 if self.task.device == "cuda" else 0}
        remote = ray.remote(max_retries=0, max_calls=0, **resources)(_execute_remotely)
        try:
            while (level := stop.check()) < 2:
                while level == 0 and len(flying) < self._slots(ray):
                    chunk = queue.draw()
                    if chunk is None:
                        break
                    flying[remote.remote(asdict(self.task), chunk.to_dict())] = chunk
                    yield Event("started", chunk.id, worker="ray")
                if not flying and (level or queue.is_empty):
                    return
                ready = ray.wait(list(flying), timeout=_TICK)[0] if flying else []
                if not ready:
                    yield Event("waiting")
                for reference in ready:
                    yield from self._collect(ray, reference, flying.pop(reference), queue)
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)
            if own:
                ray.shutdown()

    def _slots(self, ray: Any) -> int:
        kind = "GPU" if self.task.device == "cuda" else "CPU"
        return self.workers or max(1, int(ray.cluster_resources().get(kind, 1)))

    def _collect(self, ray: Any, reference: Any, chunk: Chunk, queue: ChunkQueue) -> Iterator[Event]:
        """Turn the end of a task, good or bad, into events."""
        try:
            reports = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise StoreError(f"a Ray worker cannot go on: {error.cause}") from None
        except ray.exceptions.RayError as error:
            yield from self._bury(chunk, queue, f"{type(error).__name__}: the worker or its node died")
            return
        for report in reports:
            yield Event("recorded", chunk.id, worker="ray", **report)
        yield Event("ended", chunk.id, worker="ray")

    def _bury(self, chunk: Chunk, queue: ChunkQueue, message: str) -> Iterator[Event]:
        entries = RunIndex(RecordStore(Path(self.task.store))).entries
        ids = {spec.id for spec in chunk.specs}
        done = {run_id for run_id in ids & entries.keys() if entries[run_id].at > chunk.after}
        for run_id in sorted(done):
            entry = entries[run_id]
            yield Event("recorded", chunk.id, run_id, entry.status, entry.seconds, entry.message, "ray")
        again, given_up = after_death(chunk, done)
        queue.put_back(again)
        yield Event("lost", chunk.id, status="died", message=message, worker="ray")
        if given_up is not None:
            yield Event("failed", chunk.id, given_up.id, "died", None, message, "ray", given_up)
        if not again:
            yield Event("ended", chunk.id, worker="ray")


def _execute_remotely(task_values: dict[str, Any], chunk_values: dict[str, Any]) -> list[dict[str, Any]]:
    """Do one chunk in a Ray worker: records go to the store, their summaries back."""
    task = WorkerTask(**task_values)
    chunk = Chunk.from_dict(chunk_values)
    execute = task.load()
    with task.open_writer() as writer:
        return [
            record.brief()
            for record in execute_chunk(chunk.specs, execute, writer, device=task.device, after=chunk.after)
        ]


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "RAY_ADDRESS" not in os.environ:
        os.environ.setdefault(_LOOPBACK_ONLY, "0")
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("engine ray needs Ray: pip install 'curvefit[ray]'") from error
    return ray


def _connect(ray: Any) -> bool:
    """Join or start a cluster; return whether this process did."""
    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "configure_logging": False}
    if address:
        ray.init(address=address, **quiet)
    else:
        ray.init(include_dashboard=False, **quiet)
    return True
