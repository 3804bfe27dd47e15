"""Merging: the records of several stores in one, for machines that share no file system."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from curvefit.errors import DataFileError, StoreError
from curvefit.records.compaction import lock_store
from curvefit.records.files import file_digest, sync_folder
from curvefit.records.manifest import newest_withdrawals, read_manifest, write_manifest
from curvefit.records.store import RecordStore

_SIDE_FOLDERS = ("traces", "logs", "plans")


def merge_stores(into: RecordStore, others: Iterable[RecordStore]) -> RecordStore:
    """Copy what other stores hold into one; a run that several of them have counts once, the newest.

    Files keep their names, which are unique, and sealed parts their digests, so merging again copies nothing
    twice. Nobody may be sealing a source meanwhile.

    Raises
    ------
    DataFileError
        When a source is no store.
    StoreError
        When a source is damaged, or `into` cannot be written.
    """
    into.create()
    for other in others:
        if not other.exists():
            raise DataFileError(f"{other.path} is not a record store: it has no segments folder")
        try:
            _merge(into, other)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot copy {other.path} into {into.path}: {error}") from error
    return into


def _merge(into: RecordStore, other: RecordStore) -> None:
    theirs = read_manifest(other.manifest)
    for part in theirs.parts:
        other.read_part(part, columns=())  # raises when it is damaged
        _copy(other.sealed / part.name, into.sealed)
    sealed = theirs.sealed_segments()
    for segment in other.segments.glob("*.jsonl"):
        if segment.name not in sealed:
            _copy(segment, into.segments)
    for name in _SIDE_FOLDERS:
        for file in (other.path / name).glob("*.*"):
            (into.path / name).mkdir(exist_ok=True)
            _copy(file, into.path / name)
    with lock_store(into):
        ours = read_manifest(into.manifest)
        known = {part.name for part in ours.parts}
        parts = (*ours.parts, *(part for part in theirs.parts if part.name not in known))
        withdrawn = newest_withdrawals((*ours.withdrawn, *theirs.withdrawn))
        write_manifest(into.manifest, ours.model_copy(update={"parts": parts, "withdrawn": withdrawn}))


def _copy(file: Path, folder: Path) -> None:
    """Copy a file whole or not at all; one that is there already is left, unless a segment has grown."""
    target = folder / file.name
    if target.exists() and (
        target.stat().st_size >= file.stat().st_size or file_digest(target) == file_digest(file)
    ):
        return
    draft = folder / f".{file.name}.draft"
    shutil.copyfile(file, draft)
    draft.replace(target)
    sync_folder(folder)
