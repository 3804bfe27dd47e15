"""RunIndex: which runs a store holds, kept up to date by reading only what was added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curvefit.records.manifest import read_manifest
from curvefit.records.segment import SegmentContent, read_segment
from curvefit.records.store import RecordStore

_COLUMNS = ("run_id", "written_at", "status", "seconds", "message")


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
        self._withdrawn: dict[str, int] = {}
        self._load()

    def refresh(self) -> bool:
        """Read what was written since the last call, all of it after a compaction; return whether it changed."""
        if self._manifest_stamp() != self._stamp:
            self._load()
            return True
        return sum(map(self._read, self.store.segments.glob("*.jsonl"))) > 0

    def newest(self, run_ids: Collection[str]) -> int:
        """Return the date of the newest record or withdrawal of any of these runs; 0 when there is none."""
        dates = [self.entries[run_id].at for run_id in run_ids if run_id in self.entries]
        dates += [self._withdrawn[run_id] for run_id in run_ids if run_id in self._withdrawn]
        return max(dates, default=0)

    def _load(self) -> None:
        while True:
            self.entries, self._withdrawn = {}, {}
            self._segments: dict[str, SegmentContent] = {}
            self._stamp = self._manifest_stamp()
            manifest = read_manifest(self.store.manifest)
            for withdrawal in manifest.withdrawn:
                self._withdraw(withdrawal.run_id, withdrawal.at)
            for part in manifest.parts:
                table = self.store.read_part(part, columns=_COLUMNS)
                for run_id, *entry in zip(*(table[name].to_pylist() for name in _COLUMNS)):
                    self._add(run_id, Entry(*entry))
            for path in self.store.segments.glob("*.jsonl"):
                self._read(path)
            if self._manifest_stamp() == self._stamp:  # else segments were sealed under our eyes
                return

    def _manifest_stamp(self) -> tuple[int, int]:
        try:
            found = self.store.manifest.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _read(self, path: Path) -> bool:
        before = self._segments.get(path.name)
        if before is not None and before.count is not None:  # closed
            return False
        try:
            if before is not None and path.stat().st_size == before.size:
                return False
            content = read_segment(path, after=before, take=self._take)
        except FileNotFoundError:  # sealed meanwhile: the manifest has changed, the next call reads it
            return False
        for at, run_id, _ in content.tombstones:
            self._withdraw(run_id, at)
        content.tombstones = []
        self._segments[path.name] = content
        return True

    def _take(self, at: int, record: dict[str, Any]) -> None:
        entry = Entry(at, record.get("status", "ok"), record.get("seconds"), record.get("message", ""))
        self._add(record["run_id"], entry)

    def _add(self, run_id: str, entry: Entry) -> None:
        known = self.entries.get(run_id)
        if entry.at > self._withdrawn.get(run_id, -1) and (known is None or entry.at >= known.at):
            self.entries[run_id] = entry

    def _withdraw(self, run_id: str, at: int) -> None:
        self._withdrawn[run_id] = max(at, self._withdrawn.get(run_id, 0))
        if run_id in self.entries and self.entries[run_id].at <= at:
            del self.entries[run_id]
