"""A tiny executor: runs that take no time, or do whatever their settings tell them to."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from curvefit.records.record import RunRecord
from curvefit.records.store import RecordStore
from curvefit.study.spec import RunSpec
from curvefit.study.study import Study
from runners.environment import SAY


def prepare_study(study: Study) -> tuple[list[RunSpec], list[str]]:
    return study.specs(), []


def refuse_changed_data(specs: Sequence[RunSpec], store: RecordStore) -> None:
    """The data of these runs never changes."""


def group_specs(specs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    """Runs of one triplet and seed belong together."""
    groups: dict[object, list[RunSpec]] = {}
    for spec in specs:
        groups.setdefault((spec.triplet, spec.seed), []).append(spec)
    return list(groups.values())


def divide_group(group: Sequence[RunSpec], *, device: str = "cpu") -> list[Sequence[RunSpec]]:
    return [group]


def group_costs(group: Sequence[RunSpec]) -> list[float]:
    return [float(spec.inference.settings.get("cost", 1e9)) * spec.n_train / 32 for spec in group]


def execute_specs(specs: Sequence[RunSpec], *, device: str = "cpu") -> Iterator[RunRecord]:
    for spec in specs:
        settings = spec.inference.settings
        time.sleep(settings.get("sleep", 0.0))
        if "says" in settings:
            (SAY.get() or print)(settings["says"])
        while spec.n_train == settings.get("gated_size") and not Path(settings["gate"]).exists():
            time.sleep(0.02)
        if spec.n_train == settings.get("bad_size"):
            _misbehave(settings["bad"])
        status = "diverged" if settings.get("bad") == "diverge" else "ok"
        value = (spec.n_train * 7 + spec.seed) % 1000
        yield RunRecord.of(
            spec,
            status=status,
            n_errors=value,
            n_test=1000,
            value=value / 1000,
            seconds=0.001,
            extra={
                "trace": {"step": [1, 2], "train_loss": [2.0, 1.0]},
                "slot": os.environ.get("CUDA_VISIBLE_DEVICES"),
                "threads": os.environ.get("OMP_NUM_THREADS"),
            },
        )
        if spec.n_train == settings.get("twice"):
            yield RunRecord.of(spec, status=status)


def _misbehave(how: str) -> None:
    match how:
        case "raise":
            raise ValueError("a bad run")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            raise SystemExit(3)
        case "hang":
            time.sleep(1000)
        case "memory":
            raise MemoryError("cannot allocate")
        case "grow":
            hoard = []
            while True:
                hoard.append(bytearray(b"x" * 10_000_000))
                time.sleep(0.002)
        case "babble":  # onto the pipe of the worker's reports
            os.write(int(sys.argv[1]), b'\xff{"event": "recorded"}\n')
            time.sleep(1000)
        case "babble json":
            os.write(int(sys.argv[1]), b'{"event": "nonsense"}\n[1]\n')
            time.sleep(1000)
        case "leave a child":  # which holds the pipe of the worker's reports open
            if os.fork() == 0:
                time.sleep(400)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
