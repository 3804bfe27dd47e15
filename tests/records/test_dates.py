"""Dates: which record counts does not hang on anybody's clock."""

from __future__ import annotations

import time

import pytest

from curvefit.errors import UnknownNameError
from curvefit.records.compaction import compact_store
from curvefit.records.index import RunIndex
from tests.records.made import record

HOUR = 3600 * 10**9


def at_hour(monkeypatch, hour: int) -> None:
    now = time.time_ns()
    monkeypatch.setattr("curvefit.records.writer.time.time_ns", lambda: now + hour * HOUR)


def status(store) -> str:
    (found,) = store.read_records()
    assert RunIndex(store).entries[found.run_id].status == found.status
    return found.status


@pytest.mark.parametrize("seal", [False, True])
def test_a_clock_set_back_does_not_revive_what_was_replaced(store, monkeypatch, seal):
    at_hour(monkeypatch, 5)
    with store.writer() as writer:
        writer.append(record(1, status="exception"))
    at_hour(monkeypatch, -5)
    after = RunIndex(store).newest([record(1).run_id])
    with store.writer() as writer:
        writer.append(record(1), after=after)
    if seal:
        compact_store(store)
    assert status(store) == "ok"


def test_a_withdrawal_holds_although_the_record_is_dated_in_the_future(store, monkeypatch):
    at_hour(monkeypatch, 5)
    with store.writer() as writer:
        writer.append(record(1))
    at_hour(monkeypatch, 0)
    store.withdraw([record(1).run_id], reason="wrong data")
    assert store.read_records() == []
    index = RunIndex(store)
    assert index.entries == {}
    compact_store(store)
    with store.writer() as writer:
        writer.append(record(1), after=RunIndex(store).newest([record(1).run_id]))
    assert status(store) == "ok"
    with pytest.raises(UnknownNameError, match="no record of: nobody"):
        store.withdraw(["nobody"], reason="")


def test_one_writer_dates_in_the_order_of_writing(store, monkeypatch):
    with store.writer() as writer:
        for hour in (0, -3, 4, -7):
            at_hour(monkeypatch, hour)
            writer.append(record(1, message=str(hour)))
    assert store.read_records()[0].message == "-7"
