"""A real Slurm of one node, started from the Debian packages without systemd, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")

_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
JobRequeue=1
KillWait=300
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Return the Slurm programs that are not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextlib.contextmanager
def running_slurm(folder: Path) -> Iterator[dict[str, str]]:
    """Start munge and Slurm, yield the environment for their commands, and stop them."""
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "SLURM_CONF": str(folder / "slurm.conf"),
    }
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    host = socket.gethostname().split(".")[0]
    cpus = max(2, os.cpu_count() or 1)  # a test has two tasks at once
    ports = _free_port(), _free_port()
    (folder / "slurm.conf").write_text(_CONF.format(host=host, folder=folder, cpus=cpus, ports=ports))
    munge = ["munged", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"]
    munge += [
        f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/seed",
    ]
    try:
        for command in (munge, ["slurmctld", "-c"], ["slurmd"]):
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        if not _becomes(environment, ["sinfo", "-h", "-o", "%t"], ("idle", "mix", "alloc")):
            raise RuntimeError(f"Slurm does not come up; its logs are in {folder}")
        yield environment
    finally:
        with contextlib.suppress(OSError, subprocess.SubprocessError):  # a failed test leaves jobs behind
            for how in (["--signal=KILL", "--full"], []):
                command = ["scancel", "--user=root", *how]
                subprocess.run(command, env=environment, timeout=30, capture_output=True)
            _becomes(environment, ["squeue", "-h"], ("",), seconds=30)
        for name in ("slurmd", "slurmctld", "munged"):
            _end(folder / f"{name}.pid")


def _becomes(
    environment: dict[str, str], command: list[str], wanted: tuple[str, ...], *, seconds: float = 120
) -> bool:
    """Return whether a command says one of these within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = subprocess.run(command, env=environment, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.strip() in wanted:
            return True
        time.sleep(0.2)
    return False


def _end(pid_file: Path) -> None:
    """Ask a daemon to leave, and see it gone."""
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.1)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
