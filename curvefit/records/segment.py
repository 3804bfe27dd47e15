"""Segments: append-only files, one per writer, in which a record is durable before anyone counts it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from curvefit.errors import StoreError
from curvefit.records.lines import Damage, decode_lines, encode_line
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

    Raises
    ------
    StoreError
        When the folder cannot be written, or the disk is full. What was written before stays intact.
    """

    def __init__(
        self, folder: Path, *, provenance: Mapping[str, Any] | None = None, sync: bool = True
    ) -> None:
        host = own_host()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.name = f"{stamp}-{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self.path = folder / f"{self.name}.jsonl"
        self.count = 0
        self._provenance = dict(provenance or {})
        self._sync = sync
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        _hold(self._file)
        self._end = 0
        begin = {"kind": "begin", "writer": self.name, "host": host, "pid": os.getpid()}
        self._write([{**begin, "at": time.time_ns(), "provenance": self._provenance}])

    def append(self, record: RunRecord) -> None:
        """Write one record; when this returns, it is durable."""
        self.extend([record])

    def extend(self, records: Iterable[RunRecord]) -> None:
        """Write records with one flush for all of them."""
        bodies = []
        for record in records:
            values = record.to_dict()
            shared = self._provenance
            values["provenance"] = {
                key: value
                for key, value in record.provenance.items()
                if key not in shared or shared[key] != value
            }
            bodies.append({"kind": "record", "at": time.time_ns(), "record": values})
        self._write(bodies)
        self.count += len(bodies)

    def append_tombstones(self, run_ids: Iterable[str], *, reason: str) -> None:
        """Withdraw earlier records; they stay in the files, and are no longer read."""
        at = time.time_ns()
        bodies = [{"kind": "tombstone", "at": at, "run_id": run_id, "reason": reason} for run_id in run_ids]
        self._write(bodies)
        self.count += len(bodies)

    def close(self) -> None:
        """Write the closing line, which says how many lines there should be."""
        if self._file >= 0:
            try:
                self._write([{"kind": "end", "at": time.time_ns(), "count": self.count}])
            finally:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, bodies: list[dict[str, Any]]) -> None:
        content = b"".join(map(encode_line, bodies))
        try:
            done = 0
            while done < len(content):
                done += os.write(self._file, content[done:])
            if self._sync:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise _cannot_write(self.path, error) from error
        self._end += len(content)


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


def _cannot_write(path: Path, error: OSError) -> StoreError:
    reason = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "the folder may not be written",
        errno.EROFS: "the file system is read-only",
        errno.ENOENT: "the folder is missing",
    }.get(error.errno or 0, error.strerror or str(error))
    return StoreError(f"cannot write {path}: {reason}; records written before are intact")


@dataclass(slots=True)
class SegmentContent:
    """What a segment, or the part of it after `offset`, holds.

    Parameters
    ----------
    records
        ``(time in ns, record as a dictionary)``, provenance completed from the first line.
    tombstones
        ``(time in ns, run id, reason)``.
    damages
        Lines that cannot be trusted.
    count
        Lines the closing line promises, or None while the segment is open.
    begin
        The first line: writer, host, process, shared provenance.
    offset, n_lines
        Where reading stopped (the end of the last complete line), for reading on later.
    """

    path: Path
    records: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    tombstones: list[tuple[int, str, str]] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    count: int | None = None
    begin: dict[str, Any] = field(default_factory=dict)
    offset: int = 0
    n_lines: int = 0


def read_segment(path: Path, *, after: SegmentContent | None = None) -> SegmentContent:
    """Read a segment, or what was added to it since `after` was read.

    Raises
    ------
    FileNotFoundError
        When it is gone (sealed in the meantime).
    """
    content = SegmentContent(path)
    if after is not None:
        content.begin, content.offset, content.n_lines = after.begin, after.offset, after.n_lines
    with path.open("rb") as file:
        file.seek(content.offset)
        data = file.read()
    for body in decode_lines(data, first_line=content.n_lines + 1):
        if isinstance(body, Damage):
            content.damages.append(body)
        elif body["kind"] == "record":
            record = body["record"]
            record["provenance"] = {**content.begin.get("provenance", {}), **record["provenance"]}
            content.records.append((body["at"], record))
        elif body["kind"] == "tombstone":
            content.tombstones.append((body["at"], body["run_id"], body["reason"]))
        elif body["kind"] == "begin":
            content.begin = body
        elif body["kind"] == "end":
            content.count = body["count"]
    complete = data.rfind(b"\n") + 1
    content.offset += complete
    content.n_lines += data.count(b"\n", 0, complete)
    return content
