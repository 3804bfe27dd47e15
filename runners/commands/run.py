"""``curvefit run``: execute what is missing of a study, safely interruptible and resumable at any moment."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curvefit.exit_codes import ExitCode
from curvefit.json_text import json_text
from runners.commands.options import AsJson, Executor, StudyFile
from runners.environment import EXECUTOR

if TYPE_CHECKING:
    from curvefit.records.store import RecordStore
    from runners.engine.driver import Progress


def run(
    study: StudyFile,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of the records; resumed when it exists.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes [default: cores; 1 per GPU]", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or cuda:0,1 for chosen GPUs.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Threads of each worker.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the cheapest runs, this many.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="Only runs such as model=gap or n_train<=256; may be repeated.")
    ] = None,
    retry: Annotated[str, typer.Option(help="Do again: none, failed, died, all.")] = "none",
    max_hours: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after this time; resume later.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0.0, help="Seconds one run may take.")] = None,
    memory_gb: Annotated[float | None, typer.Option(min=0.0, help="Memory one worker may use.")] = None,
    traces: Annotated[
        bool, typer.Option("--traces", help="Keep loss against step, beside the records.")
    ] = False,
    keep_tiles: Annotated[
        bool,
        typer.Option("--keep-tiles", help="Keep tiles of long kernel matrices until their runs are done."),
    ] = False,
    engine: Annotated[str, typer.Option(help="embedded (this machine) or ray (a Ray cluster).")] = "embedded",
    wait: Annotated[bool, typer.Option(help="Stay until runs held by other drivers are done too.")] = True,
    as_json: AsJson = False,
    executor: Executor = EXECUTOR,
) -> None:
    """Run a study: every triplet at every size and seed that has no record yet.

    Ctrl-C once finishes the current runs and stops; twice stops at once. Either way, and after a crash,
    the same command goes on where it was.
    """
    from curvefit.records.store import RecordStore
    from curvefit.study.study import Study
    from runners.commands.bar import ProgressBar
    from runners.engine.abstract import Stop
    from runners.engine.driver import Driver
    from runners.engine.plan import find_study, keep_plan, load_executor, make_plan
    from runners.engine.select import choose_engine
    from runners.engine.where import parse_conditions

    file = find_study(study)
    conditions = parse_conditions(where or [])
    plan = make_plan(Study.from_toml(file), executor=executor, device=device)
    for notice in plan.notices:
        typer.secho(notice, fg="yellow", err=True)
    store = RecordStore(out).create()
    narrowed = plan.narrowed(conditions, limit=limit)
    if retry != "all":
        specs = [spec for chunk in narrowed.chunks for spec in chunk.specs]
        load_executor(executor).refuse_changed_data(specs, store)
    keep_plan(plan, file, out)
    driver = Driver(narrowed, store, retry=retry, wait=wait)
    chosen = choose_engine(
        engine,
        out,
        executor=executor,
        device=device,
        workers=workers,
        threads=threads,
        timeout=timeout,
        memory=memory_gb and memory_gb * 1e9,
        traces=traces,
        tiles=keep_tiles,
    )
    deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours
    with Stop(deadline=deadline) as stop, ProgressBar(plan.study.name, driver.progress) as bar:
        progress = driver.run(chosen, stop, watch=bar.show)
    if not driver.has_company:
        _compact(store)
    typer.echo(json_text(_as_values(progress, plan.study.name, out)) if as_json else _sentence(progress, out))
    if code := _exit_code(progress, wait):
        raise typer.Exit(int(code))


def _compact(store: RecordStore) -> None:
    """Seal what the run wrote; where the file system has no locks, say that it stays as it is."""
    from curvefit.records.compaction import NoLocksError, compact_store

    try:
        compact_store(store, include_open=True)
    except NoLocksError as error:
        typer.secho(f"not compacted: {error}", fg="yellow", err=True)


def _exit_code(progress: Progress, wait: bool) -> ExitCode:
    if "interrupted" in progress.stopped:
        return ExitCode.INTERRUPTED
    failed = progress.failed or (progress.done < progress.total and wait)
    return ExitCode.RUNS_FAILED if failed else ExitCode.OK


def _as_values(progress: Progress, study: str, out: Path) -> dict[str, object]:
    return {
        "study": study,
        "records": os.fspath(out),
        "total": progress.total,
        "done": progress.done,
        "done_now": progress.here,
        "statuses": dict(progress.statuses),
        "first_failure": progress.first_failure,
        "stopped": progress.stopped,
    }


def _sentence(progress: Progress, out: Path) -> str:
    failed = ", ".join(f"{n} {status}" for status, n in progress.statuses.items() if status != "ok")
    parts = [f"{progress.done} of {progress.total} runs are done ({progress.here} now)"]
    if failed:
        first = f" (the first now: {progress.first_failure})" if progress.first_failure else ""
        parts.append(f"of these {failed}{first}; see: curvefit status {out}")
    if progress.stopped:
        parts.append(f"stopped: {progress.stopped}; the same command goes on")
    return "; ".join(parts) + f". Records: {os.fspath(out)}"
