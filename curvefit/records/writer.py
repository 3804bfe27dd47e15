"""Writers of segments: append-only files, one per writer, in which a record is durable before anyone counts it."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from curvefit.errors import StoreError
from curvefit.records.files import cannot_write, sync_folder
from curvefit.records.lines import encode_line
from curvefit.records.record import RunRecord


class SegmentWriter:
    """Appends records to a segment of its own; no other process ever writes to that file.

    Parameters
    ----------
    folder
        The store's folder of segments.
    provenance
        What all records of this writer share; said once, in the first line.
    sync
        Whether every record is forced to the disk (survives a power cut, not only a kill).
    sidecar
        Takes the traces that records bring in ``extra["trace"]``; None drops them.

    Raises
    ------
    StoreError
        When the folder cannot be written, or the disk is full. What was written before stays intact.
    """

    def __init__(
        self,
        folder: Path,
        *,
        provenance: Mapping[str, Any] | None = None,
        sync: bool = True,
        sidecar: SegmentWriter | None = None,
    ) -> None:
        host = own_host()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.name = f"{stamp}-{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self.path = folder / f"{self.name}.jsonl"
        self.count = 0
        self._provenance = dict(provenance or {})
        self._sync = sync
        self._sidecar = sidecar
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            if sync:
                sync_folder(folder)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        _hold(self._file)
        self._end = 0
        self._last = 0
        begin = {"kind": "begin", "writer": self.name, "host": host, "pid": os.getpid()}
        self._write([{**begin, "at": self._date(), "provenance": self._provenance}])

    def append(self, record: RunRecord, *, after: int = 0) -> None:
        """Write one record; when this returns, it is durable."""
        self.extend([record], after=after)

    def extend(self, records: Iterable[RunRecord], *, after: int = 0) -> None:
        """Write records with one flush for all of them.

        Parameters
        ----------
        records
            What to write.
        after
            Date (ns since 1970) of what these records replace: they are dated later, whatever the clock of
            this machine says.
        """
        bodies = []
        for record in records:
            values = record.to_dict()
            trace = values["extra"].pop("trace", None)
            if trace and self._sidecar is not None:
                self._sidecar.append_trace(record.run_id, trace)
            shared = self._provenance
            values["provenance"] = {
                key: value
                for key, value in record.provenance.items()
                if key not in shared or shared[key] != value
            }
            bodies.append({"kind": "record", "at": self._date(after), "record": values})
        self._write(bodies)
        self.count += len(bodies)

    def append_trace(self, run_id: str, trace: Mapping[str, list[Any]]) -> None:
        """Write one trace: column name to values, one for every look at the run."""
        self._write([{"kind": "trace", "at": self._date(), "run_id": run_id, "trace": trace}])
        self.count += 1

    def append_tombstones(self, run_ids: Iterable[str], *, reason: str, after: int = 0) -> None:
        """Withdraw records dated up to now (or `after`); they stay in the files, and are no longer read."""
        at = self._date(after)
        bodies = [{"kind": "tombstone", "at": at, "run_id": run_id, "reason": reason} for run_id in run_ids]
        self._write(bodies)
        self.count += len(bodies)

    def close(self) -> None:
        """Write the closing line, which says how many lines there should be."""
        if self._sidecar is not None:
            self._sidecar.close()
        if self._file >= 0:
            try:
                self._write([{"kind": "end", "at": self._date(), "count": self.count}])
            finally:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _date(self, after: int = 0) -> int:
        """Return the time in ns since 1970, later than `after` and than any date this writer gave."""
        self._last = max(time.time_ns(), after + 1, self._last + 1)
        return self._last

    def _write(self, bodies: list[dict[str, Any]]) -> None:
        if self._file < 0:
            raise StoreError(f"cannot write {self.path}: it is closed")
        content = b"".join(map(encode_line, bodies))
        try:
            done = 0
            while done < len(content):
                done += os.write(self._file, content[done:])
            if self._sync:
                os.fsync(self._file)
        except OSError as error:
            self._undo()
            raise cannot_write(self.path, error) from error
        self._end += len(content)

    def _undo(self) -> None:
        """Cut off what was half written, so that the next line starts afresh; else write no more."""
        try:
            os.ftruncate(self._file, self._end)
        except OSError:
            os.close(self._file)
            self._file = -1


def own_host() -> str:
    """Return the short name of this machine."""
    return socket.gethostname().split(".")[0] or "host"


def _hold(descriptor: int) -> None:
    """Lock a file for as long as its writer lives; compaction looks at it.

    Where there are no locks (some network file systems), compaction leaves open segments alone.
    """
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
