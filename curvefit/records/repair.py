"""Repair: go on without what is damaged, keep what can be trusted, and set the rest aside as evidence."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curvefit.errors import StoreError
from curvefit.records.compaction import lock_store, write_part, writer_is_gone
from curvefit.records.files import file_digest, replace_file
from curvefit.records.lines import Damage, decode_lines, encode_line
from curvefit.records.manifest import (
    DamagedManifestError,
    Manifest,
    SealedPart,
    read_manifest,
    write_manifest,
)
from curvefit.records.segment import read_segment
from curvefit.records.store import RecordStore
from curvefit.records.table import SCHEMA
from curvefit.records.writer import own_host


def repair_store(store: RecordStore) -> list[str]:
    """Make a store readable again and return a sentence for every thing done; nothing is deleted.

    A damaged manifest is made anew from the sealed parts, whose names tell their digests. Of a damaged part,
    the row groups that pass their page checksums are sealed again; of a damaged segment, whose writer is done, the
    lines that check are written anew. Damaged files go to ``damaged/``. Runs that are without a record then are done
    again by the next ``curvefit run``.
    """
    done: list[str] = []
    with lock_store(store):
        try:
            manifest = read_manifest(store.manifest)
        except DamagedManifestError:
            manifest = _manifest_from_parts(store)
            _set_aside(store, store.manifest)
            done.append(
                f"manifest.json: made anew from {len(manifest.parts)} sealed parts; "
                "withdrawals that it noted are gone, so withdraw again what is to be withdrawn"
            )
        parts = [kept for part in manifest.parts if (kept := _repair_part(store, part, done)) is not None]
        if done:
            write_manifest(store.manifest, manifest.model_copy(update={"parts": tuple(parts)}))
        for folder in (store.segments, store.traces):
            for path in sorted(folder.glob("*.jsonl")):
                _repair_segment(store, path, done)
    return done


def _manifest_from_parts(store: RecordStore) -> Manifest:
    parts = []
    for path in sorted(store.sealed.glob("part-*.parquet")):
        digest = file_digest(path)
        if path.stem == f"part-{digest[:16]}":
            rows = pq.ParquetFile(path).metadata.num_rows
            parts.append(SealedPart(name=path.name, sha256=digest, rows=rows))
        else:
            parts.append(SealedPart(name=path.name, sha256=path.stem.removeprefix("part-"), rows=0))
    return Manifest(parts=tuple(parts))


def _repair_part(store: RecordStore, part: SealedPart, done: list[str]) -> SealedPart | None:
    """Return the part that stands for `part` from now on, or None when nothing of it is left."""
    path = store.sealed / part.name
    if not path.is_file():
        done.append(f"sealed/{part.name}: missing with {part.rows} records, no longer listed")
        return None
    if file_digest(path) == part.sha256:
        return part
    table = rows_that_check(path)
    saved = write_part(store, table, part.segments) if table.num_rows else None
    _set_aside(store, path)
    done.append(f"sealed/{part.name}: {table.num_rows} of {part.rows} records kept; file set aside")
    return saved


def _repair_segment(store: RecordStore, path: Path, done: list[str]) -> None:
    """Write the lines of a damaged segment, or sidecar of traces, that check to a new one, under a new name."""
    segment = read_segment(path)
    if segment.is_sound or (segment.count is None and not writer_is_gone(segment)):
        return
    lines = [line for line in decode_lines(path.read_bytes()) if not isinstance(line, Damage)]
    kept = [line for line in lines if line["kind"] not in ("begin", "end")]
    begin = segment.begin or {"kind": "begin", "writer": path.stem, "host": own_host(), "provenance": {}}
    content = b"".join(map(encode_line, [begin, *kept, {"kind": "end", "count": len(kept)}]))
    replace_file(path.with_stem(f"{path.stem}-repaired"), content)
    _set_aside(store, path)
    done.append(f"{path.parent.name}/{path.name}: {len(kept)} lines kept; file set aside")


def rows_that_check(path: Path) -> pa.Table:
    """Return the rows of a damaged Parquet file whose pages pass their checksums."""
    tables = []
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        if file.schema_arrow.names != SCHEMA.names:
            return SCHEMA.empty_table()
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group).cast(SCHEMA)
                table.validate(full=True)
                tables.append(table)
            except (OSError, ValueError, pa.ArrowException):
                continue
    except (OSError, ValueError, pa.ArrowException):
        return SCHEMA.empty_table()
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _set_aside(store: RecordStore, path: Path) -> None:
    folder = store.path / "damaged"
    try:
        folder.mkdir(exist_ok=True)
        os.replace(path, folder / path.name)
    except OSError as error:
        raise StoreError(f"cannot set {path} aside: {error.strerror}") from error
