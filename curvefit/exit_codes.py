"""Exit codes of the ``curvefit`` command, documented for scripts and schedulers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller; `meaning` holds the sentence the documentation prints."""

    OK = 0
    INTERNAL_ERROR = 1
    BAD_INPUT = 2
    NOT_CONVERGED = 3
    RUNS_FAILED = 4
    MISSING_DEPENDENCY = 5
    INTERRUPTED = 130
    UNREAD = 141

    @property
    def meaning(self) -> str:
        """One sentence for the documentation and ``curvefit --help``."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.INTERNAL_ERROR: "a bug in curvefit; the traceback says where",
    ExitCode.BAD_INPUT: "bad input: a wrong option, name, key, value or file",
    ExitCode.NOT_CONVERGED: "everything was written, but the fit has not converged",
    ExitCode.RUNS_FAILED: "everything was written, but some runs of the study failed or are missing",
    ExitCode.MISSING_DEPENDENCY: "an optional part is not installed; the message says how to get it",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); what was done is kept",
    ExitCode.UNREAD: "nobody reads the output any more, as after a pipe into head",
}
