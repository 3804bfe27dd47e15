"""``curvefit plan``: what a study would run, what is done already, and what the rest will cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curvefit.json_text import json_text
from runners.commands.options import AsJson, Executor, StudyFile
from runners.environment import EXECUTOR

if TYPE_CHECKING:
    from runners.engine.estimate import CostEstimate, Workload
    from runners.engine.plan import Plan


def plan(
    study: StudyFile,
    out: Annotated[Path | None, typer.Option(help="Folder of the records, if there are some.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only runs such as model=gap.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Workers the time is divided by.")] = 1,
    as_json: AsJson = False,
    executor: Executor = EXECUTOR,
) -> None:
    """Count the runs of a study and estimate the cost of those that are missing; nothing is run."""
    from curvefit.records.index import RunIndex
    from curvefit.records.store import RecordStore
    from curvefit.study.study import Study
    from runners.engine.estimate import Workload
    from runners.engine.plan import find_study, make_plan
    from runners.engine.where import parse_conditions

    made = make_plan(Study.from_toml(find_study(study)), executor=executor)
    made = made.narrowed(parse_conditions(where or []))
    store = RecordStore(out) if out is not None else None
    entries = RunIndex(store).entries if store is not None and store.exists() else {}
    work, asked, longest = Workload(), Counter[str](), Workload()
    for chunk in made.chunks:
        of_chunk = Workload(past=work.past)
        for spec in chunk.specs:
            label, cost, entry = spec.inference.label, made.costs[spec.id], entries.get(spec.id)
            asked[label] += 1
            work.add(label, cost, entry)
            if entry is None:
                of_chunk.add(label, cost, None)
        longest = max(longest, of_chunk, key=lambda one: one.operations)
    whole, slowest = work.estimate(), longest.estimate()
    estimate = whole and whole.per_worker(workers)
    if as_json:
        typer.echo(json_text(_as_values(made, work, estimate, slowest)))
        return
    for line in (*made.notices, *_lines(made, work, asked)):
        typer.echo(line)
    if estimate is not None and slowest is not None:
        typer.echo(f"time with {workers} worker{'s' if workers > 1 else ''}: {estimate}")
        if slowest.seconds > estimate.seconds:
            typer.echo(f"but one chunk alone, which no two workers share, needs {slowest}")


def _as_values(
    plan: Plan, work: Workload, estimate: CostEstimate | None, slowest: CostEstimate | None
) -> dict[str, object]:
    total, missing = len(plan.run_ids), work.n_todo
    return {
        "study": plan.study.name,
        "total": total,
        "done": total - missing,
        "missing": missing,
        "chunks": len(plan.chunks),
        "seconds": estimate and {"median": estimate.seconds, "low": estimate.low, "high": estimate.high},
        "seconds_of_longest_chunk": slowest and slowest.seconds,
        "notices": plan.notices,
    }


def _lines(plan: Plan, work: Workload, asked: Counter[str]) -> Iterator[str]:
    """Yield how much is asked for, done and missing, in all and by algorithm."""
    total, missing = len(plan.run_ids), work.n_todo
    yield (
        f"{plan.study.name}: {total} runs of {len(plan.study.triplets())} triplets in {len(plan.chunks)} chunks; "
        f"{total - missing} done, {missing} missing"
    )
    for label, count in asked.items():
        left = work.estimate(label)
        if left is None:
            yield f"  {label}: {count} runs, all done"
        else:
            yield f"  {label}: {len(work.todo[label])} of {count} runs missing, {left} of one worker"
