"""Records: what happened, and the store that keeps it."""

from curvefit.records.record import RunRecord

__all__ = ["RunRecord"]
