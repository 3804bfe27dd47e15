"""``curvefit logs``, ``show`` and ``verify``: look into a folder of records."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from curvefit.errors import InvalidInputError, unknown_name
from runners.commands.status import AsJson, Folder

EXIT_DAMAGED = 2


def logs(
    folder: Folder,
    kind: Annotated[str | None, typer.Option(help="Only lost, failed, started, recorded or ended.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what the drivers noted: chunks taken, runs finished, workers lost."""
    from runners.engine.driver import read_log

    kinds = ("started", "recorded", "failed", "ended", "lost")
    if kind is not None and kind not in kinds:
        raise unknown_name("kind of log line", kind, kinds)
    lines = [line for line in read_log(folder) if kind is None or line["event"] == kind]
    for line in lines[-last:]:
        typer.echo(json.dumps(line) if as_json else _log_text(line))


def show(
    folder: Folder,
    key: Annotated[str, typer.Argument(help="A run's id, or the beginning of it.")],
) -> None:
    """Show everything known about one run: its record, and what the logs say."""
    from curvefit.records.store import RecordStore
    from runners.engine.driver import read_log

    records = [r for r in RecordStore(folder).read_records() if r.run_id.startswith(key)]
    if not records:
        raise InvalidInputError(f"no run of {folder} has an id that begins with {key!r}")
    if len(records) > 1:
        ids = ", ".join(r.run_id for r in records[:5])
        raise InvalidInputError(f"{len(records)} runs have ids that begin with {key!r}: {ids}, ...")
    record = records[0].to_dict()
    trace = record["extra"].pop("traceback", "")
    typer.echo(json.dumps(record, indent=2))
    for line in read_log(folder):
        if line.get("run_id") == record["run_id"]:
            typer.echo(_log_text(line))
    if trace:
        typer.echo(trace)


def verify(folder: Folder, as_json: AsJson = False) -> None:
    """Check every line and file of a store against its checksums, and name what is damaged."""
    from curvefit.records.verify import verify_store
    from runners.engine.driver import read_log

    done = ("recorded", "failed")
    acknowledged = {
        line["run_id"]: int(line["at"] * 1e9) for line in read_log(folder) if line["event"] in done
    }
    found = verify_store(folder, acknowledged=acknowledged)
    if as_json:
        problems = [
            {"file": p.file, "line": p.line, "reason": p.reason, "run_id": p.run_id} for p in found.problems
        ]
        print(json.dumps({"sound": found.is_sound, "records": found.n_records, "problems": problems}))
    else:
        typer.echo(str(found))
    if not found.is_sound:
        raise typer.Exit(EXIT_DAMAGED)


def _clock(at: float) -> str:
    """Return a time of day for people."""
    return datetime.fromtimestamp(at).isoformat(sep=" ", timespec="seconds")


def _log_text(line: dict[str, Any]) -> str:
    rest = (line.get(key, "") for key in ("run_id", "status", "worker", "message"))
    return " ".join([_clock(line["at"]), f"{line['event']:<8}", line["chunk"], *map(str, filter(None, rest))])
