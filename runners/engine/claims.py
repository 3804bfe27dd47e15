"""Claims: which driver does which chunk, and whether that driver still lives."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curvefit.errors import StoreError

HEARTBEAT = 5.0
"""Seconds between two signs of life."""
STALE_AFTER = 60.0
"""Seconds without one after which a driver on another machine counts as dead."""


class Claims:
    """The claims of one driver on the chunks of a store.

    A claim is a file that only one process can create. It names its driver, and the driver keeps a file with
    its state up to date; when that stops, others take its chunks over. A driver that died on this machine
    is noticed at once by its process id.

    Parameters
    ----------
    folder
        The store's folder.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.driver = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}-{secrets.token_hex(3)}"
        self._claims, self._drivers = folder / "claims", folder / "drivers"
        self._held: set[str] = set()
        self._beaten = 0.0
        self._identity = {
            "driver": self.driver,
            "host": socket.gethostname(),
            "machine": _machine(),
            "pid": os.getpid(),
            "born": _birth(os.getpid()),
            "started": time.time(),
        }
        try:
            self._claims.mkdir(parents=True, exist_ok=True)
            self._drivers.mkdir(parents=True, exist_ok=True)
            self.beat({}, force=True)
        except OSError as error:
            raise StoreError(f"store {folder} cannot be written: {error.strerror}") from error

    def beat(self, state: Mapping[str, Any], *, force: bool = False) -> None:
        """Give a sign of life, with the state that `status` shows."""
        now = time.monotonic()
        if force or now - self._beaten >= HEARTBEAT:
            path = self._drivers / f"{self.driver}.json"
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps({**self._identity, "at": time.time(), **state}))
            os.replace(draft, path)
            self._beaten = now

    def take(self, chunk: str) -> bool:
        """Return whether the chunk is ours now."""
        path = self._claims / chunk
        if not self._create(path) and not self._take_over(path):
            return False
        self._held.add(chunk)
        return True

    def release(self, chunk: str) -> None:
        """Give a chunk back: done, or for others to do."""
        if chunk in self._held:
            self._held.discard(chunk)
            (self._claims / chunk).unlink(missing_ok=True)

    def close(self) -> None:
        """Give everything back and sign off."""
        for chunk in tuple(self._held):
            self.release(chunk)
        (self._drivers / f"{self.driver}.json").unlink(missing_ok=True)

    def others(self) -> list[dict[str, Any]]:
        """Return the states of the other drivers that live."""
        return [s for s in living_drivers(self._drivers.parent) if s["driver"] != self.driver]

    def _create(self, path: Path) -> bool:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(f"cannot claim work in {path.parent}: {error.strerror}") from error
        with os.fdopen(descriptor, "w") as file:
            file.write(self.driver)
        return True

    def _take_over(self, path: Path) -> bool:
        """Take the claim of a dead driver; a lock sees to it that only one does."""
        if self._is_held(path):
            return False
        with (self._claims / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_held(path):
                return False
            path.unlink(missing_ok=True)
            return self._create(path)

    def _is_held(self, path: Path) -> bool:
        try:
            owner = path.read_text()
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return False
        if not owner:
            return age < STALE_AFTER
        return _is_alive(self._drivers / f"{owner}.json")


def living_drivers(folder: Path) -> list[dict[str, Any]]:
    """Return the states of the drivers at work on a store, as each last wrote it."""
    states = []
    for path in sorted((folder / "drivers").glob("*.json")):
        if _is_alive(path):
            states.append(json.loads(path.read_text()))
    return states


def _is_alive(path: Path) -> bool:
    try:
        state = json.loads(path.read_text())
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    if state["machine"] == _machine():
        return _birth(state["pid"]) == state["born"] and bool(state["born"])
    return age < STALE_AFTER


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
