"""What every engine is: chunks in, events out; workers write records before they report them."""

from __future__ import annotations

import abc
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Literal

from curvefit.study.spec import RunSpec
from runners.engine.chunk import Chunk

EventKind = Literal["started", "recorded", "failed", "ended", "lost", "progress", "waiting"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something an engine noticed.

    Parameters
    ----------
    kind
        ``started`` and ``ended``: a worker took or finished a chunk. ``recorded``: a run is in the store.
        ``failed``: a run is given up without a record; the driver writes one. ``lost``: a worker died, its
        runs are tried again. ``progress``: a worker says how far a long piece of work is. ``waiting``: nothing happened for a moment.
    chunk, run_id
        What it is about.
    status, seconds, message
        Of the run, or of the failure.
    worker
        Which worker, for people.
    spec
        The run that failed.
    """

    kind: EventKind
    chunk: str = ""
    run_id: str = ""
    status: str = ""
    seconds: float | None = None
    message: str = ""
    worker: str = ""
    spec: RunSpec | None = None


@dataclass(slots=True)
class Stop:
    """Whether to stop, and how hard: 0 go on, 1 finish the current runs, 2 at once.

    Parameters
    ----------
    level
        Raised by `request`; never lowered.
    deadline
        `time.monotonic` at which level 1 is reached by itself, or None.
    reason
        Why, in words.
    """

    level: int = 0
    deadline: float | None = None
    reason: str = ""
    _previous: dict[int, object] = field(default_factory=dict)

    def request(self, level: int, reason: str) -> None:
        """Ask to stop; a higher level replaces a lower one."""
        if level > self.level:
            self.level, self.reason = level, reason

    def check(self) -> int:
        """Return the level, after looking at the clock."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.request(1, "the time given is used up")
        return self.level

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request(self.level + 1, f"interrupted by {signal.Signals(number).name}")
        said = (
            "finishing the runs at work; once more stops at once" if self.level == 1 else "stopping at once"
        )
        # os.write is safe in a handler, where print may meet itself.
        os.write(2, f"\n{said}\n".encode())


class AbstractEngine(abc.ABC):
    """Something that executes chunks."""

    @abc.abstractmethod
    def run(self, chunks: Iterator[Chunk | None], stop: Stop) -> Iterator[Event]:
        """Execute `chunks` and yield events, at least two a second.

        Parameters
        ----------
        chunks
            Drawn from whenever a worker is free. None means: nothing at the moment, ask again later.
        stop
            Looked at all the time: at level 1 no new run begins, at level 2 workers are killed.

        Notes
        -----
        When the generator is closed or exhausted, no worker process is left.
        """
