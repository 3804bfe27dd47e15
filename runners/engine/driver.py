"""The driver: gives the chunks of a plan to an engine and keeps account of what comes back."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from curvefit.errors import StoreError, unknown_name
from curvefit.records.files import cannot_write
from curvefit.records.index import RunIndex
from curvefit.records.record import STATUSES, RunRecord
from curvefit.records.store import RecordStore
from curvefit.records.writer import SegmentWriter
from runners.engine.abstract import AbstractEngine, Event, Stop
from runners.engine.chunk import Chunk
from runners.engine.claims import Claims
from runners.engine.life import living_drivers
from runners.engine.plan import Plan

RETRY = {
    "none": frozenset(),
    "died": frozenset({"died"}),
    "failed": frozenset(STATUSES) - {"ok", "diverged"},
    "all": frozenset(STATUSES),
}
"""Which records count as not done, by what is written after ``--retry``."""
_LOOK_AGAIN = 2.0


@dataclass(slots=True)
class Progress:
    """Where a plan stands.

    Parameters
    ----------
    total
        Runs of the plan.
    statuses
        Runs with a record, by status.
    here
        Runs that this driver finished.
    lost_workers
        Worker deaths so far.
    first_failure
        Message of the first run that failed here, or empty.
    stopped
        Why it ended early, or empty.
    """

    total: int
    statuses: Counter[str] = field(default_factory=Counter)
    here: int = 0
    lost_workers: int = 0
    first_failure: str = ""
    stopped: str = ""

    @property
    def done(self) -> int:
        """Runs with a record that counts."""
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Runs whose record is not ``ok``."""
        return self.done - self.statuses["ok"]


class Driver:
    """Drives one plan on one store; `run` is called once.

    Parameters
    ----------
    plan, store
        What to do, and where records go.
    retry
        A key of `RETRY`.
    wait
        Whether to stay until chunks that other drivers hold are done too (or those drivers die).
    """

    def __init__(self, plan: Plan, store: RecordStore, *, retry: str = "none", wait: bool = True) -> None:
        if retry not in RETRY:
            raise unknown_name("choice for retry", retry, RETRY)
        self.plan, self.store, self.wait = plan, store.create(), wait
        self.index = RunIndex(self.store)
        self._run_ids = set(plan.run_ids)
        # Records that do not count, by date: a newer one of the same run will.
        self._to_replace = {
            run_id: entry.at
            for run_id, entry in self.index.entries.items()
            if entry.status in RETRY[retry] and run_id in self._run_ids
        }
        self._claims = Claims(store.path)
        self._left: dict[str, set[str]] = {}
        self._running: dict[str, str] = {}
        self._writer: SegmentWriter | None = None
        self.progress = Progress(len(self._run_ids))
        self._count()

    def run(
        self, engine: AbstractEngine, stop: Stop, *, watch: Callable[[Event, Progress], None] | None = None
    ) -> Progress:
        """Execute what is missing and return where the plan stands then.

        Raises
        ------
        StoreError
            When the store can no longer be written; what was counted as done is in it.
        """
        logs = self.store.path / "logs"
        try:
            logs.mkdir(exist_ok=True)
            with (logs / f"{self._claims.driver}.jsonl").open("a", buffering=1) as log:
                for event in engine.run(self._offer(), stop):
                    self._account(event, log)
                    if watch is not None:
                        watch(event, self.progress)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise cannot_write(logs, error) from error
        finally:
            self._claims.close()
            if self._writer is not None:
                self._writer.close()
        self.index.refresh()
        self._count()
        if self.progress.done < self.progress.total:
            self.progress.stopped = stop.reason or "the rest is with other drivers"
        return self.progress

    @property
    def has_company(self) -> bool:
        """Whether other drivers are at work on the store."""
        return any(state["driver"] != self._claims.driver for state in living_drivers(self.store.path))

    def _offer(self) -> Iterator[Chunk | None]:
        """Yield the chunks nobody else does, without the runs that are done; None while others hold all."""
        pending = self._undone(self.plan.chunks)
        while pending:
            refused: list[Chunk] = []
            for chunk in pending:
                if not self._claims.take(chunk.id):
                    refused.append(chunk)
                    continue
                self.index.refresh()
                left = chunk.without(self._done_among(chunk))
                if not left.specs:
                    self._claims.release(chunk.id)
                    continue
                ids = {spec.id for spec in left.specs}
                self._left[chunk.id] = ids
                yield replace(left, after=self.index.newest(ids))
            if len(refused) == len(pending):
                if not self.wait and not self._claims.is_unclear:
                    return
                looked = time.monotonic()
                while time.monotonic() - looked < _LOOK_AGAIN:
                    yield None
                self.index.refresh()
            pending = self._undone(refused)

    def _account(self, event: Event, log: IO[str]) -> None:
        if event.kind == "failed" and event.spec is not None:
            self._writer = self._writer or self.store.writer()
            record = RunRecord.of(event.spec, status=event.status, message=event.message)
            self._writer.append(record, after=self.index.newest([event.run_id]))
        if event.kind == "progress":
            self._running[event.chunk] = f"{event.worker}: {event.message}"
        elif event.kind in ("recorded", "failed"):
            self.progress.here += 1
            self.progress.statuses[event.status] += 1
            self._left[event.chunk].discard(event.run_id)
            if event.status != "ok":
                self.progress.first_failure = self.progress.first_failure or event.message
        elif event.kind == "started":
            self._running[event.chunk] = event.worker
        elif event.kind == "ended":
            self._running.pop(event.chunk, None)
            if not self._left[event.chunk]:  # else another worker has a part of it
                self._claims.release(event.chunk)
        elif event.kind == "lost":
            self.progress.lost_workers += 1
        if event.kind == "waiting":
            if self.index.refresh():
                self._count()
            return
        if event.kind != "progress":  # it would fill the log: a line a second
            log.write(json.dumps(_line(event)) + "\n")
        self._claims.heartbeat.show(
            {"study": self.plan.study.name, "running": dict(self._running), "here": self.progress.here}
        )

    def _undone(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        return [chunk for chunk in chunks if len(self._done_among(chunk)) < len(chunk.specs)]

    def _done_among(self, chunk: Chunk) -> set[str]:
        return {run_id for spec in chunk.specs if self._is_done(run_id := spec.id)}

    def _is_done(self, run_id: str) -> bool:
        entry = self.index.entries.get(run_id)
        return entry is not None and entry.at > self._to_replace.get(run_id, -1)

    def _count(self) -> None:
        entries = self.index.entries
        self.progress.statuses = Counter(entries[r].status for r in self._run_ids if self._is_done(r))


def _line(event: Event) -> dict[str, Any]:
    values: dict[str, Any] = {"at": round(time.time(), 3), "event": event.kind, "chunk": event.chunk}
    values["run_id"] = event.run_id
    values |= {
        "status": event.status,
        "seconds": event.seconds,
        "worker": event.worker,
        "message": event.message,
    }
    return {key: value for key, value in values.items() if value not in ("", None)}


def read_log(folder: Path, text: str = "") -> Iterator[dict[str, Any]]:
    """Yield the log lines of all drivers of a store that hold `text`, in order of time."""
    lines = []
    for path in (folder / "logs").glob("*.jsonl"):
        for line in path.read_text(errors="replace").splitlines():
            if text not in line:
                continue
            try:
                lines.append({**json.loads(line), "driver": path.stem})
            except ValueError:  # the last line of a killed driver
                continue
    yield from sorted(lines, key=lambda line: line["at"])
