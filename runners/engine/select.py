"""From the options of a run to the engine that does it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from curvefit.errors import InvalidInputError, unknown_name
from runners.engine.abstract import AbstractEngine
from runners.engine.embedded import EmbeddedEngine
from runners.engine.worker import WorkerTask

ENGINES = ("embedded", "ray")


def choose_engine(
    name: str,
    folder: Path,
    *,
    executor: str,
    device: str = "cpu",
    workers: int | None = None,
    threads: int = 1,
    timeout: float | None = None,
    memory: float | None = None,
    traces: bool = False,
    tiles: bool = False,
) -> AbstractEngine:
    """Return the engine called `name` for the store in `folder`.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"`` (all GPUs, a worker each) or ``"cuda:0,1"``.
    workers
        Number of worker processes; None means one per usable core or GPU.

    Raises
    ------
    UnknownNameError, InvalidInputError, MissingDependencyError
        For an unknown engine or device, or an engine that is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    kind, _, chosen = device.partition(":")
    if kind not in ("cpu", "cuda"):
        raise InvalidInputError(f"device {device!r} is not cpu, cuda or cuda:0,1")
    task = WorkerTask(
        str(folder.resolve()),
        executor,
        device=kind,
        traces=traces,
        tiles=tiles,
        extra_paths=(os.getcwd(),),
    )
    if name == "ray":
        if timeout or memory:
            raise InvalidInputError("engine ray has no --timeout and no --memory-gb; leave them out")
        from runners.engine.ray_cluster import RayEngine

        return RayEngine(task, workers=workers)
    gpus: tuple[str, ...] = ()
    if kind == "cuda":
        gpus = tuple(chosen.split(",")) if chosen else visible_gpus()
        if not gpus:
            raise InvalidInputError("device cuda: no GPU was found on this machine")
    return EmbeddedEngine(
        task,
        folder / "logs",
        workers=workers or len(gpus) or usable_cores(),
        threads=threads,
        visible_devices=gpus,
        timeout=timeout,
        memory=memory,
    )


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Return the indices of the GPUs this process may use, without loading torch."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return tuple(part for part in listed.split(",") if part)
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(str(i) for i, line in enumerate(found.stdout.splitlines()) if line.startswith("GPU"))
