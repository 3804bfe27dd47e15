"""RecordStore: a folder of records that many processes write to at once and none can spoil.

Layout::

    segments/*.jsonl     append-only, one per writer, a checksum per line
    sealed/*.parquet     compacted segments
    manifest.json        the sealed files with their SHA-256
    traces/*.jsonl       sidecars in the format of segments: learned curves during training

The newest record of a run counts; a tombstone withdraws the records written before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curvefit.errors import DataFileError, StoreError, UnknownNameError
from curvefit.records.files import cannot_write, file_digest
from curvefit.records.manifest import REPAIR, Manifest, SealedPart, read_manifest
from curvefit.records.plans import relabelled
from curvefit.records.record import RunRecord
from curvefit.records.segment import SegmentContent, read_segment
from curvefit.records.table import SCHEMA, SORT_KEYS, conform, to_records, to_table
from curvefit.records.writer import SegmentWriter

_ATTEMPTS = 5
_ORDER = [(key, "ascending") for key in SORT_KEYS]


@dataclass(frozen=True, slots=True)
class RecordStore:
    """A store of run records.

    Parameters
    ----------
    path
        Its folder.
    """

    path: Path

    @property
    def segments(self) -> Path:
        """Folder of the append-only segments."""
        return self.path / "segments"

    @property
    def sealed(self) -> Path:
        """Folder of the compacted Parquet files."""
        return self.path / "sealed"

    @property
    def traces(self) -> Path:
        """Folder of the sidecars: learned curves during training."""
        return self.path / "traces"

    @property
    def plans(self) -> Path:
        """Folder of the study files as they were run, and the lists of their runs."""
        return self.path / "plans"

    @property
    def manifest(self) -> Path:
        """File that lists the sealed parts."""
        return self.path / "manifest.json"

    def create(self) -> RecordStore:
        """Make the folders where they are absent, and return the store.

        Raises
        ------
        StoreError
            When the place cannot be written.
        """
        try:
            for folder in (self.segments, self.sealed):
                folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.segments, os.W_OK):
                raise PermissionError(13, "the folder may not be written")
        except OSError as error:
            raise StoreError(f"store {self.path} cannot be written: {error.strerror}") from error
        return self

    def exists(self) -> bool:
        """Return whether the folder is a store."""
        return self.segments.is_dir() or self.manifest.is_file()

    def need(self) -> RecordStore:
        """Return the store itself.

        Raises
        ------
        DataFileError
            When the folder is no store.
        """
        if not self.exists():
            raise DataFileError(f"{self.path} is not a record store: it has no segments folder")
        return self

    def writer(
        self, *, provenance: Mapping[str, Any] | None = None, sync: bool = True, traces: bool = False
    ) -> SegmentWriter:
        """Return a writer with a segment of its own; use it as a context manager.

        Parameters
        ----------
        provenance, sync
            See `SegmentWriter`.
        traces
            Whether to keep the traces that records bring (see `curvefit.records.traces`).
        """
        sidecar = None
        if traces:
            try:
                self.traces.mkdir(exist_ok=True)
            except OSError as error:
                raise cannot_write(self.traces, error) from error
            sidecar = SegmentWriter(self.traces, sync=False)
        return SegmentWriter(self.segments, provenance=provenance, sync=sync, sidecar=sidecar)

    def withdraw(self, run_ids: Iterable[str], *, reason: str) -> None:
        """Write tombstones: the records of these runs no longer count, and the runs are to be done again.

        Raises
        ------
        UnknownNameError
            For an id that no record has.
        """
        run_ids = set(run_ids)
        table = self.read_table().select(["run_id", "written_at"]).to_pydict()
        dated = dict(zip(table["run_id"], table["written_at"]))
        if unknown := sorted(run_ids - dated.keys()):
            raise UnknownNameError(f"{self.path} has no record of: {', '.join(unknown[:10])}")
        dates = [dated[run_id] for run_id in run_ids]
        with self.writer() as writer:  # a machine whose clock is ahead may have dated them later than now
            writer.append_tombstones(sorted(run_ids), reason=reason, after=max(dates, default=0))

    def read_table(self, beginning: str = "") -> pa.Table:
        """Return the current record of every run as a table (see `curvefit.records.table.SCHEMA`).

        Rows are sorted by triplet, size and seed, so equal records give an equal table whatever the order
        of writing. Study and labels of a run are those of the study that asked for it last, for they may change. Lines
        that do not check are left out; `curvefit.records.verify` names them.

        Parameters
        ----------
        beginning
            Only runs whose ids begin so; of a large store one run is read much faster than all.

        Raises
        ------
        StoreError
            When a sealed part does not match its digest, or the manifest is damaged.
        """
        manifest, segments = self._snapshot(beginning)
        asked = pc.starts_with(pc.field("run_id"), beginning)
        tables = [self.read_part(part).filter(asked) for part in manifest.parts]
        tables.append(to_table([row for segment in segments for row in segment.records]).filter(asked))
        dates = [(w.run_id, w.at) for w in manifest.withdrawn]
        dates += [(run_id, at) for segment in segments for at, run_id, _ in segment.tombstones]
        table = _current(pa.concat_tables(tables), _newest(dates))
        return relabelled(table, self.plans).sort_by(_ORDER)

    def read_records(self) -> list[RunRecord]:
        """Return the current record of every run, sorted by triplet, size and seed."""
        return to_records(self.read_table())

    def _snapshot(self, beginning: str) -> tuple[Manifest, list[SegmentContent]]:
        """Return the manifest and, of runs whose ids begin so, the contents of the segments it has not sealed.

        Segments are listed before the manifest is read: one that is sealed meanwhile is then in the
        manifest, and one that vanished before it could be read means starting over.
        """
        self.need()
        for _ in range(_ATTEMPTS):
            paths = sorted(self.segments.glob("*.jsonl"))
            manifest = read_manifest(self.manifest)
            wanted = (lambda run_id: run_id.startswith(beginning)) if beginning else None
            try:
                return manifest, [read_segment(path, wanted=wanted) for path in manifest.unsealed(paths)]
            except FileNotFoundError:
                continue
        raise StoreError(f"store {self.path} changes too quickly to be read")

    def read_part(self, part: SealedPart, *, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
        """Return columns of a sealed part, after checking its digest."""
        path = self.sealed / part.name
        if not path.is_file():
            raise StoreError(f"sealed part {path} is missing although the manifest lists it; {REPAIR}")
        if file_digest(path) != part.sha256:
            raise StoreError(f"sealed part {path} is damaged: its SHA-256 does not match; {REPAIR}")
        there = [name for name in pq.read_schema(path).names if name in columns]
        return conform(pq.read_table(path, columns=there, partitioning=None), columns)


def read_table(path: str | Path) -> pa.Table:
    """Return the records of a store (or of one segment or Parquet file) as an Arrow table.

    Parameters
    ----------
    path
        A store's folder, a ``.jsonl`` segment or a ``.parquet`` file of records.

    Returns
    -------
    pyarrow.Table
        One row a run, columns as the fields of `RunRecord`; nested ones as JSON text.

    Raises
    ------
    DataFileError
        When there is nothing to read.
    StoreError
        When what is there is damaged.
    """
    path = Path(path)
    if path.is_dir():
        return RecordStore(path).read_table()
    if not path.is_file():
        raise DataFileError(f"{path} does not exist; expected a store's folder")
    if path.suffix == ".parquet":
        return _current(conform(pq.read_table(path, partitioning=None)), {})
    content = read_segment(path)
    return _current(to_table(content.records), _newest((run_id, at) for at, run_id, _ in content.tombstones))


def read_records(path: str | Path) -> list[RunRecord]:
    """Return the records of a store as `RunRecord` objects; see `read_table`."""
    return to_records(read_table(path))


def _newest(withdrawals: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the date of the newest withdrawal of every run."""
    return dict(sorted(withdrawals, key=lambda withdrawal: withdrawal[1]))


def _current(table: pa.Table, withdrawn: Mapping[str, int]) -> pa.Table:
    """Return the newest row of every run that is not withdrawn, sorted."""
    if table.num_rows == 0:
        return SCHEMA.empty_table()
    newest: dict[str, tuple[int, int]] = {}
    run_ids, times = table["run_id"].to_pylist(), table["written_at"].to_pylist()
    for row, (run_id, at) in enumerate(zip(run_ids, times)):
        if at >= newest.get(run_id, (0, 0))[0] and at > withdrawn.get(run_id, -1):
            newest[run_id] = (at, row)
    if len(newest) < table.num_rows:
        table = table.take(pa.array(sorted(row for _, row in newest.values()), pa.int64()))
    return table.sort_by(_ORDER)
