"""What steps of a stack are fed: examples on the device, and each net's batches, rates and group elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch

from runners.training.augment import AbstractAugmentation
from runners.training.batches import BatchStream
from runners.training.job import Job, Regime


class Inputs(NamedTuple):
    """Inputs of some steps.

    Parameters
    ----------
    batches
        ``(step, model, example)`` indices into the table of examples.
    rates
        ``(step, model)`` learning rates.
    elements
        ``(step, model, example)`` numbers of group elements, or None without augmentation.
    """

    batches: torch.Tensor
    rates: torch.Tensor
    elements: torch.Tensor | None

    def steps(self) -> Iterator[Inputs]:
        """Yield the inputs of each step, without the step axis."""
        elements = repeat(None) if self.elements is None else self.elements.unbind()
        for parts in zip(self.batches.unbind(), self.rates.unbind(), elements):
            yield Inputs(*parts)


class Feed:
    """Tables of all jobs' examples on the device, and a stream of batches for each job.

    Every distinct training set lies on the device once. What a job is fed depends on its own seeds alone.

    Parameters
    ----------
    jobs, regime
        What is trained, and how.
    device
        Of the tables.
    augmentation
        Moves every batch, or None.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        regime: Regime,
        device: torch.device,
        augmentation: AbstractAugmentation | None,
    ) -> None:
        self._jobs, self._regime, self._device = jobs, regime, device
        self._n_elements = 0 if augmentation is None else augmentation.n_elements
        self._streams = [BatchStream(len(j.x), regime.batch_size, seed=j.batch_seed) for j in jobs]
        self._element_rngs = [np.random.default_rng([job.batch_seed, 1]) for job in jobs]
        distinct = {id(job.x): job for job in jobs}
        first = np.cumsum([0, *(len(job.x) for job in distinct.values())])
        starts = dict(zip(distinct, first.tolist()))
        self._starts = [starts[id(job.x)] for job in jobs]
        self.x = torch.cat([job.x for job in distinct.values()]).to(device, regime.dtype)
        y = torch.cat([job.y for job in distinct.values()]).to(device)
        self.y = y.to(regime.dtype) if y.is_floating_point() else y

    def draw(self, rows: Sequence[int], *, step: int, steps: int) -> Inputs:
        """Return the inputs of the next `steps` steps of the jobs `rows`, of which `step` are done."""
        batches = self._indices(rows, steps)
        elements = None
        if self._n_elements:
            size = (steps, batches.shape[-1])
            drawn = [self._element_rngs[row].integers(self._n_elements, size=size) for row in rows]
            elements = torch.from_numpy(np.stack(drawn, axis=1)).to(self._device)
        rates = torch.from_numpy(self._rates(rows, step, steps)).to(self._device, self._regime.dtype)
        return Inputs(batches, rates, elements)

    def whole(self, rows: Sequence[int]) -> torch.Tensor | None:
        """Return the only batch there is, ``(model, example)``, where every batch is the whole set."""
        if not all(self._streams[row].whole for row in rows):
            return None
        return self._indices(rows, 1)[0]

    def decays(self, rows: Sequence[int]) -> torch.Tensor | None:
        """Return the weight decay of each job, or None where there is none."""
        decays = [self._jobs[row].decay for row in rows]
        return torch.tensor(decays, device=self._device, dtype=self._regime.dtype) if any(decays) else None

    def _indices(self, rows: Sequence[int], steps: int) -> torch.Tensor:
        taken = [self._streams[row].take(steps) + self._starts[row] for row in rows]
        return torch.from_numpy(np.stack(taken, axis=1)).to(self._device)

    def _rates(self, rows: Sequence[int], step: int, steps: int) -> np.ndarray:
        full = np.array([self._jobs[row].rate for row in rows])
        if self._regime.schedule == "constant":
            return np.tile(full, (steps, 1))
        budgets = np.array([self._jobs[row].steps for row in rows])
        done = np.minimum((step + np.arange(steps))[:, None] / budgets, 1.0)
        return full * 0.5 * (1 + np.cos(np.pi * done))
