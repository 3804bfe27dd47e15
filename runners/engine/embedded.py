"""The embedded engine: persistent worker processes on this machine, and no service besides."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curvefit.errors import CurvefitError
from curvefit.records.segment import read_segment
from curvefit.records.store import RecordStore
from runners.engine.abstract import AbstractEngine, Event, Stop
from runners.engine.chunk import Chunk
from runners.engine.process import WorkerProcess
from runners.engine.queue import ChunkQueue
from runners.engine.retry import after_death
from runners.engine.worker import WorkerTask
from runners.environment import ALLOCATOR

_TICK = 0.3
_MAX_FAILED_STARTS = 3
"""In a row: then it is not the runs' fault, and none is given up for it."""


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
    start_limit
        Seconds after which a worker that has not come up is killed.
    """

    task: WorkerTask
    logs: Path
    workers: int = 1
    threads: int = 1
    visible_devices: tuple[str, ...] = ()
    timeout: float | None = None
    memory: float | None = None
    start_limit: float = 300.0

    def run(self, chunks: Iterator[Chunk | None], stop: Stop) -> Iterator[Event]:
        """Execute `chunks`; see `AbstractEngine.run`.

        Raises
        ------
        StoreError
            When the store cannot be written.
        CurvefitError
            When workers cannot start.
        """
        crew = _Crew(self, ChunkQueue(chunks))
        try:
            while (level := stop.check()) < 2:
                if level == 0:
                    yield from crew.employ()
                else:
                    crew.drain()
                if not crew.is_busy and (level or crew.queue.is_empty):
                    return
                yield from crew.listen()
                crew.enforce_limits()
        finally:
            crew.leave_none_behind()


class _Crew:
    """The worker processes of one `EmbeddedEngine.run`, by slot."""

    def __init__(self, engine: EmbeddedEngine, queue: ChunkQueue) -> None:
        self.engine, self.queue = engine, queue
        self.workers: dict[int, WorkerProcess] = {}
        self.failed_starts = 0

    @property
    def is_busy(self) -> bool:
        return any(worker.chunk for worker in self.workers.values())

    def employ(self) -> Iterator[Event]:
        """Give every free slot a chunk; a worker is started only when there is work for it."""
        for slot in range(self.engine.workers):
            worker = self.workers.get(slot)
            if worker is not None and worker.chunk is not None:
                continue
            chunk = self.queue.draw()
            if chunk is None:
                return
            if worker is None:
                worker = self.workers[slot] = self._start(slot)
            worker.give(chunk)
            yield Event("started", chunk.id, worker=worker.name)

    def drain(self) -> None:
        """Have every worker stop after its current run."""
        for worker in self.workers.values():
            worker.drain()

    def listen(self) -> Iterator[Event]:
        """Wait a moment for reports and turn them, and deaths, into events."""
        workers = list(self.workers.values())
        owed = [worker.commands for worker in workers if worker.is_owed]
        ready = set(select.select([worker.reports for worker in workers], owed, [], _TICK)[0])
        if not ready:
            yield Event("waiting")
        for worker in workers:
            worker.keep_saying()
            gone = worker.is_gone  # before reading: what it reported last is then read
            if worker.reports not in ready and not gone:
                continue
            reports, closed = worker.read_reports()
            for report in reports:
                event = worker.understand(report)
                if event is not None:
                    yield event
            if worker.segment is not None:
                self.failed_starts = 0
            if gone or closed:
                del self.workers[worker.slot]
                yield from self._bury(worker)

    def enforce_limits(self) -> None:
        """Kill the workers that exceed a limit."""
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.chunk is None:
                continue
            if worker.segment is None:
                if now - worker.since > self.engine.start_limit:
                    worker.kill()
            elif self.engine.timeout is not None and now - worker.since > self.engine.timeout:
                worker.kill("timeout")
            elif self.engine.memory is not None and worker.resident_bytes() > self.engine.memory:
                worker.kill("out-of-memory")

    def leave_none_behind(self) -> None:
        """End all workers: the idle ones close their segment, the others are killed."""
        for worker in self.workers.values():
            if worker.chunk is None:
                worker.dismiss()
            else:
                worker.kill()
        for worker in self.workers.values():
            worker.reap()
        self.workers.clear()

    def _start(self, slot: int) -> WorkerProcess:
        engine = self.engine
        variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = dict.fromkeys(variables, str(engine.threads)) | ALLOCATOR
        if engine.visible_devices:
            environment["CUDA_VISIBLE_DEVICES"] = engine.visible_devices[slot % len(engine.visible_devices)]
        return WorkerProcess(slot, engine.task, environment=environment, log=self._log(slot))

    def _log(self, slot: int) -> Path:
        return self.engine.logs / f"worker-{slot}.txt"

    def _bury(self, worker: WorkerProcess) -> Iterator[Event]:
        """Find out what a dead worker had finished, and what is to become of the rest."""
        code = worker.reap()
        if worker.chunk is None:
            return
        chunk = worker.chunk
        if worker.segment is None:
            self._blame_the_start(worker, code)
            self.queue.put_back([chunk])
            yield Event("lost", chunk.id, status="died", message="before it came up", worker=worker.name)
            return
        written = self._written(worker.segment)
        unreported = {spec.id for spec in chunk.specs if spec.id in written} - worker.done
        for run_id in sorted(unreported):
            found = written[run_id]
            status, seconds, message = found["status"], found["seconds"], found["message"]
            yield Event("recorded", chunk.id, run_id, status, seconds, message, worker.name)
        status = worker.verdict or "died"
        message = {
            "timeout": f"no run finished within {self.engine.timeout} s",
            "out-of-memory": f"more than {(self.engine.memory or 0) / 1e9:.3g} GB of memory in use",
        }.get(status, f"the worker died, {_exit_in_words(code)}")
        chunks, given_up = after_death(
            chunk,
            worker.done | unreported,
            again=not worker.verdict,
        )
        self.queue.put_back(chunks)
        yield Event("lost", chunk.id, status=status, message=message, worker=worker.name)
        if given_up is not None:
            yield Event("failed", chunk.id, given_up.id, status, None, message, worker.name, given_up)
        if not chunks:
            yield Event("ended", chunk.id, worker=worker.name)

    def _blame_the_start(self, worker: WorkerProcess, code: int) -> None:
        self.failed_starts += 1
        if self.failed_starts >= _MAX_FAILED_STARTS:
            log = self._log(worker.slot)
            raise CurvefitError(f"workers do not come up: {_exit_in_words(code)}; what they said is in {log}")

    def _written(self, segment: str) -> dict[str, dict[str, Any]]:
        """Return the records in a worker's segment by run id, whether or not it lived to report them."""
        path = RecordStore(Path(self.engine.task.store)).segments / segment
        return {record["run_id"]: record for _, record in read_segment(path).records}


def _exit_in_words(code: int) -> str:
    if code == -9:
        return "killed by signal 9 (by hand, or the system ran out of memory)"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
