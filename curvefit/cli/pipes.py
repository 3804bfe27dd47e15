"""Standard output that nobody reads to its end: closed, or a pipe whose reader leaves early, as ``head`` does."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import Any

from curvefit.exit_codes import ExitCode


class _Pipe(io.FileIO):
    """Standard output that ends the process without a word once nobody reads it."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # What is still buffered goes nowhere. Typer and rich would catch the error, and leave as after a bug.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            raise SystemExit(int(ExitCode.UNREAD)) from None


def end_with_reader() -> None:
    """Let the process leave with `ExitCode.UNREAD` when standard output is a pipe whose reader has left.

    What would go to a standard output that was closed before the start goes nowhere.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open to the end of the process
    known = sys.stdout
    if not isinstance(known, io.TextIOWrapper) or not stat.S_ISFIFO(os.fstat(known.fileno()).st_mode):
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Pipe(known.fileno(), "w", closefd=False)),
        encoding=known.encoding,
        errors=known.errors,
        write_through=known.write_through,
    )
