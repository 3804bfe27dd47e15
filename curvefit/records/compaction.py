"""Compaction: closed segments become one Parquet file, and the manifest vouches for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from curvefit.errors import StoreError
from curvefit.records.files import file_digest, sync_folder
from curvefit.records.manifest import (
    Manifest,
    SealedPart,
    SealedSegment,
    Withdrawal,
    newest_withdrawals,
    read_manifest,
    write_manifest,
)
from curvefit.records.segment import SegmentContent, own_host, read_segment
from curvefit.records.store import RecordStore
from curvefit.records.table import to_table

_SILENCE = 3600.0
_ROWS = 4096
"""Rows of a group: what a damaged page takes with it."""


def compact_store(store: RecordStore, *, include_open: bool = False) -> int:
    """Seal the segments whose writers are done; return the number of rows sealed.

    The order of steps makes every moment safe: the Parquet file is written and read back, then the manifest
    takes it up, then the segments go. Segments with damaged lines stay as they are, for
    `curvefit.records.verify` to name.

    Parameters
    ----------
    store
        The store.
    include_open
        Also seal segments without a closing line whose writers are gone: killed. A writer holds a lock on its
        segment; of one on another machine, an hour of silence is asked for besides.
    """
    with lock_store(store):
        manifest = read_manifest(store.manifest)
        _remove(store, manifest.sealed_segments())
        segments = [read_segment(path) for path in sorted(store.segments.glob("*.jsonl"))]
        ready = [segment for segment in segments if _can_be_sealed(segment, include_open)]
        if not ready:
            return 0
        sources = tuple(
            SealedSegment(name=s.path.name, size=s.path.stat().st_size, sha256=file_digest(s.path))
            for s in ready
        )
        part = write_part(store, to_table([row for segment in ready for row in segment.records]), sources)
        withdrawn = [
            Withdrawal(run_id=run_id, at=at, reason=reason)
            for segment in ready
            for at, run_id, reason in segment.tombstones
        ]
        write_manifest(
            store.manifest,
            Manifest(
                parts=(*manifest.parts, part),
                withdrawn=newest_withdrawals((*manifest.withdrawn, *withdrawn)),
            ),
        )
        _remove(store, {segment.path.name for segment in ready})
        return part.rows


def _can_be_sealed(segment: SegmentContent, include_open: bool) -> bool:
    """Return whether all that was ever written to a segment is known to be there, and understood."""
    if not segment.begin or segment.others or any(not damage.unfinished for damage in segment.damages):
        return False
    if segment.count is not None:
        return not segment.damages and not segment.n_missing
    return include_open and _writer_is_gone(segment)


def _writer_is_gone(segment: SegmentContent) -> bool:
    if segment.begin["host"] != own_host() and time.time() - segment.path.stat().st_mtime < _SILENCE:
        return False
    with segment.path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def write_part(store: RecordStore, table: pa.Table, sources: tuple[SealedSegment, ...]) -> SealedPart:
    """Write a table of records as a Parquet file named by its digest, and read it back.

    Raises
    ------
    StoreError
        When it cannot be written, or does not read back as written.
    """
    draft = store.sealed / f".{secrets.token_hex(6)}.draft"
    try:
        store.sealed.mkdir(exist_ok=True)
        pq.write_table(table, draft, compression="zstd", write_page_checksum=True, row_group_size=_ROWS)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        if not pq.read_table(draft, partitioning=None).equals(table):
            raise StoreError(f"{draft} does not read back as written; the segments are intact")
        digest = file_digest(draft)
        os.replace(draft, store.sealed / f"part-{digest[:16]}.parquet")
        sync_folder(store.sealed)
    except (OSError, pa.ArrowException) as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot seal {store.path}: {error}; the segments are intact") from error
    return SealedPart(
        name=f"part-{digest[:16]}.parquet", sha256=digest, rows=table.num_rows, segments=sources
    )


def _remove(store: RecordStore, names: set[str]) -> None:
    for name in names:
        (store.segments / name).unlink(missing_ok=True)


@contextlib.contextmanager
def lock_store(store: RecordStore) -> Iterator[None]:
    """Keep others from changing the manifest."""
    try:
        file = (store.path / ".compaction.lock").open("w")
    except OSError as error:
        raise StoreError(f"store {store.path} cannot be written: {error.strerror}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
