"""One step of a stack, run eagerly on CPUs and replayed as a CUDA graph on GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from runners.training.augment import AbstractAugmentation
from runners.training.job import Regime
from runners.training.stack import AbstractStack, PlanStack


class Stepper:
    """Takes steps with a stack whose size stays as it is.

    Parameters
    ----------
    stack, state
        Weights and the update rule's state; changed in place.
    regime
        How to train.
    x, y
        Device tables of all examples and targets; batches are indices into them.
    decay
        Weight decay per net, or None.
    whole
        Indices of the only batch there is, where every batch is the whole set.
    augmentation
        Moves every batch by random group elements, or None.
    count
        Steps already taken.
    """

    def __init__(
        self,
        stack: AbstractStack,
        state: list[list[torch.Tensor]],
        *,
        regime: Regime,
        x: torch.Tensor,
        y: torch.Tensor,
        decay: torch.Tensor | None,
        whole: torch.Tensor | None,
        augmentation: AbstractAugmentation | None,
        count: int,
    ) -> None:
        self.stack, self.state, self.regime = stack, state, regime
        self.x, self.y, self.decay, self.augmentation = x, y, decay, augmentation
        self.count = torch.tensor(float(count), dtype=torch.float64, device=x.device)
        self._fixed = None if whole is None else self._gather(whole)
        self._graph: torch.cuda.CUDAGraph | None = None

    def take(self, batches: torch.Tensor, rates: torch.Tensor, elements: torch.Tensor | None) -> torch.Tensor:
        """Take as many steps as there are rows, and return the loss of each net summed over them.

        Parameters
        ----------
        batches
            ``(step, model, example)`` indices into the tables.
        rates
            ``(step, model)`` learning rates.
        elements
            ``(step, model, example)`` numbers of group elements, or None.
        """
        total = torch.zeros(len(self.stack), device=self.x.device)
        if self.x.device.type == "cuda" and isinstance(self.stack, PlanStack):
            return self._replay(batches, rates, elements, total)
        for i in range(len(rates)):
            total += self._step(batches[i], rates[i], None if elements is None else elements[i])
        return total

    def _step(self, batch: torch.Tensor, rate: torch.Tensor, elements: torch.Tensor | None) -> torch.Tensor:
        x, y = self._gather(batch) if self._fixed is None else self._fixed
        if self.augmentation is not None and elements is not None:
            x = self.augmentation(x, elements)
        parameters = self.stack.parameters
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.regime.precision == "bfloat16"):
            outputs = self.stack.forward(self.stack.weights, x)
        loss = self.regime.loss(outputs.to(self.x.dtype), y)
        gradients = torch.autograd.grad(loss.sum(), parameters)
        with torch.no_grad():
            self.count += 1
            self.regime.rule.update(
                parameters, gradients, self.state, rate=rate, decay=self.decay, count=self.count
            )
        return loss.detach()

    def _gather(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = batch.reshape(-1)
        x = self.x.index_select(0, flat).view(*batch.shape, *self.x.shape[1:])
        return x, self.y.index_select(0, flat).view(*batch.shape, *self.y.shape[1:])

    def _replay(
        self,
        batches: torch.Tensor,
        rates: torch.Tensor,
        elements: torch.Tensor | None,
        total: torch.Tensor,
    ) -> torch.Tensor:
        """Copy each step's inputs into fixed places and replay the captured step."""
        if self._graph is None:
            self._inputs = (
                batches[0].clone(),
                rates[0].clone(),
                None if elements is None else elements[0].clone(),
            )
            self._capture()
        assert self._graph is not None
        for i in range(len(rates)):
            self._inputs[0].copy_(batches[i])
            self._inputs[1].copy_(rates[i])
            if elements is not None and self._inputs[2] is not None:
                self._inputs[2].copy_(elements[i])
            self._graph.replay()
            total += self._loss
        return total

    def _capture(self) -> None:
        """Capture one step; the trial steps before it are undone."""
        changed = [*self.stack.parameters, *(b for buffers in self.state for b in buffers), self.count]
        before = [tensor.detach().clone() for tensor in changed]
        side = torch.cuda.Stream(self.x.device)
        side.wait_stream(torch.cuda.current_stream(self.x.device))
        with torch.cuda.stream(side):
            for _ in range(3):
                self._step(*self._inputs)
        torch.cuda.current_stream(self.x.device).wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = self._step(*self._inputs)
        with torch.no_grad():
            for tensor, value in zip(changed, before):
                tensor.copy_(value)


@contextmanager
def precision_of(regime: Regime) -> Iterator[None]:
    """Allow TF32 products inside the block if, and only if, the regime asks for them."""
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    allowed = regime.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
