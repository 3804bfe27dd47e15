"""The worker: takes chunks, writes every record to the store, and only then reports it.

The embedded engine runs `main` in a process of its own (see `runners.engine.leash`). It reads commands from standard
input, and leaves when that closes: a worker never outlives its driver. In the processes of a Ray cluster
`execute_chunk` does the same work for one chunk.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curvefit.errors import InvalidInputError, StoreError
from curvefit.records.record import RunRecord
from curvefit.records.store import RecordStore
from curvefit.records.writer import SegmentWriter
from curvefit.study.spec import RunSpec
from runners.engine.chunk import Chunk
from runners.engine.leash import EXIT_ORPHANED
from runners.environment import EXECUTOR, SAY, TILES

EXIT_BROKEN_DEVICE = 71


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker is told once.

    Parameters
    ----------
    store
        Folder of the record store.
    executor
        Module that has ``execute_specs``.
    device
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    sync
        Whether records are forced to the disk one by one.
    traces
        Whether learned curves during training (loss against step) are kept, beside the records.
    tiles
        Whether finished tiles of kernel matrices are kept in the store's folder until their runs are done.
    extra_paths
        Folders to import the executor and a user's own components from.
    """

    store: str
    executor: str = EXECUTOR
    device: str = "cpu"
    sync: bool = True
    traces: bool = False
    tiles: bool = False
    extra_paths: tuple[str, ...] = ()

    def open_writer(self) -> SegmentWriter:
        """Return this worker's own segment."""
        from runners.provenance import provenance

        shared = provenance(self.device)
        del shared["time"]
        return RecordStore(Path(self.store)).writer(provenance=shared, sync=self.sync, traces=self.traces)

    def load(self) -> Callable[..., Iterator[RunRecord]]:
        """Import the executor, and tell it by the environment where tiles go; try the device.

        Raises
        ------
        InvalidInputError
            When torch cannot use the device: no run is to blame for that.
        """
        if self.tiles:
            os.environ[TILES] = str(Path(self.store) / "tiles")
        sys.path[:0] = [path for path in self.extra_paths if path not in sys.path]
        execute = importlib.import_module(self.executor).execute_specs
        if self.device != "cpu":
            _try_device(self.device)
        return execute


def _try_device(device: str) -> None:
    import torch

    try:
        torch.ones(1, device=device).tolist()
    except (AssertionError, RuntimeError) as error:
        raise InvalidInputError(f"device {device} cannot be used: {error}") from error


def execute_chunk(
    specs: Sequence[RunSpec],
    execute: Callable[..., Iterator[RunRecord]],
    writer: SegmentWriter,
    *,
    device: str,
    after: int = 0,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[RunRecord]:
    """Yield a record for every spec, each after it was written.

    What the executor raises becomes a record. Of several runs, those that are left are then tried in
    halves, so that one bad run does not spoil the others and these go on sharing their work.
    """
    waiting = {spec.id: spec for spec in specs}
    try:
        with contextlib.closing(execute(tuple(specs), device=device)) as records:  # type: ignore[type-var]
            for record in records:
                if waiting.pop(record.run_id, None) is None:
                    raise InvalidInputError(f"the algorithm reports run {record.run_id} unasked, or twice")
                writer.append(record, after=after)
                yield record
                if stopping():
                    return
        failure = RuntimeError("the algorithm ended without reporting this run")
    except StoreError:
        raise
    except (Exception, SystemExit) as error:
        failure = error  # type: ignore[assignment]
    if not waiting:
        return
    if len(specs) == 1:
        record = failure_record(specs[0], failure)
        writer.append(record, after=after)
        yield record
        return
    left = list(waiting.values())
    middle = len(left) // 2
    for half in (left[:middle], left[middle:]):
        if half and not stopping():
            yield from execute_chunk(half, execute, writer, device=device, after=after, stopping=stopping)


def failure_record(spec: RunSpec, error: BaseException) -> RunRecord:
    """Return the record of a run that raised."""
    text = f"{type(error).__name__}: {error}"
    memory = isinstance(error, MemoryError) or "OutOfMemory" in text or "not enough memory" in text
    trace = "".join(traceback.format_exception(error))
    status = "out-of-memory" if memory else "exception"
    return RunRecord.of(spec, status=status, message=text[:2000], extra={"traceback": trace[-4000:]})


def main(arguments: Sequence[str]) -> None:
    """Serve chunks until standard input closes or says to leave."""
    reports = os.fdopen(int(arguments[0]), "w", buffering=1)

    def report(**event: Any) -> None:
        reports.write(json.dumps(event) + "\n")

    values = json.loads(arguments[1])
    task = WorkerTask(**{**values, "extra_paths": tuple(values["extra_paths"])})
    commands: queue.Queue[dict[str, Any]] = queue.Queue()
    draining = threading.Event()
    threading.Thread(target=_listen, args=(commands, draining), daemon=True).start()
    SAY.set(lambda message: report(event="progress", message=message))
    try:
        execute = task.load()
        writer = task.open_writer()
    except (Exception, SystemExit) as error:
        report(event="unusable", message=f"{type(error).__name__}: {error}")
        return
    with writer:
        report(event="ready", segment=writer.path.name)
        while (command := commands.get()).get("chunk"):
            chunk = Chunk.from_dict(command["chunk"])
            try:
                records = execute_chunk(
                    chunk.specs,
                    execute,
                    writer,
                    device=task.device,
                    after=chunk.after,
                    stopping=draining.is_set,
                )
                for record in records:
                    report(event="recorded", **record.brief())
                    if "CUDA error" in record.message:
                        sys.exit(EXIT_BROKEN_DEVICE)
            except StoreError as error:
                report(event="store", message=str(error))
                return
            report(event="ended")


def _listen(commands: queue.Queue[dict[str, Any]], draining: threading.Event) -> None:
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("drain"):
            draining.set()
        else:
            commands.put(command)
            if not command:
                return
    os._exit(EXIT_ORPHANED)
