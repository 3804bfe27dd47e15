"""The embedded engine: persistent worker processes on this machine, and no service besides."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curvefit.records.segment import read_segment
from curvefit.records.store import RecordStore
from runners.engine.abstract import AbstractEngine, Event, Stop
from runners.engine.chunk import Chunk
from runners.engine.process import WorkerProcess
from runners.engine.queue import ChunkQueue
from runners.engine.retry import MAX_DEATHS, after_death
from runners.engine.worker import WorkerTask

_TICK = 0.3


@dataclass(frozen=True, slots=True)
class EmbeddedEngine(AbstractEngine):
    """Worker processes that are told what to do over pipes.

    Parameters
    ----------
    task
        Store, executor and device.
    logs
        Folder for what workers print.
    workers
        Number of processes.
    threads
        Threads of each worker's numerical libraries.
    visible_devices
        GPUs, one to a worker in turn: ``("0", "1")``; empty leaves the environment alone.
    timeout
        Seconds a worker may go without finishing a run.
    memory
        Bytes of resident memory a worker may use.
    max_deaths
        Deaths in a row after which a run is given up.
    """

    task: WorkerTask
    logs: Path
    workers: int = 1
    threads: int = 1
    visible_devices: tuple[str, ...] = ()
    timeout: float | None = None
    memory: float | None = None
    max_deaths: int = MAX_DEATHS

    def run(self, chunks: Iterator[Chunk | None], stop: Stop) -> Iterator[Event]:
        """Execute `chunks`; see `AbstractEngine.run`."""
        queue = ChunkQueue(chunks)
        pool: dict[int, WorkerProcess] = {}
        try:
            while (level := stop.check()) < 2:
                if level == 0:
                    yield from self._fill(pool, queue)
                else:
                    for worker in pool.values():
                        worker.drain()
                if not any(w.chunk for w in pool.values()) and (level or queue.is_empty):
                    return
                yield from self._listen(pool, queue)
                self._enforce_limits(pool)
        finally:
            _clear(pool)

    def _fill(self, pool: dict[int, WorkerProcess], queue: ChunkQueue) -> Iterator[Event]:
        """Give every free slot a chunk; a worker is started only when there is work for it."""
        for slot in range(self.workers):
            worker = pool.get(slot)
            if worker is not None and worker.chunk is not None:
                continue
            chunk = queue.draw()
            if chunk is None:
                return
            if worker is None:
                worker = pool[slot] = self._start(slot)
            worker.give(chunk)
            yield Event("started", chunk.id, worker=worker.name)

    def _start(self, slot: int) -> WorkerProcess:
        variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = dict.fromkeys(variables, str(self.threads))
        if self.visible_devices:
            environment["CUDA_VISIBLE_DEVICES"] = self.visible_devices[slot % len(self.visible_devices)]
        log = self.logs / f"worker-{slot}.txt"
        return WorkerProcess(slot, self.task, environment=environment, log=log)

    def _listen(self, pool: dict[int, WorkerProcess], queue: ChunkQueue) -> Iterator[Event]:
        """Wait a moment for reports and turn them, and deaths, into events."""
        by_pipe = {worker.reports: worker for worker in pool.values()}
        owed = [worker.commands for worker in pool.values() if worker.is_owed]
        ready = set(select.select(list(by_pipe), owed, [], _TICK)[0])
        if not ready:
            yield Event("waiting")
        for pipe, worker in by_pipe.items():
            worker.keep_saying()
            gone = worker.is_gone  # before reading: what it reported last is then read
            if pipe not in ready and not gone:
                continue
            reports, closed = worker.read_reports()
            for report in reports:
                event = worker.understand(report)
                if event is not None:
                    yield event
            if gone or closed:
                del pool[worker.slot]
                yield from self._bury(worker, queue)

    def _bury(self, worker: WorkerProcess, queue: ChunkQueue) -> Iterator[Event]:
        """Find out what a dead worker had finished, and what is to become of the rest."""
        code = worker.reap()
        if worker.chunk is None:
            return
        chunk = worker.chunk
        written = self._written(worker)
        unreported = {spec.id for spec in chunk.specs if spec.id in written} - worker.done
        for run_id in sorted(unreported):
            record = written[run_id]
            yield Event(
                "recorded",
                chunk.id,
                run_id,
                record["status"],
                record["seconds"],
                record["message"],
                worker.name,
            )
        status = worker.verdict or "died"
        message = {
            "timeout": f"no run finished within {self.timeout} s",
            "out-of-memory": f"more than {(self.memory or 0) / 1e9:.3g} GB of memory in use",
        }.get(status, f"the worker died, {_exit_in_words(code)}")
        chunks, given_up = after_death(
            chunk, worker.done | unreported, max_deaths=self.max_deaths, again=not worker.verdict
        )
        queue.put_back(chunks)
        yield Event("lost", chunk.id, status=status, message=message, worker=worker.name)
        if given_up is not None:
            yield Event("failed", chunk.id, given_up.id, status, None, message, worker.name, given_up)
        if not chunks:
            yield Event("ended", chunk.id, worker=worker.name)

    def _written(self, worker: WorkerProcess) -> dict[str, dict[str, Any]]:
        """Return the records a worker wrote by run id, whether or not it lived to report them."""
        if worker.segment is None:
            return {}
        path = RecordStore(Path(self.task.store)).segments / worker.segment
        return {record["run_id"]: record for _, record in read_segment(path).records}

    def _enforce_limits(self, pool: dict[int, WorkerProcess]) -> None:
        now = time.monotonic()
        for worker in pool.values():
            if worker.chunk is None or worker.segment is None:
                continue
            if self.timeout is not None and now - worker.since > self.timeout:
                worker.kill("timeout")
            elif self.memory is not None and worker.resident_bytes() > self.memory:
                worker.kill("out-of-memory")


def _clear(pool: dict[int, WorkerProcess]) -> None:
    """Leave no worker behind: the idle ones close their segment, the others are killed."""
    for worker in pool.values():
        if worker.chunk is None:
            worker.dismiss()
        else:
            worker.kill()
    for worker in pool.values():
        worker.reap()
    pool.clear()


def _exit_in_words(code: int) -> str:
    if code == -9:
        return "killed by signal 9 (by hand, or the system ran out of memory)"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
