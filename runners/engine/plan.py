"""Plan: a checked study cut into chunks, and its copy in the store for `status` to read."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq

from curvefit.errors import DataFileError, InvalidInputError, UnknownNameError, unknown_name
from curvefit.records.plans import write_plan
from curvefit.records.store import RecordStore
from curvefit.study.spec import RunSpec
from curvefit.study.study import Study
from runners.engine.chunk import Chunk, plan_chunks
from runners.engine.where import Condition, matches, value_of
from runners.environment import EXECUTOR

STUDIES = Path(__file__).resolve().parent.parent / "studies"
_COLUMNS = ("run_id", "data", "model", "inference", "n_train", "seed", "cost", "chunk")


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs of a study, in chunks.

    Parameters
    ----------
    study
        What is asked, stand-ins for absent datasets included.
    chunks
        All runs, the dearest chunks first.
    costs
        Expected floating-point operations by run id, the work that runs share among them.
    executor
        Module that knows the components.
    notices
        What the user must know before it runs, such as a stand-in.
    """

    study: Study
    chunks: tuple[Chunk, ...]
    costs: dict[str, float]
    executor: str = EXECUTOR
    notices: tuple[str, ...] = ()

    @property
    def run_ids(self) -> list[str]:
        """Ids of all runs."""
        return [spec.id for chunk in self.chunks for spec in chunk.specs]

    def narrowed(self, conditions: Iterable[Condition] = (), *, limit: int | None = None) -> Plan:
        """Return the plan with only the runs that meet all conditions, and of these the `limit` cheapest.

        Chunks keep their ids, so that a narrowed plan and the whole one do not do the same run twice.

        Raises
        ------
        InvalidInputError
            When no run meets them; the message says what there is.
        """
        conditions = tuple(conditions)
        if not conditions and limit is None:
            return self
        kept = [s for c in self.chunks for s in c.specs if matches(s, conditions)]
        if not kept:
            raise InvalidInputError(_nothing(conditions, [s for c in self.chunks for s in c.specs]))
        if limit is not None:
            kept = sorted(kept, key=lambda spec: self.costs[spec.id])[:limit]
        ids = {spec.id for spec in kept}
        narrowed = (replace(c, specs=tuple(s for s in c.specs if s.id in ids)) for c in self.chunks)
        chunks = tuple(chunk for chunk in narrowed if chunk.specs)
        runs = load_executor(self.executor)
        costs = _costs(runs, [g for chunk in chunks for g in runs.group_specs(chunk.specs)])
        return replace(self, chunks=chunks, costs=costs)


def _nothing(conditions: Iterable[Condition], specs: Sequence[RunSpec]) -> str:
    asked = ", ".join(map(str, conditions))
    keys = dict.fromkeys(condition.key for condition in conditions)
    there = [f"{key}: {', '.join(map(str, sorted({value_of(s, key) for s in specs})))}" for key in keys]
    return f"no run of this study meets {asked}; there are " + "; ".join(there)


def find_study(name: str) -> Path:
    """Return the study file for a path, or for the name of a study that ships with the package."""
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in STUDIES.glob("*.toml")}
    if name in shipped:
        return shipped[name]
    if path.suffix or path.parent != Path():
        raise DataFileError(
            f"study file {name} does not exist; shipped studies: {', '.join(sorted(shipped))}"
        )
    raise unknown_name("study", name, shipped)


def make_plan(study: Study, *, executor: str = EXECUTOR, device: str = "cpu") -> Plan:
    """Check a study against the components and cut it into chunks.

    Parameters
    ----------
    study
        As read.
    executor
        Module with ``prepare_study``, ``refuse_changed_data``, ``group_specs``, ``divide_group``, ``group_costs``
        and ``execute_specs``.
    device
        As written after ``--device``; its kind decides how large the parts of groups are.

    Raises
    ------
    InvalidInputError
        One error with a line for every mistake.
    """
    runs = load_executor(executor)
    specs, notices = runs.prepare_study(study)
    kind = device.partition(":")[0]
    groups = [part for group in runs.group_specs(specs) for part in runs.divide_group(group, device=kind)]
    costs = _costs(runs, groups)
    chunks = plan_chunks(groups, lambda spec: costs[spec.id])
    return Plan(study, tuple(chunks), costs, executor, tuple(notices))


def _costs(runs: ModuleType, groups: Iterable[Sequence[RunSpec]]) -> dict[str, float]:
    return {spec.id: cost for group in groups for spec, cost in zip(group, runs.group_costs(group))}


def load_executor(executor: str) -> ModuleType:
    """Import the module that knows how to execute runs."""
    if (here := os.getcwd()) not in sys.path:  # a user's own components, named in the study
        sys.path.append(here)
    try:
        return importlib.import_module(executor)
    except ModuleNotFoundError as error:
        if error.name != executor:
            raise
        raise UnknownNameError(f"executor {executor!r} is no module that can be imported") from error


def keep_plan(plan: Plan, file: Path, folder: Path) -> Path:
    """Keep the plan and the study file in the store, and return the copy of the file.

    `status` reads the plan without loading any component.
    """
    rows = [
        (s.id, *s.triplet, s.n_train, s.seed, plan.costs[s.id], chunk.id)
        for chunk in plan.chunks
        for s in chunk.specs
    ]
    table = pa.table(dict(zip(_COLUMNS, map(list, zip(*rows)))))
    return write_plan(RecordStore(folder).plans, plan.study.name, table, file.read_bytes())


def read_plans(folder: Path) -> dict[str, pa.Table]:
    """Return the plans kept in a store, by study name."""
    return {path.stem: pq.read_table(path) for path in sorted(RecordStore(folder).plans.glob("*.parquet"))}
