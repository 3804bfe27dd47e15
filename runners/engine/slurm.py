"""Slurm: one plain array script whose tasks are ordinary drivers on a shared store."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from curvefit.errors import InvalidInputError, MissingDependencyError
from curvefit.records.files import replace_file

_WARNING_SECONDS = 120

_SCRIPT = """\
#!/bin/bash
# Written by `curvefit slurm`. Every task is a driver that takes chunks nobody else holds, so tasks may start late, be
# preempted, die or be handed in again: the store says what is missing.
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --cpus-per-task={workers}
#SBATCH --output={folder}/slurm/%A_%a.txt
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@{warning}
{options}
cd {here} || exit 1
exec {command}
"""


def write_array(
    name: str,
    study: Path,
    folder: Path,
    *,
    tasks: int,
    workers: int = 1,
    options: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> Path:
    """Write the array script of a study and return its path.

    Parameters
    ----------
    name, study
        Name and file of the study.
    folder
        The store, on a file system that all nodes share.
    tasks
        Number of array tasks.
    workers
        Worker processes, and cores, of each task.
    options
        Further sbatch options without dashes: ``"partition=gpu"``.
    arguments
        Further arguments of ``curvefit run``.

    Raises
    ------
    InvalidInputError
        For an option that sbatch would not understand.
    """
    for option in options:
        if "\n" in option or not option.strip() or option.startswith("-"):
            raise InvalidInputError(f"option {option!r}: write it without dashes, such as partition=gpu")
    folder = folder.resolve()
    if any(character.isspace() for character in str(folder)):
        raise InvalidInputError(f"folder {str(folder)!r} contains a space, which sbatch lines cannot hold")
    (folder / "slurm").mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("curvefit")
    command = [str(program), "run", str(study.resolve()), "--out", str(folder), "--workers", str(workers)]
    script = folder / "slurm" / "array.sbatch"
    text = _SCRIPT.format(
        name=f"curvefit-{name}",
        last=tasks - 1,
        workers=workers,
        folder=folder,
        warning=_WARNING_SECONDS,
        options="\n".join(f"#SBATCH --{option}" for option in options),
        here=shlex.quote(str(Path.cwd())),
        command=shlex.join([*command, "--no-wait", *arguments]),
    )
    replace_file(script, text.replace("\n\ncd ", "\ncd ").encode())
    return script


def submit_array(script: Path) -> str:
    """Hand the script in and return the job's number.

    Raises
    ------
    MissingDependencyError
        Where there is no sbatch.
    InvalidInputError
        When Slurm refuses it; the message is Slurm's.
    """
    if shutil.which("sbatch") is None:
        raise MissingDependencyError(f"sbatch is not on this machine; hand in {script} where it is")
    done = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True)
    if done.returncode:
        raise InvalidInputError(f"Slurm refuses {script}: {done.stderr.strip()}")
    return done.stdout.strip().partition(";")[0]
