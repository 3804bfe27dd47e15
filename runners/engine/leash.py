"""A worker's first breath: tied to its driver before anything that takes time is imported.

Runs as ``python -m runners.engine.leash FD JSON DRIVER``; with the imports, seconds may pass on a busy machine, and a driver
that was killed meanwhile would leave its worker behind until then.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

EXIT_ORPHANED = 70
_PR_SET_PDEATHSIG = 1


def die_with(driver: int) -> None:
    """Leave when the driver dies, even from within a long computation.

    Ctrl-C is the driver's to handle, and so is the SIGTERM that Slurm sends to every process of a task it takes back:
    the driver tells its workers to finish their current run, or kills them.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:  # it died before that
        sys.exit(EXIT_ORPHANED)


if __name__ == "__main__":
    die_with(int(sys.argv[3]))
    from runners.engine.worker import main

    main(sys.argv[1:])
