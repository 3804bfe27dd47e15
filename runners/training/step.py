"""One step of a stack, run eagerly on CPUs and replayed as a CUDA graph on GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from runners.training.abstract import AbstractStack
from runners.training.augment import AbstractAugmentation
from runners.training.feed import Inputs
from runners.training.graph import Replay
from runners.training.job import Regime


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
    replay
        Whether to record the step as a CUDA graph.
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
        replay: bool,
    ) -> None:
        self.stack, self.state, self.regime = stack, state, regime
        self.x, self.y, self.decay, self.augmentation = x, y, decay, augmentation
        self.count = torch.tensor(float(count), dtype=torch.float64, device=x.device)
        self._fixed = None if whole is None else self._gather(whole)
        self._replay = replay
        self._recorded: Replay | None = None

    def take(self, inputs: Inputs, loss_sums: torch.Tensor) -> None:
        """Take as many steps as there are inputs, and add each step's loss of each net to `loss_sums`."""
        step = self._step
        if self._replay:
            if self._recorded is None:
                changed = [
                    *self.stack.parameters,
                    *(b for buffers in self.state for b in buffers),
                    self.count,
                ]
                self._recorded = Replay(self._step, next(inputs.steps()), changed)
            step = self._recorded
        for one in inputs.steps():
            loss_sums += step(one)

    def _step(self, inputs: Inputs) -> torch.Tensor:
        x, y = self._gather(inputs.batches) if self._fixed is None else self._fixed
        if self.augmentation is not None and inputs.elements is not None:
            x = self.augmentation(x, inputs.elements)
        parameters = self.stack.parameters
        with self._autocast(x.device):
            outputs = self.stack.forward(self.stack.weights, x)
        with torch.no_grad():
            loss, slope = self.regime.loss.differentiate(outputs.to(self.x.dtype), y)
        gradients = torch.autograd.grad(outputs, parameters, slope.to(outputs.dtype))
        with torch.no_grad():
            self.count += 1
            self.regime.rule.update(
                parameters, gradients, self.state, rate=inputs.rates, decay=self.decay, count=self.count
            )
        return loss

    def _autocast(self, device: torch.device) -> AbstractContextManager[None]:
        if self.regime.precision == "bfloat16":
            return torch.autocast(device.type, torch.bfloat16)
        return nullcontext()  # entering a disabled one costs 3 % of a small net's step

    def _gather(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        flat = batch.reshape(-1)
        x = self.x.index_select(0, flat).view(*batch.shape, *self.x.shape[1:])
        return x, self.y.index_select(0, flat).view(*batch.shape, *self.y.shape[1:])


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
