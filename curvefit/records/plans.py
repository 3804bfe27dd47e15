"""Plans kept beside records: which runs every study asks for and how it labels them; of two plans the newer counts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curvefit.records.files import replace_file
from curvefit.triplet import AXES

_DATE = b"written_at"
_LABELS = ("study", *AXES)


def write_plan(plans: Path, study: str, runs: pa.Table, file: bytes) -> Path:
    """Keep the runs of a study and its file, dated later than every plan that is there; return the file's copy.

    Parameters
    ----------
    plans
        The store's folder of plans.
    study
        Name of the study.
    runs
        One row a run: ``run_id``, the labels of its triplet, and whatever else is to be known of it.
    file
        Content of the study file.
    """
    plans.mkdir(exist_ok=True)
    date = max(time.time_ns(), *(1 + known for known, _ in _dated(plans)), 0)
    _replace(plans / f"{study}.parquet", runs, date)
    copy = plans / f"{study}.toml"
    replace_file(copy, file)
    return copy


def merge_plans(into: Path, other: Path) -> None:
    """Bring the plans of another store: of two of one study the newer counts, with the runs that only the older has."""
    into.mkdir(exist_ok=True)
    own_dates = {path.name: date for date, path in _dated(into)}
    for date, path in _dated(other):
        target, own_date = into / path.name, own_dates.get(path.name, -1)
        plans = [_read(path), *([_read(target)] if own_date >= 0 else [])]
        if date > own_date:
            with contextlib.suppress(FileNotFoundError):  # its writer was killed between the two
                replace_file(target.with_suffix(".toml"), path.with_suffix(".toml").read_bytes())
        else:
            plans.reverse()
        newer, *older = plans
        only_older = [plan.filter(~pc.field("run_id").isin(newer["run_id"])) for plan in older]
        _replace(target, pa.concat_tables([newer, *only_older]), max(date, own_date))


def relabelled(table: pa.Table, plans: Path) -> pa.Table:
    """Return records with the study and labels that the newest plan which lists a run gives it."""
    found: dict[str, tuple[str, ...]] = {}
    for _, path in _dated(plans):
        with contextlib.suppress(OSError, KeyError, pa.ArrowException):  # records speak for themselves too
            plan = _read(path).filter(pc.field("run_id").isin(table["run_id"])).select(["run_id", *AXES])
            for run_id, *triplet in zip(*(column.to_pylist() for column in plan.columns)):
                found[run_id] = (path.stem, *triplet)
    if not found:
        return table
    own = zip(*(table[name].to_pylist() for name in _LABELS))
    labels = [found.get(run_id, named) for run_id, named in zip(table["run_id"].to_pylist(), own)]
    for name, values in zip(_LABELS, zip(*labels)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    return table


def _dated(plans: Path) -> Iterator[tuple[int, Path]]:
    """Yield date (ns since 1970) and path of every plan that reads, the oldest first."""
    dates = []
    for path in plans.glob("*.parquet"):
        with contextlib.suppress(OSError, pa.ArrowException):
            dates.append((_read_date(path), path))
    yield from sorted(dates)


def _read_date(path: Path) -> int:
    """Return when a plan was written; 0 for one of a version that did not say."""
    return int((pq.read_schema(path).metadata or {}).get(_DATE, 0))


def _read(path: Path) -> pa.Table:
    return pq.read_table(path, partitioning=None).replace_schema_metadata()


def _replace(path: Path, runs: pa.Table, date: int) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(runs.replace_schema_metadata({_DATE: str(date)}), sink)
    replace_file(path, sink.getvalue().to_pybytes())
