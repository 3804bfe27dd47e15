"""Train many nets, stack by stack; a stack that does not fit into memory is halved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from runners.training.augment import AbstractAugmentation
from runners.training.job import Job, Regime, Trained
from runners.training.stack import Build
from runners.training.stack_run import StackRun
from runners.training.step import precision_of


def train_jobs(
    jobs: Sequence[Job],
    build: Build,
    regime: Regime,
    *,
    device: str | torch.device = "cpu",
    largest_stack: int = 1,
    augmentation: AbstractAugmentation | None = None,
) -> Iterator[tuple[int, Trained]]:
    """Train every job and yield ``(index, Trained)`` in order.

    Parameters
    ----------
    jobs
        Nets to train; those of equal batch size are stacked.
    build
        Makes stacks of untrained nets (see `stack_builder`).
    regime
        How to train.
    device
        Where.
    largest_stack
        Nets per stack; halved whenever memory runs out.
    augmentation
        Moves every batch, or None.
    """
    by_batch: dict[int, list[int]] = {}
    for index, job in enumerate(jobs):
        by_batch.setdefault(min(regime.batch_size, len(job.x)), []).append(index)
    waiting = [
        indices[start : start + largest_stack]
        for indices in by_batch.values()
        for start in range(0, len(indices), largest_stack)
    ]
    while waiting:
        indices = waiting.pop(0)
        stacked = [jobs[i] for i in indices]
        try:
            with precision_of(regime):
                trained = StackRun(stacked, build, regime, torch.device(device), augmentation).finish()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            trained = None
            message = str(error).splitlines()[0]
        if trained is not None:
            yield from zip(indices, trained)
        elif len(indices) == 1:
            yield indices[0], Trained("out-of-memory", message)
        else:
            if torch.device(device).type == "cuda":
                torch.cuda.empty_cache()
            middle = len(indices) // 2
            waiting[:0] = [indices[:middle], indices[middle:]]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether `error` says that memory ran out, on any device."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
