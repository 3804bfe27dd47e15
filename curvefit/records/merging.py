"""Merging: the records of several stores in one, for machines that share no file system."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from curvefit.errors import CurvefitError, StoreError
from curvefit.records.compaction import lock_store
from curvefit.records.files import sync_folder
from curvefit.records.manifest import REPAIR, newest_withdrawals, read_manifest, write_manifest
from curvefit.records.plans import merge_plans
from curvefit.records.store import RecordStore
from curvefit.records.verify import verify_store

_SIDE_FOLDERS = ("traces", "logs")


def merge_stores(into: RecordStore, others: Iterable[RecordStore]) -> RecordStore:
    """Copy what other stores hold into one; a run that several of them have counts once, the newest.

    Files keep their names, which are unique, and sealed parts their digests, so merging again copies only what
    is new: a source may still be written to, but nobody may be sealing it meanwhile.

    Raises
    ------
    DataFileError
        When a source is no store.
    StoreError
        When a source is damaged (nothing of it is copied then), or `into` cannot be written.
    """
    into.create()
    for other in others:
        try:
            _merge(into, other)
        except OSError as error:
            if isinstance(error, CurvefitError):
                raise
            raise StoreError(f"cannot copy {other.path} into {into.path}: {error}") from error
    return into


def _merge(into: RecordStore, other: RecordStore) -> None:
    found = verify_store(other.path)
    if not found.is_sound:
        problems = "\n".join(map(str, found.problems))
        raise StoreError(f"{other.path} is damaged, nothing of it is copied; {REPAIR}\n{problems}")
    with lock_store(into):
        ours, theirs = read_manifest(into.manifest), read_manifest(other.manifest)
        for part in theirs.parts:
            _copy(other.sealed / part.name, into.sealed)
        for segment in theirs.unsealed(ours.unsealed(other.segments.glob("*.jsonl"))):
            _copy(segment, into.segments)
        for name in _SIDE_FOLDERS:
            for file in (other.path / name).glob("*.*"):
                (into.path / name).mkdir(exist_ok=True)
                _copy(file, into.path / name)
        merge_plans(into.plans, other.plans)
        known = {part.name for part in ours.parts}
        parts = (*ours.parts, *(part for part in theirs.parts if part.name not in known))
        withdrawn = newest_withdrawals((*ours.withdrawn, *theirs.withdrawn))
        write_manifest(into.manifest, ours.model_copy(update={"parts": parts, "withdrawn": withdrawn}))


def _copy(file: Path, folder: Path) -> None:
    """Copy a file whole or not at all; one that is there already is left, unless it has grown."""
    target = folder / file.name
    if target.exists() and target.stat().st_size >= file.stat().st_size:
        return
    draft = folder / f".{file.name}.draft"
    shutil.copyfile(file, draft)
    draft.replace(target)
    sync_folder(folder)
