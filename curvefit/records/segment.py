"""What segments hold, damage included: see `curvefit.records.writer` for how they come about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curvefit.records.lines import Damage, decode_lines


@dataclass(slots=True)
class SegmentContent:
    """What a segment holds, or what was added to it since an earlier reading.

    Parameters
    ----------
    records
        ``(time in ns, record as a dictionary)``, provenance completed from the first line.
    tombstones
        ``(time in ns, run id, reason)``.
    traces
        ``(time in ns, run id, columns)``.
    damages
        Lines that cannot be trusted.
    others
        Lines of kinds that a newer version writes.
    count
        Lines the closing line promises, or None while the segment is open.
    begin
        The first line: writer, host, process, shared provenance.
    size
        Bytes of the file when it was read.
    offset, n_lines
        Where reading stopped (the end of the last complete line), for reading on later.
    """

    path: Path
    records: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    tombstones: list[tuple[int, str, str]] = field(default_factory=list)
    traces: list[tuple[int, str, dict[str, list[Any]]]] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    others: int = 0
    count: int | None = None
    begin: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    offset: int = 0
    n_lines: int = 0

    @property
    def n_missing(self) -> int:
        """Lines that the closing line promises and that are not there, not even damaged."""
        good = len(self.records) + len(self.tombstones) + len(self.traces) + self.others
        present = good + len(self.damages)
        return 0 if self.count is None else max(self.count - present, 0)

    @property
    def faults(self) -> list[Damage]:
        """Damages other than the last line of a killed writer, which is cut off and was never counted as done."""
        return [damage for damage in self.damages if self.count is not None or not damage.unfinished]

    @property
    def is_sound(self) -> bool:
        """Whether nothing that was written is damaged or missing, as far as the segment itself can tell."""
        return not self.faults and not self.n_missing and (bool(self.begin) or not self.n_lines)


def read_segment(
    path: Path,
    *,
    after: SegmentContent | None = None,
    wanted: Callable[[str], bool] | None = None,
    take: Callable[[int, dict[str, Any]], None] | None = None,
) -> SegmentContent:
    """Read a segment, or what was added to it since `after` was read.

    Parameters
    ----------
    path
        Its file.
    after
        What an earlier call returned.
    wanted
        Whether the run with this id is asked for; None for all. What is passed over counts as missing.
    take
        Gets time and fields of every record, which is then not kept: all records of a large store take gigabytes.

    Raises
    ------
    FileNotFoundError
        When it is gone (sealed in the meantime).
    """
    content = SegmentContent(path)
    if after is not None:
        content.begin, content.offset, content.n_lines = after.begin, after.offset, after.n_lines
    with path.open("rb") as file:
        file.seek(content.offset)
        data = file.read()
    for body in decode_lines(data, first_line=content.n_lines + 1, wanted=wanted):
        if isinstance(body, Damage):
            content.damages.append(body)
        elif body["kind"] == "record":
            record = body["record"]
            own = record.get("provenance", {})
            record["provenance"] = {**content.begin.get("provenance", {}), **own}
            if take is None:
                content.records.append((body["at"], record))
            else:
                take(body["at"], record)
        elif body["kind"] == "tombstone":
            content.tombstones.append((body["at"], body["run_id"], body["reason"]))
        elif body["kind"] == "trace":
            content.traces.append((body["at"], body["run_id"], body["trace"]))
        elif body["kind"] == "begin":
            content.begin = body
        elif body["kind"] == "end":
            content.count = body["count"]
        else:
            content.others += 1
    content.size = content.offset + len(data)
    complete = data.rfind(b"\n") + 1
    content.offset += complete
    content.n_lines += data.count(b"\n", 0, complete)
    return content
