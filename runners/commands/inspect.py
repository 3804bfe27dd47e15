"""``curvefit logs``, ``show`` and ``verify``: look into a folder of records."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from curvefit.errors import DataFileError, InvalidInputError, unknown_name
from curvefit.exit_codes import ExitCode
from curvefit.json_text import json_text
from runners.commands.options import AsJson, Folder


def logs(
    folder: Folder,
    chunk: Annotated[str, typer.Option(help="Only of the chunk whose id begins so.")] = "",
    kind: Annotated[str | None, typer.Option(help="Only lost, failed, started, recorded or ended.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what the drivers noted: chunks taken, runs finished, workers lost."""
    from runners.engine.driver import read_log

    if not folder.is_dir():
        raise DataFileError(f"{folder} does not exist")
    kinds = ("started", "recorded", "failed", "ended", "lost")
    if kind is not None and kind not in kinds:
        raise unknown_name("kind of log line", kind, kinds)
    lines = [
        line
        for line in read_log(folder)
        if (kind is None or line["event"] == kind) and line["chunk"].startswith(chunk)
    ]
    if as_json:
        typer.echo(json_text({"events": lines[-last:]}))
        return
    for line in lines[-last:]:
        typer.echo(_log_text(line))


def show(
    folder: Folder,
    key: Annotated[str, typer.Argument(help="A run's id, or the beginning of it.")],
    as_json: AsJson = False,
) -> None:
    """Show everything known about one run: its record, its training, and what the logs say."""
    import pyarrow.compute as pc

    from curvefit.records.store import RecordStore
    from curvefit.records.table import to_records
    from curvefit.records.traces import read_traces
    from runners.engine.driver import read_log
    from runners.engine.plan import read_plans

    table = RecordStore(folder).read_table(key)
    planned = {row: name for name, plan in read_plans(folder).items() for row in plan["run_id"].to_pylist()}
    found = sorted({r for r in [*table["run_id"].to_pylist(), *planned] if r.startswith(key)})
    if len(found) != 1:
        ids = f": {', '.join(found[:5])}, ..." if found else ""
        raise InvalidInputError(f"{len(found) or 'no'} runs have ids that begin with {key!r}{ids}")
    (run_id,) = found
    records = to_records(table.filter(pc.equal(table["run_id"], run_id)))
    looks = read_traces(folder, [run_id]).drop_columns(["run_id"]).to_pylist()
    noted = [line for line in read_log(folder, run_id) if line.get("run_id") == run_id]
    if as_json:
        record = records[0].to_dict() if records else None
        typer.echo(json_text({"run_id": run_id, "record": record, "trace": looks, "log": noted}))
        return
    trace = ""
    if records:
        record = records[0].to_dict()
        trace = record["extra"].pop("traceback", "")
        typer.echo(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"run {run_id} of study {planned[run_id]!r} has no record yet")
    for look in looks:
        typer.echo("  ".join(f"{name} {value:.6g}" for name, value in look.items() if value is not None))
    for line in noted:
        typer.echo(_log_text(line))
    if trace:
        typer.echo(trace)


def verify(
    folder: Folder,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged files aside, and keep of them what can be trusted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every line and file of a store against its checksums, and name what is damaged."""
    from curvefit.records.repair import repair_store
    from curvefit.records.store import RecordStore
    from curvefit.records.verify import verify_store
    from runners.engine.driver import read_log

    done = ("recorded", "failed")
    acknowledged = {line["run_id"] for line in read_log(folder) if line["event"] in done}
    found = verify_store(folder, acknowledged=acknowledged)
    if repair and not found.is_sound:
        for sentence in repair_store(RecordStore(folder)):
            typer.echo(sentence, err=True)
        found = verify_store(folder, acknowledged=acknowledged)
    if as_json:
        problems = [
            {"file": p.file, "line": p.line, "reason": p.reason, "run_id": p.run_id} for p in found.problems
        ]
        typer.echo(json_text({"sound": found.is_sound, "records": found.n_records, "problems": problems}))
    else:
        typer.echo(str(found))
    if not found.is_sound:
        raise typer.Exit(int(ExitCode.BAD_INPUT))


def _clock(at: float) -> str:
    """Return a time of day for people."""
    return datetime.fromtimestamp(at).isoformat(sep=" ", timespec="seconds")


def _log_text(line: dict[str, Any]) -> str:
    rest = (line.get(key, "") for key in ("run_id", "status", "worker", "message"))
    return " ".join([_clock(line["at"]), f"{line['event']:<8}", line["chunk"], *map(str, filter(None, rest))])
