"""Claims: which driver does which chunk."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from curvefit.records.files import cannot_write
from runners.engine.life import Heartbeat, Onlooker


class Claims:
    """The claims of one driver on the chunks of a store.

    A claim is a file that only one process can create. It names its driver, and as long as that lives
    nobody else does the chunk; the claims of a dead one are taken over.

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
        self._folder, self._drivers = folder / "claims", folder / "drivers"
        self._held: set[str] = set()
        self._unclear: set[str] = set()
        self._onlooker = Onlooker()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.heartbeat = Heartbeat(self._drivers)
        except OSError as error:
            raise cannot_write(folder, error) from error

    @property
    def driver(self) -> str:
        """Name of this driver."""
        return self.heartbeat.driver

    @property
    def is_unclear(self) -> bool:
        """Whether a chunk that was refused is held by a driver of which nobody knows yet if it lives."""
        return bool(self._unclear)

    def take(self, chunk: str) -> bool:
        """Return whether the chunk is ours now.

        Raises
        ------
        StoreError
            When the folder can no longer be written.
        """
        path = self._folder / chunk
        self._unclear.discard(chunk)
        try:
            taken = self._create(path) or self._take_over(path)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        if taken:
            self._held.add(chunk)
        return taken

    def release(self, chunk: str) -> None:
        """Give a chunk back: done, or for others to do."""
        if chunk in self._held:
            self._held.discard(chunk)
            with contextlib.suppress(OSError):
                if (self._folder / chunk).read_text() == self.driver:  # else others thought us dead
                    (self._folder / chunk).unlink()

    def close(self) -> None:
        """Give everything back and sign off."""
        for chunk in tuple(self._held):
            self.release(chunk)
        self.heartbeat.end()

    def _create(self, path: Path) -> bool:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write(self.driver)
        return True

    def _take_over(self, path: Path) -> bool:
        """Take the claim of a dead driver; a lock sees to it that only one does."""
        if self._is_held(path):
            return False
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_held(path):
                return False
            path.unlink(missing_ok=True)
            return self._create(path)

    def _is_held(self, path: Path) -> bool:
        try:
            owner = path.read_text()
        except FileNotFoundError:
            return False
        # Without an owner: a driver that died, or is about to write its name.
        lives = self._onlooker.is_alive(self._drivers / f"{owner}.json" if owner else path)
        if lives is None:
            self._unclear.add(path.name)
        return lives is not False
