"""One worker process as its driver sees it: commands in, reports out, and a hand on the kill switch."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curvefit.errors import CurvefitError, StoreError
from runners.engine.abstract import Event
from runners.engine.chunk import Chunk
from runners.engine.worker import WorkerTask

_EVENTS = ("ready", "recorded", "ended", "progress", "store", "unusable")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class WorkerProcess:
    """A running worker.

    Parameters
    ----------
    slot
        Number of its place among the workers.
    task
        What it works on.
    environment
        Variables set before its interpreter starts (threads, visible device).
    log
        File that takes whatever it prints.
    """

    def __init__(self, slot: int, task: WorkerTask, *, environment: Mapping[str, str], log: Path) -> None:
        self.slot = slot
        self.chunk: Chunk | None = None
        self.done: set[str] = set()
        self.since = time.monotonic()
        self.segment: str | None = None
        self.draining = False
        self.verdict = ""
        """Why the driver killed it: a failure status, or empty when it died by itself."""
        self.reports, write_end = os.pipe()
        os.set_blocking(self.reports, False)
        self._heard, self._unsaid = b"", b""
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = [str(write_end), json.dumps(asdict(task)), str(os.getpid())]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runners.engine.leash", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[write_end],
                env={**os.environ, **environment},
            )
        os.close(write_end)
        self.pid = self._process.pid
        assert self._process.stdin is not None
        self.commands = self._process.stdin.fileno()
        os.set_blocking(self.commands, False)

    @property
    def name(self) -> str:
        """Name for people: slot and process."""
        return f"{self.slot} (process {self.pid})"

    def give(self, chunk: Chunk) -> None:
        """Hand it a chunk."""
        self.chunk, self.done, self.since = chunk, set(), time.monotonic()
        self._say({"chunk": chunk.to_dict()})

    @property
    def is_gone(self) -> bool:
        """Whether its process has ended (a child of it may still hold its pipe open)."""
        return self._process.poll() is not None

    @property
    def is_owed(self) -> bool:
        """Whether a part of a command waits for room in its pipe."""
        return bool(self._unsaid)

    def understand(self, report: dict[str, Any]) -> Event | None:
        """Take note of one report and return the event it amounts to, if any.

        Raises
        ------
        StoreError
            When the worker cannot write to the store: no other could either.
        CurvefitError
            When it cannot load the executor.
        """
        if report["event"] != "progress":  # a time-out is for runs that do not finish, whatever they say
            self.since = time.monotonic()
        chunk = self.chunk.id if self.chunk is not None else ""
        match report.pop("event"):
            case "ready":
                self.segment = report["segment"]
            case "recorded":
                self.done.add(report["run_id"])
                return Event("recorded", chunk, worker=self.name, **report)
            case "progress":
                return Event("progress", chunk, message=report["message"], worker=self.name)
            case "ended":
                self.chunk = None
                return Event("ended", chunk, worker=self.name)
            case "store":
                raise StoreError(report["message"])
            case "unusable":
                raise CurvefitError(f"a worker cannot start: {report['message']}")
        return None

    def drain(self) -> None:
        """Ask it to stop after its current run."""
        if not self.draining:
            self.draining = True
            self._say({"drain": True})

    def dismiss(self) -> None:
        """Tell an idle worker to close its segment and leave."""
        self._say({})

    def kill(self, verdict: str = "") -> None:
        """Kill it at once."""
        self.verdict = self.verdict or verdict
        self._process.kill()

    def read_reports(self) -> tuple[list[dict[str, Any]], bool]:
        """Return what it reported since the last call, and whether that was all.

        A worker whose reports make no sense is killed; what it wrote to the store counts.
        """
        gone = False
        while True:
            try:
                data = os.read(self.reports, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                gone = True
                break
            self._heard += data
        *lines, self._heard = self._heard.split(b"\n")
        try:
            reports = [json.loads(line) for line in lines]
            if all(isinstance(report, dict) and report.get("event") in _EVENTS for report in reports):
                return reports, gone
        except ValueError:
            pass
        self.kill()
        return [], gone

    def reap(self) -> int:
        """Wait for its end, free what belongs to it, and return its exit code."""
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        if self.reports >= 0:
            os.close(self.reports)
            self.reports = -1
        return code

    def resident_bytes(self) -> int:
        """Return its resident memory, or 0 where that cannot be told."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError, ValueError):
            return 0

    def _say(self, command: dict[str, Any]) -> None:
        self._unsaid += json.dumps(command).encode() + b"\n"
        self.keep_saying()

    def keep_saying(self) -> None:
        """Write what it has not been told yet, as much as its pipe takes; never wait for it."""
        # A worker that is gone already is noticed by the end of its reports.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while self._unsaid:
                self._unsaid = self._unsaid[os.write(self.commands, self._unsaid) :]
