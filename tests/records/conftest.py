"""A fresh store."""

from __future__ import annotations

import pytest

from curvefit.records import RecordStore


@pytest.fixture
def store(tmp_path) -> RecordStore:
    return RecordStore(tmp_path / "store").create()
