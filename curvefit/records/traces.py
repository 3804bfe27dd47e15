"""Traces: what a run looked like while it trained (loss against step), kept beside the records."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from curvefit.records.segment import read_segment
from curvefit.records.store import RecordStore


def read_traces(path: str | Path, run_ids: Collection[str] | None = None) -> pa.Table:
    """Return the traces of a store as a long table, one row for every look at a run.

    Parameters
    ----------
    path
        The store's folder. Traces are there when it was run with ``curvefit run --traces``.
    run_ids
        Only these runs; None for all.

    Returns
    -------
    pyarrow.Table
        ``run_id``, and a column for every quantity: for gradient training ``member`` of the ensemble, ``step``,
        ``train_loss`` (mean since the look before) and ``held_loss`` (on held-out examples, or null). The
        newest trace of a run counts.

    Raises
    ------
    DataFileError
        When there is no store.
    """
    store = RecordStore(Path(path)).need()
    wanted = None if run_ids is None else frozenset(run_ids).__contains__
    newest: dict[str, tuple[int, dict[str, list]]] = {}
    for file in sorted(store.traces.glob("*.jsonl")):
        for at, run_id, trace in read_segment(file, wanted=wanted).traces:
            if (wanted is None or wanted(run_id)) and at >= newest.get(run_id, (0, {}))[0]:
                newest[run_id] = (at, trace)
    names = list(dict.fromkeys(name for _, trace in newest.values() for name in trace))
    columns: dict[str, list] = {"run_id": [], **{name: [] for name in names}}
    for run_id, (_, trace) in sorted(newest.items()):
        length = max(map(len, trace.values()), default=0)
        columns["run_id"] += [run_id] * length
        for name in names:
            columns[name] += trace.get(name, [None] * length)
    return pa.table(columns)
