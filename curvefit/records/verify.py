"""Verification: every damaged line and file of a store by name, and what can still be had from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from curvefit.errors import StoreError
from curvefit.records.files import file_digest
from curvefit.records.manifest import Manifest, SealedPart, read_manifest
from curvefit.records.repair import rows_that_check
from curvefit.records.segment import SegmentContent, read_segment
from curvefit.records.store import RecordStore


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a store.

    Parameters
    ----------
    file, line
        Where; line 0 stands for the whole file.
    reason
        What is wrong.
    run_id
        The run, where the damaged line still tells.
    """

    file: str
    line: int
    reason: str
    run_id: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        if self.run_id:
            rest = f"; run {self.run_id} still reads, but is not to be trusted and will be done again"
        else:
            rest = "; nothing of it reads" if self.line else ""
        return f"{place}: {self.reason}{rest}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of a store found.

    Parameters
    ----------
    problems
        Damage.
    notes
        Things to know that are no damage: a writer that was killed, a part not yet cleared away.
    n_records
        Lines and rows that check.
    """

    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    n_records: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.problems

    def __str__(self) -> str:
        state = "sound" if self.is_sound else f"{len(self.problems)} problems"
        lines = [f"{state}; {self.n_records} records check", *map(str, self.problems), *self.notes]
        return "\n".join(lines)


@dataclass(slots=True)
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_records: int = 0


def verify_store(path: str | Path, *, acknowledged: Collection[str] = ()) -> Verification:
    """Check every byte of a store against its checksums.

    Parameters
    ----------
    path
        The store's folder.
    acknowledged
        Ids of runs that somebody counted as done: each must have a record. This finds a segment that was cut off
        exactly between two lines.

    Raises
    ------
    DataFileError
        When there is no store.
    """
    store = RecordStore(Path(path)).need()
    found = _Findings()
    try:
        manifest = read_manifest(store.manifest)
    except StoreError as error:
        found.problems.append(Problem("manifest.json", 0, str(error)))
        manifest = Manifest()
    seen: set[str] = set()
    for part in manifest.parts:
        seen |= _check_part(store, part, found)
    listed = {part.name for part in manifest.parts}
    for extra in sorted(p for p in store.sealed.glob("*.parquet") if p.name not in listed):
        found.notes.append(
            f"sealed/{extra.name}: not in the manifest; a compaction was cut short, its segments count"
        )
    segments = sorted(store.segments.glob("*.jsonl"))
    unsealed = set(manifest.unsealed(segments))
    for segment_path in segments:
        if segment_path not in unsealed:
            found.notes.append(f"segments/{segment_path.name}: sealed already, will be cleared away")
            continue
        seen |= _check_segment(read_segment(segment_path), found)
    for sidecar in sorted(store.traces.glob("*.jsonl")):
        _check_segment(read_segment(sidecar), found)
    for run_id in sorted(set(acknowledged) - seen):
        found.problems.append(Problem("segments", 0, f"run {run_id} was counted as done and has no record"))
    return Verification(tuple(found.problems), tuple(found.notes), found.n_records)


def _check_part(store: RecordStore, part: SealedPart, found: _Findings) -> set[str]:
    name = f"sealed/{part.name}"
    path = store.sealed / part.name
    if not path.is_file():
        found.problems.append(Problem(name, 0, f"missing; it held {part.rows} records"))
        return set()
    if file_digest(path) != part.sha256:
        found.problems.append(
            Problem(
                name,
                0,
                f"SHA-256 does not match; {rows_that_check(path).num_rows} of {part.rows} records "
                "pass their checksums, and --repair keeps these",
            )
        )
        return set()
    run_ids = pq.read_table(path, columns=["run_id"], partitioning=None)["run_id"].to_pylist()
    found.n_records += len(run_ids)
    return set(run_ids)


def _check_segment(segment: SegmentContent, found: _Findings) -> set[str]:
    name = f"{segment.path.parent.name}/{segment.path.name}"
    for damage in segment.damages:
        run_id = ((damage.recoverable or {}).get("record") or {}).get("run_id", "")
        if damage.unfinished and segment.count is None:
            found.notes.append(
                f"{name}:{damage.line}: cut off, as a killed writer leaves it; never counted as done"
            )
        else:
            found.problems.append(Problem(name, damage.line, damage.reason, run_id))
    if not segment.begin and not any(damage.line == 1 for damage in segment.damages) and segment.n_lines:
        found.problems.append(Problem(name, 1, "the first line, with the writer's provenance, is missing"))
    if segment.count is None and not segment.damages:
        found.notes.append(f"{name}: no closing line; its writer is at work, or was killed")
    if segment.n_missing:
        found.problems.append(Problem(name, 0, f"{segment.n_missing} of {segment.count} lines are missing"))
    if segment.others:
        found.notes.append(f"{name}: {segment.others} lines are of a newer version, and not read")
    found.n_records += len(segment.records)
    return {record["run_id"] for _, record in segment.records}
