"""Signs of life: the file that every driver keeps fresh, and what others make of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

HEARTBEAT = 5.0
"""Seconds between two signs of life."""
NEWS_AFTER = 1.0
"""Seconds after which a change of state is written; a file system may take milliseconds for each."""
STALE_AFTER = 60.0
"""Seconds without one after which a driver on another machine counts as dead."""


class Heartbeat:
    """The signs of life of this process, given by a thread: a driver that waits (for a terminal, say) lives.

    Parameters
    ----------
    folder
        Where drivers keep their files.

    Raises
    ------
    OSError
        When it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.driver = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}-{secrets.token_hex(3)}"
        self.path = folder / f"{self.driver}.json"
        self._identity = {
            "driver": self.driver,
            "host": socket.gethostname(),
            "machine": _machine(),
            "pid": os.getpid(),
            "born": _birth(os.getpid()),
            "started": time.time(),
        }
        self._state: dict[str, Any] = {}
        self._is_news = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self._write()
        threading.Thread(target=self._beat, daemon=True).start()

    def show(self, state: Mapping[str, Any]) -> None:
        """Say what `status` is to show; it is written soon, and without making the caller wait."""
        self._state, self._is_news = dict(state), True

    def end(self) -> None:
        """Sign off."""
        self._ended.set()
        with self._lock, contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        written = time.monotonic()
        while not self._ended.wait(NEWS_AFTER):
            if self._is_news or time.monotonic() - written >= HEARTBEAT:
                self._is_news, written = False, time.monotonic()
                with contextlib.suppress(OSError):  # a full disk is for the writers of records to report
                    self._write()

    def _write(self) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            draft = self.path.with_suffix(".draft")
            draft.write_text(json.dumps({**self._identity, "at": time.time(), **self._state}))
            os.replace(draft, self.path)


class Onlooker:
    """Tells the living drivers from the dead by watching whether their files change.

    The clocks of two machines are never compared, and a clock that jumps fools nobody: what counts is how
    long a file stayed the same by the steady clock of whoever looks.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, float, bool]] = {}

    def is_alive(self, path: Path) -> bool | None:
        """Return whether the process that keeps `path` fresh lives; None while that cannot be told."""
        try:
            stamp = path.stat().st_mtime_ns
            state = _read_state(path)
        except OSError:
            return False
        if state.get("machine") == _machine():
            return _lives_here(state)
        now = time.monotonic()
        before, since, has_changed = self._seen.get(path, (stamp, now, False))
        if stamp != before:
            since, has_changed = now, True
        self._seen[path] = (stamp, since, has_changed)
        if now - since >= STALE_AFTER:
            return False
        return True if has_changed else None


def living_drivers(folder: Path) -> list[dict[str, Any]]:
    """Return the states of the drivers that seem to be at work on a store, as each last wrote it."""
    states = []
    for path in sorted((folder / "drivers").glob("*.json")):
        with contextlib.suppress(OSError):
            state, age = _read_state(path), time.time() - path.stat().st_mtime
            if _lives_here(state) if state.get("machine") == _machine() else state and age < STALE_AFTER:
                states.append(state)
    return states


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text())
    except ValueError:  # a machine lost power before its file was whole
        return {}
    return state if isinstance(state, dict) else {}


def _lives_here(state: Mapping[str, Any]) -> bool:
    """Return whether the process exists on this machine, and is not a later one with the same number."""
    return bool(state["born"]) and _birth(state["pid"]) == state["born"]


@cache
def _machine() -> str:
    """Return what tells this machine (and this namespace of process ids) from others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return socket.gethostname()


def _birth(pid: int) -> str:
    """Return when a process started, or an empty string when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if os.path.isdir("/proc/self"):
            return ""
        try:
            os.kill(pid, 0)
        except OSError:
            return ""
        return "alive"
    return "" if text[0] in "ZX" else text[19]
