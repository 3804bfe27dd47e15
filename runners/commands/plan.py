"""``curvefit plan``: what a study would run, what is done already, and what the rest will cost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from curvefit.json_text import json_text
from runners.commands.options import AsJson, Executor, StudyFile
from runners.environment import EXECUTOR


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
    total, missing = asked.total(), work.n_todo
    whole, slowest = work.estimate(), longest.estimate()
    estimate = whole and whole.per_worker(workers)
    if as_json:
        interval = estimate and {"median": estimate.seconds, "low": estimate.low, "high": estimate.high}
        longest_chunk = slowest and slowest.seconds
        typer.echo(
            json_text(
                {
                    "study": made.study.name,
                    "total": total,
                    "done": total - missing,
                    "missing": missing,
                    "chunks": len(made.chunks),
                    "seconds": interval,
                    "seconds_of_longest_chunk": longest_chunk,
                    "notices": made.notices,
                }
            )
        )
        return
    for notice in made.notices:
        typer.echo(notice)
    typer.echo(
        f"{made.study.name}: {total} runs of {len(made.study.triplets())} triplets in {len(made.chunks)} chunks; "
        f"{total - missing} done, {missing} missing"
    )
    for label, count in asked.items():
        left = work.estimate(label)
        if left is None:
            typer.echo(f"  {label}: {count} runs, all done")
        else:
            typer.echo(f"  {label}: {len(work.todo[label])} of {count} runs missing, {left} of one worker")
    if estimate is not None and slowest is not None:
        typer.echo(f"time with {workers} worker{'s' if workers > 1 else ''}: {estimate}")
        if slowest.seconds > estimate.seconds:
            typer.echo(f"but one chunk alone, which no two workers share, needs {slowest}")
