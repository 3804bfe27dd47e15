"""One stack of nets from its first step to its last: each net to its own end, whatever the others do.

A net leaves its stack when its steps are used up, its loss is small enough, its held-out loss has
stopped improving, it has diverged or its time is over. Nothing a net meets depends on its company,
so that its numbers do not depend on how nets were stacked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from runners.training.abstract import OneNet
from runners.training.augment import AbstractAugmentation
from runners.training.feed import Feed
from runners.training.job import Job, Look, Regime, Trained
from runners.training.stack import Build
from runners.training.step import Stepper

DIVERGED = 1e4
"""A training loss above this counts as diverged, as does one that is not a number."""
LONGEST_TRACE = 400


@dataclass(slots=True)
class _Memory:
    """What one net remembers between looks."""

    seconds: float = 0.0
    loss_sum: float = 0.0
    last_look: tuple[int, float] = (0, 0.0)
    best: float = math.inf
    best_step: int = 0
    best_net: OneNet | None = None
    looks_since_best: int = 0
    trace: list[Look] = field(default_factory=list)

    def note(self, look: Look) -> None:
        """Remember a look; of very many, every other one."""
        self.trace.append(look)
        if len(self.trace) > LONGEST_TRACE:
            del self.trace[1::2]


def should_compact(alive: int, *, of: int, device: torch.device) -> bool:
    """Return whether nets that have left are dropped: at once on a CPU, by halves where a graph must be recorded anew.

    Parameters
    ----------
    alive, of
        Nets still trained, and nets in the stack.
    device
        Where it is.
    """
    few = of - 1 if device.type == "cpu" else of // 2
    return 0 < alive <= few


class StackRun:
    """One stack from its first step to its last net's end.

    Parameters
    ----------
    jobs, build, regime, device, augmentation
        As for `runners.training.loop.train_jobs`; all jobs have one batch size.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        build: Build,
        regime: Regime,
        device: torch.device,
        augmentation: AbstractAugmentation | None,
    ) -> None:
        self._jobs, self._regime, self._device = jobs, regime, device
        self._augmentation = augmentation
        self._stack = build([job.seed for job in jobs], device, regime.dtype)
        self._state = regime.rule.start(self._stack.parameters)
        self._feed = Feed(jobs, regime, device, augmentation)
        self._memories = [_Memory() for _ in jobs]
        # Of all steps so far, one by one: a sum of parts would be rounded by where the looks of other nets cut it.
        self._loss_sums = torch.zeros(len(jobs), dtype=torch.float64, device=device)
        self._results: dict[int, Trained] = {}
        self._alive = list(range(len(jobs)))
        self._step = 0

    def finish(self) -> list[Trained]:
        """Train until every net has left, and return what came of each."""
        self._stack.train(True)
        rows = list(self._alive)
        stepper = self._stepper(rows)
        while self._alive:
            self._advance(stepper, rows)
            for position, row in enumerate(rows):
                if row in self._alive:
                    self._look(position, row)
            if should_compact(len(self._alive), of=len(rows), device=self._device):
                kept = [position for position, row in enumerate(rows) if row in self._alive]
                rows = list(self._alive)
                index = torch.tensor(kept, device=self._device)
                self._stack.keep(index)
                self._loss_sums = self._loss_sums.index_select(0, index)
                self._state = [[b.index_select(0, index) for b in buffers] for buffers in self._state]
                stepper = self._stepper(rows)
        return [self._results[row] for row in range(len(self._jobs))]

    def _advance(self, stepper: Stepper, rows: list[int]) -> None:
        """Take the steps to the next look of any net."""
        began = self._now()
        every = self._regime.check_every
        steps = min(
            every - self._step % every, min(self._jobs[row].steps for row in self._alive) - self._step
        )
        stepper.take(self._feed.draw(rows, step=self._step, steps=steps), self._loss_sums)
        sums = self._loss_sums.tolist()
        self._step += steps
        share = (self._now() - began) / len(rows)
        for row, loss_sum in zip(rows, sums):
            memory = self._memories[row]
            memory.seconds += share
            memory.loss_sum = loss_sum

    def _now(self) -> float:
        """Return seconds of this process on a CPU (other processes share it), of the clock elsewhere."""
        return time.process_time() if self._device.type == "cpu" else time.perf_counter()

    def _stepper(self, rows: list[int]) -> Stepper:
        return Stepper(
            self._stack,
            self._state,
            regime=self._regime,
            x=self._feed.x,
            y=self._feed.y,
            decay=self._feed.decays(rows),
            whole=self._feed.whole(rows),
            augmentation=self._augmentation,
            count=self._step,
            replay=self._device.type == "cuda" and self._stack.replayable,
        )

    def _look(self, position: int, row: int) -> None:
        """Decide whether one net goes on; only at its own looks, which other nets do not move."""
        job, memory, regime = self._jobs[row], self._memories[row], self._regime
        last = self._step >= job.steps
        if not last and self._step % regime.check_every:
            return
        step, loss_sum = memory.last_look
        loss = (memory.loss_sum - loss_sum) / (self._step - step)
        memory.last_look = self._step, memory.loss_sum
        memory.note(Look(self._step, loss))
        if not loss < DIVERGED:
            self._leave(row, "diverged", loss, f"training loss {loss:.3g} at step {self._step}")
            return
        stopped = ""
        if job.held is not None and self._stops_improving(position, row):
            stopped = "validation"
        elif regime.stop_loss is not None and loss <= regime.stop_loss:
            stopped = "loss"
        elif last:
            stopped = "budget"
        if stopped:
            net = self._stack.one(position) if job.held is None else memory.best_net
            self._leave(row, "ok", loss, stopped=stopped, net=net)
        elif regime.time_limit is not None and memory.seconds > regime.time_limit:
            self._leave(row, "timeout", loss, f"stopped at step {self._step} after {memory.seconds:.1f} s")

    def _leave(
        self,
        row: int,
        status: str,
        loss: float,
        message: str = "",
        *,
        stopped: str = "",
        net: OneNet | None = None,
    ) -> None:
        memory = self._memories[row]
        if status == "ok" and (net is None or not all(bool(w.isfinite().all()) for w in net.weights)):
            status, message, net = "diverged", f"weights are not finite at step {self._step}", None
        best = memory.best_step if self._jobs[row].held is not None else None
        self._results[row] = Trained(
            status, message, net, self._step, loss, stopped, memory.seconds, best, tuple(memory.trace)
        )
        self._alive.remove(row)

    def _stops_improving(self, position: int, row: int) -> bool:
        memory, held = self._memories[row], self._jobs[row].held
        assert held is not None
        net = self._stack.one(position)
        outputs = net.predict(held[0].to(self._device, self._regime.dtype))
        loss = float(self._regime.loss(outputs[None], held[1].to(self._device)[None])[0])
        memory.trace[-1] = memory.trace[-1]._replace(held_loss=loss)
        if loss < memory.best:
            memory.best, memory.best_step, memory.best_net = loss, self._step, net
            memory.looks_since_best = 0
            return False
        memory.looks_since_best += 1
        return memory.looks_since_best >= self._regime.patience
