"""From the options of a run to the engine that does it."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import takewhile
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
        ``"cpu"``, ``"cuda"`` (all GPUs, a worker each) or ``"cuda:0,1"``, counted among the GPUs this process may
        use (see `visible_gpus`).
    workers
        Number of worker processes; None means one per usable core or GPU.

    Raises
    ------
    UnknownNameError, InvalidInputError, MissingDependencyError
        For an unknown engine or device, or an engine that is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    if not re.fullmatch(r"cpu|cuda(:\d+(,\d+)*)?", device):
        raise InvalidInputError(f"device {device!r} is not cpu, cuda or cuda:0,1")
    kind, _, chosen = device.partition(":")
    task = WorkerTask(
        str(folder.resolve()),
        executor,
        device=kind,
        traces=traces,
        tiles=tiles,
        extra_paths=(os.getcwd(),),
    )
    if name == "ray":
        if timeout or memory or threads != 1 or chosen:
            raise InvalidInputError(
                "engine ray has no --timeout, --memory-gb and --threads, and chooses GPUs itself; leave these out"
            )
        from runners.engine.ray_cluster import RayEngine

        return RayEngine(task, workers=workers)
    gpus = _choose_gpus(chosen) if kind == "cuda" else ()
    return EmbeddedEngine(
        task,
        folder / "logs",
        workers=workers or len(gpus) or usable_cores(),
        threads=threads,
        visible_devices=gpus,
        timeout=timeout,
        memory=memory,
    )


def _choose_gpus(chosen: str) -> tuple[str, ...]:
    """Return the GPUs with these positions among the visible ones; all of them where none is chosen."""
    visible = visible_gpus()
    if not visible:
        raise InvalidInputError("device cuda: no GPU was found on this machine")
    if not chosen:
        return visible
    positions = [int(position) for position in chosen.split(",")]
    if max(positions) >= len(visible):
        raise InvalidInputError(
            f"device 'cuda:{chosen}': this process may use {len(visible)} GPUs, counted from 0 "
            f"(CUDA_VISIBLE_DEVICES or nvidia-smi: {', '.join(visible)})"
        )
    return tuple(visible[position] for position in positions)


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> tuple[str, ...]:
    """Return the indices of the GPUs this process may use, without loading torch."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        parts = (part.strip() for part in listed.split(","))
        return tuple(
            takewhile(lambda part: part and not part.startswith("-"), parts)
        )  # CUDA, too, ends at a "-1"
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(str(i) for i, line in enumerate(found.stdout.splitlines()) if line.startswith("GPU"))
