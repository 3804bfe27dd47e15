"""Standing: where the studies of a store stand, from its plans, records and living drivers."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curvefit.errors import DataFileError
from curvefit.records.index import RunIndex
from curvefit.records.store import RecordStore
from curvefit.triplet import Triplet
from runners.engine.estimate import CostEstimate, Workload
from runners.engine.life import living_drivers
from runners.engine.plan import read_plans

_RATE_WINDOW_NS = 10 * 60 * 10**9


@dataclass(slots=True)
class Standing:
    """Where a study stands.

    Parameters
    ----------
    study
        Its name.
    total
        Runs asked for.
    statuses
        Runs with a record, by status.
    triplets
        Per triplet: runs with a record, and runs asked for.
    remaining
        Expected worker-seconds of what is missing; None when nothing is.
    failures
        Messages of failed runs, with how many runs say so.
    drivers
        States of the living drivers, each with the chunks its workers hold.
    rate
        Runs a second over the last ten minutes of work.
    """

    study: str
    total: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    triplets: dict[Triplet, tuple[int, int]] = field(default_factory=dict)
    remaining: CostEstimate | None = None
    failures: Counter[str] = field(default_factory=Counter)
    drivers: list[dict[str, Any]] = field(default_factory=list)
    rate: float = 0.0

    @property
    def done(self) -> int:
        """Runs with a record."""
        return sum(self.statuses.values())

    @property
    def running(self) -> int:
        """Chunks that workers hold now."""
        return sum(len(driver.get("running", {})) for driver in self.drivers)

    @property
    def in_long_work(self) -> list[str]:
        """What workers last said of how far a long piece of work is, one line each."""
        said = [text for driver in self.drivers for text in driver.get("running", {}).values()]
        return [text for text in said if ": " in text]

    @property
    def workers(self) -> int:
        """Workers that hold a chunk, at least 1."""
        return max(1, self.running)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-representable values."""
        left = self.remaining
        return {
            "study": self.study,
            "total": self.total,
            "done": self.done,
            "missing": self.total - self.done,
            "statuses": dict(self.statuses),
            "failures": dict(self.failures),
            "running_chunks": self.running,
            "drivers": self.drivers,
            "runs_per_second": self.rate,
            "remaining_worker_seconds": left and {"median": left.seconds, "low": left.low, "high": left.high},
            "triplets": [
                {**triplet._asdict(), "done": done, "total": total}
                for triplet, (done, total) in self.triplets.items()
            ],
        }


def read_standing(folder: Path, *, index: RunIndex | None = None) -> list[Standing]:
    """Return the standing of every study of a store.

    Raises
    ------
    DataFileError
        When the folder is no store, or holds no plan.
    """
    plans = read_plans(folder)
    if not plans:
        raise DataFileError(f"{folder} holds no study; start one with: curvefit run STUDY --out {folder}")
    index = index or RunIndex(RecordStore(folder))
    drivers = living_drivers(folder)
    standings = []
    for name, plan in plans.items():
        standing = Standing(name, plan.num_rows, drivers=[d for d in drivers if d.get("study", name) == name])
        work = Workload()
        counts: dict[Triplet, list[int]] = defaultdict(lambda: [0, 0])
        times = []
        for row in plan.to_pylist():
            triplet = Triplet(row["data"], row["model"], row["inference"])
            entry = index.entries.get(row["run_id"])
            work.add(row["inference"], row["cost"], entry)
            counts[triplet][1] += 1
            if entry is None:
                continue
            counts[triplet][0] += 1
            standing.statuses[entry.status] += 1
            if entry.status != "ok":
                standing.failures[f"{entry.status}: {entry.message.partition(chr(10))[0]}"] += 1
            times.append(entry.at)
        standing.triplets = {triplet: (done, total) for triplet, (done, total) in counts.items()}
        standing.remaining = work.estimate()
        standing.rate = _recent_rate(times)
        standings.append(standing)
    return standings


def _recent_rate(times: list[int]) -> float:
    if len(times) < 2:
        return 0.0
    last = max(times)
    recent = [at for at in times if at > last - _RATE_WINDOW_NS]
    span = (last - min(recent)) / 1e9
    return (len(recent) - 1) / span if span > 0 else 0.0
