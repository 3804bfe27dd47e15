"""Compaction: closed segments become one Parquet file, and the manifest vouches for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

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
from curvefit.records.segment import SegmentContent, read_segment
from curvefit.records.store import RecordStore
from curvefit.records.table import to_table
from curvefit.records.writer import own_host

_SILENCE = 3600.0
_ROWS = 4096
"""Rows of a group: what a damaged page takes with it."""


class NoLocksError(StoreError):
    """A store on a file system without locks: all that needs its manifest alone is refused, records are not."""


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

    Raises
    ------
    NoLocksError
        When the file system of the store has no locks: nothing is sealed then, and all is read as before.
    StoreError
        When the store cannot be written; the segments are intact.
    """
    with lock_store(store):
        manifest = read_manifest(store.manifest)
        _remove_sealed(store, manifest)
        found = [_read_complete(path, include_open) for path in sorted(store.segments.glob("*.jsonl"))]
        ready = [segment for segment in found if segment is not None]
        if not ready:
            return 0
        sources = tuple(
            SealedSegment(name=s.path.name, size=s.size, sha256=file_digest(s.path)) for s in ready
        )
        part = write_part(store, to_table([row for segment in ready for row in segment.records]), sources)
        withdrawn = [
            Withdrawal(run_id=run_id, at=at, reason=reason)
            for segment in ready
            for at, run_id, reason in segment.tombstones
        ]
        manifest = Manifest(
            parts=(*manifest.parts, part),
            withdrawn=newest_withdrawals((*manifest.withdrawn, *withdrawn)),
        )
        write_manifest(store.manifest, manifest)
        _remove_sealed(store, manifest)
        return part.rows


def _read_complete(path: Path, include_open: bool) -> SegmentContent | None:
    """Return a segment if all that was ever written to it is known to be there, and understood."""
    segment = read_segment(path)
    if segment.count is None:
        if not include_open or not writer_is_gone(segment):
            return None
        segment = read_segment(path)  # with what it wrote after the first reading
    return segment if segment.begin and segment.is_sound and not segment.others else None


def writer_is_gone(segment: SegmentContent) -> bool:
    """Return whether nothing will be added to a segment that has no closing line."""
    if segment.begin.get("host") != own_host() and time.time() - segment.path.stat().st_mtime < _SILENCE:
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


def _remove_sealed(store: RecordStore, manifest: Manifest) -> None:
    paths = set(store.segments.glob("*.jsonl"))
    for path in paths.difference(manifest.unsealed(paths)):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def lock_store(store: RecordStore) -> Iterator[None]:
    """Keep others from changing the manifest.

    Raises
    ------
    NoLocksError
        When the file system of the store has no locks.
    StoreError
        When the store cannot be written.
    """
    try:
        file = (store.path / ".compaction.lock").open("w")
    except OSError as error:
        raise StoreError(f"store {store.path} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise NoLocksError(
                f"store {store.path} cannot be locked ({error.strerror}); its segments and manifest stay as they are"
            ) from error
        yield
