"""The progress of a run: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from runners.engine.abstract import Event
from runners.engine.driver import Progress as Standing

_LINE_EVERY = 30.0


class ProgressBar:
    """Shows where a driver stands.

    Parameters
    ----------
    title
        Name of the study.
    standing
        Where it begins.
    """

    def __init__(self, title: str, standing: Standing) -> None:
        self._title, self._standing = title, standing
        self._last = time.monotonic()
        self._doing = ""
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(title, total=standing.total, completed=standing.done, note="")

    def __enter__(self) -> ProgressBar:
        if self._bar is not None:
            self._bar.start()
        else:
            self._print(self._standing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        else:
            self._print(self._standing)

    def show(self, event: Event, standing: Standing) -> None:
        """Take note of an event."""
        self._standing = standing
        if event.kind == "progress":
            self._doing = event.message
        elif event.kind in ("recorded", "ended", "lost"):
            self._doing = ""
        if self._bar is not None:
            self._bar.update(self._task, completed=standing.done, note=self._note(standing))
        elif time.monotonic() - self._last >= _LINE_EVERY:
            self._print(standing)

    def _print(self, standing: Standing) -> None:
        self._last = time.monotonic()
        note = self._note(standing)
        line = f"{self._title}: {standing.done} of {standing.total} runs" + (f", {note}" if note else "")
        with contextlib.suppress(OSError):  # whoever read it has gone; the study goes on
            print(line, file=sys.stderr, flush=True)

    def _note(self, standing: Standing) -> str:
        parts = [f"{standing.failed} failed"] if standing.failed else []
        if standing.lost_workers:
            parts.append(f"{standing.lost_workers} workers lost")
        if self._doing:
            parts.append(self._doing)
        return ", ".join(parts)
