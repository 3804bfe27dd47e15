"""RunIndex: which runs a store holds, kept up to date by reading only what was added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curvefit.records.segment import SegmentContent, read_segment
from curvefit.records.store import RecordStore


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest record of a run: when it was written (ns since 1970), status, seconds, and message."""

    at: int
    status: str
    seconds: float | None
    message: str = ""


class RunIndex:
    """The newest entry of every run of a store.

    Parameters
    ----------
    store
        The store to watch.
    """

    def __init__(self, store: RecordStore) -> None:
        self.store = store
        self.entries: dict[str, Entry] = {}
        self._load()

    def refresh(self) -> None:
        """Read what was written since the last call; all of it after a compaction."""
        if self._manifest_stamp() != self._stamp:
            self._load()
            return
        for path in self.store.segments.glob("*.jsonl"):
            self._read(path)

    def _load(self) -> None:
        self._withdrawn: dict[str, int] = {}
        self._segments: dict[str, SegmentContent] = {}
        self._sizes: dict[str, int] = {}
        self._stamp = self._manifest_stamp()
        table = self.store.read_table()
        columns = [
            table[name].to_pylist() for name in ("run_id", "written_at", "status", "seconds", "message")
        ]
        self.entries = {run_id: Entry(*entry) for run_id, *entry in zip(*columns)}
        for path in self.store.segments.glob("*.jsonl"):
            self._read(path)

    def _manifest_stamp(self) -> tuple[int, int]:
        try:
            found = self.store.manifest.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _read(self, path: Path) -> None:
        try:
            size = path.stat().st_size
            if size == self._sizes.get(path.name):
                return
            content = read_segment(path, after=self._segments.get(path.name))
        except FileNotFoundError:  # sealed meanwhile: the manifest has changed, the next call reads it
            return
        for at, run_id, _ in content.tombstones:
            self._withdrawn[run_id] = max(at, self._withdrawn.get(run_id, 0))
            if run_id in self.entries and self.entries[run_id].at <= at:
                del self.entries[run_id]
        for at, record in content.records:
            run_id = record["run_id"]
            known = self.entries.get(run_id)
            if at > self._withdrawn.get(run_id, -1) and (known is None or at >= known.at):
                self.entries[run_id] = Entry(at, record["status"], record["seconds"], record["message"])
        content.records, content.tombstones = [], []
        self._segments[path.name], self._sizes[path.name] = content, size
