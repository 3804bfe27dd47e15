"""Train many nets: stack by stack, each net to its own end, whatever the others do.

A net leaves its stack when its steps are used up, its loss is small enough, its held-out loss has
stopped improving, it has diverged or its time is over. Nothing a net meets depends on its company,
so that its numbers do not depend on how nets were stacked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from runners.training.augment import AbstractAugmentation
from runners.training.batches import BatchStream
from runners.training.job import Job, Regime, Trained
from runners.training.stack import AbstractStack, Build
from runners.training.step import Stepper, precision_of

DIVERGED = 1e4
"""A training loss above this counts as diverged, as does one that is not a number."""


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
        try:
            with precision_of(regime):
                trained = _StackRun([jobs[i] for i in indices], build, regime, device, augmentation).finish()
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


class _Clock:
    """What one net remembers between looks."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.seconds = 0.0
        self.loss_sum = 0.0
        self.loss_steps = 0
        self.best = math.inf
        self.best_step = 0
        self.best_weights: list[torch.Tensor] | None = None
        self.looks_since_best = 0


class _StackRun:
    """One stack from its first step to its last net's end."""

    def __init__(
        self,
        jobs: Sequence[Job],
        build: Build,
        regime: Regime,
        device: str | torch.device,
        augmentation: AbstractAugmentation | None,
    ) -> None:
        self.jobs, self.regime, self.augmentation = jobs, regime, augmentation
        self.device = torch.device(device)
        self.stack = build([job.seed for job in jobs], self.device, regime.dtype)
        self.state = regime.rule.start(self.stack.parameters)
        self.streams = [BatchStream(len(j.x), regime.batch_size, seed=j.batch_seed) for j in jobs]
        self.element_rngs = [np.random.default_rng([job.batch_seed, 1]) for job in jobs]
        self.clocks = [_Clock(row) for row in range(len(jobs))]
        self.results: dict[int, Trained] = {}
        self.alive = list(range(len(jobs)))
        self.step = 0
        self._fill_tables()

    def _fill_tables(self) -> None:
        """Put every distinct training set on the device once; nets know where theirs begins."""
        starts: dict[int, int] = {}
        xs, ys, length = [], [], 0
        for job in self.jobs:
            if id(job.x) not in starts:
                starts[id(job.x)] = length
                xs.append(job.x)
                ys.append(job.y)
                length += len(job.x)
        self.starts = [starts[id(job.x)] for job in self.jobs]
        self.x = torch.cat(xs).to(self.device, self.regime.dtype)
        y = torch.cat(ys).to(self.device)
        self.y = y.to(self.regime.dtype) if y.is_floating_point() else y

    def finish(self) -> list[Trained]:
        """Train until every net has left, and return what came of each."""
        self.stack.train(True)
        rows = list(self.alive)
        stepper = self._stepper(rows)
        while self.alive:
            began = self._now()
            steps = self._steps_to_next_look()
            losses = stepper.take(*self._inputs(rows, steps))
            self.step += steps
            losses_now = losses.tolist()
            share = (self._now() - began) / len(rows)
            for position, row in enumerate(rows):
                clock = self.clocks[row]
                clock.seconds += share
                clock.loss_sum += losses_now[position]
                clock.loss_steps += steps
            for position, row in enumerate(rows):
                if row in self.alive:
                    self._look(position, row)
            if self._should_compact(rows):
                kept = [position for position, row in enumerate(rows) if row in self.alive]
                rows = list(self.alive)
                index = torch.tensor(kept, device=self.device)
                self.stack.keep(index)
                self.state = [[b.index_select(0, index) for b in buffers] for buffers in self.state]
                stepper = self._stepper(rows)
        return [self.results[row] for row in range(len(self.jobs))]

    def _now(self) -> float:
        """Return seconds of this process on a CPU (other processes share it), of the clock elsewhere."""
        return time.process_time() if self.device.type == "cpu" else time.perf_counter()

    def _should_compact(self, rows: list[int]) -> bool:
        """Drop nets that have left: at once on a CPU, by halves where a graph must be captured anew."""
        few = len(rows) - 1 if self.device.type == "cpu" else len(rows) // 2
        return 0 < len(self.alive) <= few

    def _stepper(self, rows: list[int]) -> Stepper:
        decays = torch.tensor([self.jobs[r].decay for r in rows], device=self.device, dtype=self.regime.dtype)
        whole = None
        if all(self.streams[row].whole for row in rows):
            whole = self._indices(rows, 1)[0]
        return Stepper(
            self.stack,
            self.state,
            regime=self.regime,
            x=self.x,
            y=self.y,
            decay=decays if bool((decays != 0).any()) else None,
            whole=whole,
            augmentation=self.augmentation,
            count=self.step,
        )

    def _steps_to_next_look(self) -> int:
        every = self.regime.check_every
        ends = [self.jobs[row].steps for row in self.alive]
        return min(every - self.step % every, min(ends) - self.step)

    def _indices(self, rows: list[int], steps: int) -> torch.Tensor:
        taken = [self.streams[row].take(steps) + self.starts[row] for row in rows]
        return torch.from_numpy(np.stack(taken, axis=1)).to(self.device)

    def _inputs(self, rows: list[int], steps: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        batches = self._indices(rows, steps)
        rates = np.array([[self._rate(self.jobs[row], self.step + i) for row in rows] for i in range(steps)])
        elements = None
        if self.augmentation is not None:
            n, size = self.augmentation.n_elements, batches.shape[-1]
            drawn = [self.element_rngs[row].integers(n, size=(steps, size)) for row in rows]
            elements = torch.from_numpy(np.stack(drawn, axis=1)).to(self.device)
        return batches, torch.from_numpy(rates).to(self.device, self.regime.dtype), elements

    def _rate(self, job: Job, step: int) -> float:
        if self.regime.schedule == "constant":
            return job.rate
        return job.rate * 0.5 * (1 + math.cos(math.pi * min(step / job.steps, 1)))

    def _look(self, position: int, row: int) -> None:
        """Decide whether one net goes on; only at its own looks, which other nets do not move."""
        job, clock, regime = self.jobs[row], self.clocks[row], self.regime
        last = self.step >= job.steps
        if not last and self.step % regime.check_every:
            return
        loss = clock.loss_sum / clock.loss_steps
        clock.loss_sum, clock.loss_steps = 0.0, 0
        if not loss < DIVERGED:
            self._leave(row, "diverged", loss, f"training loss {loss:.3g} at step {self.step}")
            return
        if job.held is not None and self._stops_improving(position, row):
            self._leave(row, "ok", loss, stopped="validation", weights=clock.best_weights)
        elif regime.stop_loss is not None and loss <= regime.stop_loss:
            self._leave(row, "ok", loss, stopped="loss", weights=self.stack.one(position))
        elif last:
            weights = clock.best_weights if job.held is not None else self.stack.one(position)
            self._leave(row, "ok", loss, stopped="budget", weights=weights)
        elif regime.time_limit is not None and clock.seconds > regime.time_limit:
            self._leave(row, "timeout", loss, f"stopped at step {self.step} after {clock.seconds:.1f} s")

    def _leave(
        self,
        row: int,
        status: str,
        loss: float,
        message: str = "",
        *,
        stopped: str = "",
        weights: list[torch.Tensor] | None = None,
    ) -> None:
        clock = self.clocks[row]
        if weights is not None and not all(bool(torch.isfinite(w).all()) for w in weights):
            status, message, weights = "diverged", f"weights are not finite at step {self.step}", None
        best = clock.best_step if self.jobs[row].held is not None else None
        self.results[row] = Trained(status, message, weights, self.step, loss, stopped, clock.seconds, best)
        self.alive.remove(row)

    def _stops_improving(self, position: int, row: int) -> bool:
        clock, held = self.clocks[row], self.jobs[row].held
        assert held is not None
        weights = self.stack.one(position)
        outputs = predict(self.stack, weights, held[0].to(self.device, self.regime.dtype))
        loss = float(self.regime.loss(outputs[None], held[1].to(self.device)[None])[0])
        self.stack.train(True)
        if loss < clock.best:
            clock.best, clock.best_step, clock.best_weights = loss, self.step, weights
            clock.looks_since_best = 0
            return False
        clock.looks_since_best += 1
        return clock.looks_since_best >= self.regime.patience


@torch.no_grad()
def predict(
    stack: AbstractStack,
    weights: list[torch.Tensor],
    x: torch.Tensor,
    *,
    chunk: int = 256,
) -> torch.Tensor:
    """Return outputs ``(example, output)`` of one net, in chunks of examples.

    Parameters
    ----------
    stack
        The map; only its form is used.
    weights
        Parameters and constants of one net, a stack of one (see `AbstractStack.one`).
    x
        ``(example, height, width, channel)`` on the weights' device.
    chunk
        Examples at a time.
    """
    stack.train(False)
    return torch.cat([stack.forward(weights, part[None])[0] for part in x.split(chunk)])
