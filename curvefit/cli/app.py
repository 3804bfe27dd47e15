"""The ``curvefit`` application: its commands, and how errors and interrupts leave the process."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import Annotated, Any, NoReturn

import typer

from curvefit.cli.lazy import Interrupted, LazyCommand, lazy_group, missing_dependency
from curvefit.cli.pipes import end_with_reader
from curvefit.errors import CurvefitError, MissingDependencyError
from curvefit.exit_codes import ExitCode

COMMANDS = (
    LazyCommand("run", "Run a study: train every triplet at every size, resume what is missing."),
    LazyCommand("status", "Show how far a study is: done, failed, missing, time left."),
    LazyCommand("fit", "Fit learning curves: exponents with intervals.", "curvefit.cli.commands.fit:fit"),
    LazyCommand(
        "predict", "Forecast the error at larger training sets.", "curvefit.cli.commands.predict:predict"
    ),
    LazyCommand(
        "gain", "Say what a symmetry is worth: dimension and samples.", "curvefit.cli.commands.gain:gain"
    ),
    LazyCommand("symmetry", "Certify which rotations leave a model under an algorithm unchanged."),
    LazyCommand(
        "design",
        "Choose the next runs that tell most about the exponents.",
        "curvefit.cli.commands.design:design",
    ),
    LazyCommand(
        "report", "Write the report: one HTML file, tables, figures.", "curvefit.cli.commands.report:report"
    ),
    LazyCommand("plan", "Count the runs of a study and estimate what the missing ones cost."),
    LazyCommand("slurm", "Write a study as one sbatch array, or hand it in."),
    LazyCommand("logs", "Show what happened while a study ran."),
    LazyCommand("show", "Show everything known about one run."),
    LazyCommand("verify", "Check every stored record against its checksum."),
    LazyCommand(
        "merge", "Copy the records of several folders into one.", "curvefit.cli.commands.merge:merge"
    ),
    LazyCommand("check", "Check a study or a table without running it.", "curvefit.cli.commands.check:check"),
)

REFUSED = (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""What the file system says of a path that cannot be used: for who typed it, and no bug."""

EPILOG = "Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in ExitCode) + "."

app = typer.Typer(
    name="curvefit",
    cls=lazy_group(COMMANDS),
    help="How fast does this learn, and why: exponents of learning curves, with honest intervals.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        from curvefit import __version__

        typer.echo(f"curvefit {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with a documented exit code (see `ExitCode`).

    Parameters
    ----------
    arguments
        Words after ``curvefit``; those of the process by default.
    """
    if arguments is None:
        end_with_reader()
    words = sys.argv[1:] if arguments is None else arguments
    with warnings.catch_warnings():
        # Notices of libraries to programmers are no business of who runs a command; warnings of ours are one line.
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", category)
        warnings.showwarning = _show_warning
        try:
            _run(words)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()


def _run(words: list[str]) -> None:
    as_json = "--json" in words
    try:
        # Typer prints wrong usage itself, in a frame; programs that asked for JSON get it as JSON.
        code = app(args=words, prog_name="curvefit", standalone_mode=not as_json)
    except Interrupted:
        _leave("interrupted; what was done is kept", "Interrupted", ExitCode.INTERRUPTED, words)
    except MissingDependencyError as error:
        _leave(str(error), type(error).__name__, ExitCode.MISSING_DEPENDENCY, words)
    except CurvefitError as error:
        _leave(str(error), type(error).__name__, ExitCode.BAD_INPUT, words)
    except REFUSED as error:
        what = error.strerror or type(error).__name__
        _leave(f"{error.filename}: {what}", type(error).__name__, ExitCode.BAD_INPUT, words)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"runners", "torch", "pooch", "sklearn", "psutil"}:
            missing = missing_dependency(words[0], error.name)
            _leave(str(missing), type(missing).__name__, ExitCode.MISSING_DEPENDENCY, words)
        _leave_by_bug(error, words)
    except Exception as error:
        if as_json and hasattr(error, "format_message"):
            _leave(error.format_message(), type(error).__name__, ExitCode.BAD_INPUT, words)
        _leave_by_bug(error, words)
    raise SystemExit(code or 0)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"curvefit: {message}", file=sys.stderr, flush=True)


def _leave_by_bug(error: Exception, words: list[str]) -> NoReturn:
    """Leave with the traceback of an error that is ours, and with its message as JSON where ``--json`` was asked for."""
    if "--json" not in words:
        raise error
    traceback.print_exception(error)
    _leave(str(error), type(error).__name__, ExitCode.INTERNAL_ERROR, words)


def _leave(message: str, kind: str, code: ExitCode, words: list[str]) -> NoReturn:
    """Print an error without a traceback (as JSON where ``--json`` was asked for) and exit."""
    if "--json" in words:
        print(json.dumps({"error": message, "kind": kind, "exit_code": int(code)}))
    else:
        print(f"curvefit: {message}", file=sys.stderr)
    raise SystemExit(int(code))
