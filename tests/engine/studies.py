"""Studies of the tiny executor, and ways to run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from curvefit.records.store import RecordStore
from curvefit.study.study import Study
from runners.engine.abstract import Stop
from runners.engine.driver import Driver, Progress
from runners.engine.embedded import EmbeddedEngine
from runners.engine.plan import Plan, make_plan
from runners.engine.worker import WorkerTask

EXECUTOR = "tests.engine.fake_runs"
ROOT = Path(__file__).resolve().parents[2]


def tiny_study(*, replicates: int = 2, sizes=(32, 64, 128), data: int = 1, **inference) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "tiny", "replicates": replicates, "sizes": list(sizes)},
            "data": [{"name": "d", "grid": {"a": list(range(data))}}],
            "model": [{"name": "m"}],
            "inference": [{"name": "i", **inference}],
        }
    )


def tiny_toml(
    path: Path,
    *,
    replicates: int = 2,
    data: int = 1,
    sleep: float = 0.0,
    cost: float = 1e9,
    gate: Path | None = None,
) -> Path:
    """Write a study of 3 sizes; the runs of the largest, if there is a gate, wait until that file exists."""
    gated = "" if gate is None else f"gate = {str(gate)!r}\ngated_size = 128\n"
    path.write_text(
        f"""
[study]
name = "tiny"
replicates = {replicates}
sizes = [32, 64, 128]
[[data]]
name = "d"
grid = {{ a = {list(range(data))} }}
[[model]]
name = "m"
[[inference]]
name = "i"
sleep = {sleep}
cost = {cost}
{gated}"""
    )
    return path


def tiny_plan(**changes) -> Plan:
    return make_plan(tiny_study(**changes), executor=EXECUTOR)


def read_plan(study: Path) -> Plan:
    return make_plan(Study.from_toml(study), executor=EXECUTOR)


def run_here(
    plan: Plan, folder: Path, *, retry: str = "none", stop: Stop | None = None, **engine
) -> Progress:
    """Run a plan with the embedded engine in this process."""
    task = WorkerTask(str(folder), EXECUTOR, sync=False)
    driver = Driver(plan, RecordStore(folder), retry=retry)
    return driver.run(EmbeddedEngine(task, folder / "logs", **engine), stop or Stop())


class DriverProcess(subprocess.Popen):
    """A driver that a failing test does not wait for."""

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, traceback)


def start_driver(study: Path, folder: Path, *options: str) -> DriverProcess:
    """Start ``curvefit run`` as a process of its own."""
    call = "from curvefit.cli import main; main()"
    command = [sys.executable, "-c", call, "run", str(study), "--out", str(folder), "--executor", EXECUTOR]
    return DriverProcess(
        [*command, *options], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
