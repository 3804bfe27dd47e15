"""``curvefit status``: where the studies of a folder stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curvefit.json_text import json_text
from runners.commands.options import AsJson, Folder

if TYPE_CHECKING:
    from rich.console import Group

    from runners.engine.standing import Standing

_LOOK_EVERY = 2.0


def status(
    folder: Folder,
    watch: Annotated[bool, typer.Option(help="Keep showing it until everything is done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is done, running, failed and missing, the rate and the time left, triplet by triplet."""
    from rich.console import Console
    from rich.live import Live

    from runners.engine.standing import read_standing

    looks = _looks(folder) if watch else iter([read_standing(folder)])
    if as_json:  # with --watch: a line every time
        for standings in looks:
            typer.echo(json_text({"studies": [standing.to_dict() for standing in standings]}))
        return
    console, done = Console(), None
    if watch and console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            for standings in looks:
                live.update(_view(standings), refresh=True)
        return
    for standings in looks:
        if done != [
            standing.done for standing in standings
        ]:  # elsewhere than on a terminal: only what is new
            console.print(_view(standings))
        done = [standing.done for standing in standings]


def _looks(folder: Path) -> Iterator[list[Standing]]:
    """Yield where the studies stand, now and then, until everything is done."""
    from curvefit.records.index import RunIndex
    from curvefit.records.store import RecordStore
    from runners.engine.standing import read_standing

    standings = read_standing(folder)
    index = RunIndex(RecordStore(folder))
    while True:
        yield standings
        if all(standing.done == standing.total for standing in standings):
            return
        time.sleep(_LOOK_EVERY)
        index.refresh()
        standings = read_standing(folder, index=index)


def _view(standings: list[Standing]) -> Group:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    parts: list[object] = []
    for standing in standings:
        table = Table(box=SIMPLE_HEAD)
        for column in ("data", "model", "inference"):
            table.add_column(column)
        table.add_column("done", justify="right")
        for triplet, (done, total) in standing.triplets.items():
            table.add_row(*triplet, f"{done}/{total}", style="dim" if done == total else "")
        parts += [_sentence(standing), *standing.in_long_work, table]
        parts += [
            f"{count} run{'s' if count > 1 else ''} {message}"
            for message, count in standing.failures.most_common(5)
        ]
    return Group(*parts)  # type: ignore[arg-type]


def _sentence(standing: Standing) -> str:
    from runners.engine.estimate import duration

    counts = ", ".join(f"{count} {name}" for name, count in sorted(standing.statuses.items()))
    parts = [f"{standing.study}: {standing.done} of {standing.total} runs have a record ({counts or 'none'})"]
    if standing.drivers:
        drivers = len(standing.drivers)
        parts.append(
            f"{standing.running} chunk{'' if standing.running == 1 else 's'} running under {drivers} driver{'s' if drivers > 1 else ''}, "
            f"{standing.rate:.3g} runs/s"
        )
    if standing.remaining is not None:
        left = standing.remaining.per_worker(standing.workers)
        parts.append(
            f"time left with {standing.workers} worker{'s' if standing.workers > 1 else ''}: {left}"
            if standing.drivers
            else f"nobody is at work; what is missing needs {duration(left.seconds)} of one worker"
        )
    return "; ".join(parts)
