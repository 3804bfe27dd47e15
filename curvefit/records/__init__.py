"""Records: what happened, and the store that keeps it."""

from curvefit.records.record import RunRecord
from curvefit.records.store import RecordStore, read_records, read_table
from curvefit.records.traces import read_traces

__all__ = ["RecordStore", "RunRecord", "read_records", "read_table", "read_traces"]
