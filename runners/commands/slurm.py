"""``curvefit slurm``: a study as a Slurm array."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from curvefit.json_text import json_text
from runners.commands.options import AsJson, Executor, StudyFile
from runners.environment import EXECUTOR


def slurm(
    study: StudyFile,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the records, shared by all nodes.")],
    tasks: Annotated[int, typer.Option(min=1, help="Number of array tasks.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes, and cores, of a task.")] = 1,
    option: Annotated[list[str] | None, typer.Option(help="An sbatch option such as partition=gpu.")] = None,
    run_options: Annotated[str, typer.Option(help="More options of run, such as '--device cuda'.")] = "",
    submit: Annotated[bool, typer.Option(help="Hand the script in with sbatch.")] = False,
    as_json: AsJson = False,
    executor: Executor = EXECUTOR,
) -> None:
    """Write (and hand in) one plain sbatch array whose tasks share the study by claims."""
    from curvefit.records.store import RecordStore
    from curvefit.study.study import Study
    from runners.engine.plan import find_study, keep_plan, make_plan
    from runners.engine.slurm import submit_array, write_array

    file = find_study(study)
    plan = make_plan(Study.from_toml(file), executor=executor)
    RecordStore(out).create()
    kept = keep_plan(plan, file, out)
    arguments = [*shlex.split(run_options), *(["--executor", executor] if executor != EXECUTOR else [])]
    script = write_array(
        plan.study.name, kept, out, tasks=tasks, workers=workers, options=option or [], arguments=arguments
    )
    for notice in plan.notices:
        typer.secho(notice, fg="yellow", err=True)
    job = submit_array(script) if submit else None
    if as_json:
        content = {"script": str(script), "tasks": tasks, "runs": len(plan.run_ids), "job": job}
        typer.echo(json_text(content))
    elif submit:
        typer.echo(f"Slurm job {job}: {tasks} tasks for {len(plan.run_ids)} runs; script {script}")
    else:
        typer.echo(f"{script}: {tasks} tasks for {len(plan.run_ids)} runs; hand it in with: sbatch {script}")
