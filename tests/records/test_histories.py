"""Any history of writing, withdrawing, sealing, merging and dying leaves what a dictionary would hold."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curvefit.records import RecordStore
from curvefit.records.compaction import compact_store
from curvefit.records.index import RunIndex
from curvefit.records.merging import merge_stores
from curvefit.records.verify import verify_store
from tests.records.made import record

RUNS = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.just("write"), RUNS, st.sampled_from(["ok", "exception", "died"])),
    st.tuples(st.just("withdraw"), RUNS, st.none()),
    st.tuples(
        st.sampled_from(["new writer", "kill writer", "seal", "seal all", "merge"]), st.none(), st.none()
    ),
)


class History:
    """A store, the dictionary it must equal, and an index that follows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = RecordStore(folder / "0").create()
        self.index = RunIndex(self.store)
        self.expected: dict[str, str] = {}
        self.writer = self.store.writer(sync=False)
        self.merges = 0

    def take(self, step: str, run: int, status: str) -> None:
        match step:
            case "write":
                self.index.refresh()
                run_id = record(run).run_id
                self.writer.append(record(run, status=status), after=self.index.newest([run_id]))
                self.expected[run_id] = status
            case "withdraw" if record(run).run_id in self.expected:
                self.store.withdraw([record(run).run_id], reason="test")
                del self.expected[record(run).run_id]
            case "new writer":
                self.writer.close()
                self.writer = self.store.writer(sync=False)
            case "kill writer":
                os.write(self.writer._file, b'{"crc32":"')  # amid a line
                os.close(self.writer._file)
                self.writer = self.store.writer(sync=False)
            case "seal":
                compact_store(self.store)
            case "seal all":
                compact_store(self.store, include_open=True)
            case "merge":
                self.writer.close()
                self.merges += 1
                merged = RecordStore(self.folder / str(self.merges))
                self.store = merge_stores(merge_stores(merged, [self.store]), [self.store])
                self.index, self.writer = RunIndex(self.store), self.store.writer(sync=False)

    def check(self) -> None:
        self.index.refresh()
        assert {run_id: entry.status for run_id, entry in self.index.entries.items()} == self.expected
        assert {r.run_id: r.status for r in self.store.read_records()} == self.expected
        assert verify_store(self.store.path).is_sound


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(STEPS, min_size=8, max_size=20))
def test_a_store_equals_a_dictionary_after_any_history(steps):
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        for step in steps:
            history.take(*step)
            history.check()
        history.writer.close()
