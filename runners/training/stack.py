"""Train a stack: M nets of one plan at once, each on its own data with its own batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from runners.architectures.plan import Plan


@dataclass(frozen=True, slots=True)
class Stack:
    """The data of M nets that train together.

    Parameters
    ----------
    x
        ``(M, n_train, height, width, channels)``.
    y
        Labels ``(M, n_train)`` int64, or targets ``(M, n_train, outputs)``.
    order
        ``(steps, M, batch)``: the examples each net sees at each step.
    """

    x: torch.Tensor
    y: torch.Tensor
    order: torch.Tensor

    @classmethod
    def from_arrays(
        cls, x: Sequence[np.ndarray], y: Sequence[np.ndarray], order: Sequence[np.ndarray], *, device: str
    ) -> Stack:
        """Put the arrays of M nets on the device once; no loader stands between them and the steps."""
        targets = torch.as_tensor(np.stack(y))
        return cls(
            torch.as_tensor(np.stack(x), dtype=torch.float32, device=device),
            (targets.float() if targets.is_floating_point() else targets).to(device),
            torch.as_tensor(np.stack(order, axis=1), device=device),
        )

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the inputs and targets of one step."""
        index = self.order[step]
        models = torch.arange(len(index), device=index.device)[:, None]
        return self.x[models, index], self.y[models, index]


def loss_per_model(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return each net's mean loss ``(M,)``: cross-entropy for labels, half squared error for targets."""
    if targets.is_floating_point():
        return 0.5 * (outputs - targets).square().mean(dim=(1, 2))
    losses = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return losses.view(targets.shape).mean(1)


def one_hot_centred(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Return labels as one-hot rows minus their mean 1/n_classes: the targets of squared-error training."""
    return np.eye(n_classes)[y] - 1.0 / n_classes


def train_stack(
    plan: Plan,
    initial: Sequence[Sequence[torch.Tensor]],
    stack: Stack,
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Train M nets by stochastic gradient descent, the learning rate falling linearly to zero.

    Parameters
    ----------
    plan
        The nets' layers.
    initial
        Initial weights of each net, in the plan's order.
    stack
        Their data and batches.
    learning_rate, momentum, weight_decay
        As in ``torch.optim.SGD``; they act on each net apart, since a step's loss is a sum over nets.

    Returns
    -------
    list of torch.Tensor, torch.Tensor
        The trained weights with their model axis, and the last batch loss of each net ``(M,)``
        (not finite where training diverged).
    """
    device = stack.x.device
    parameters = [
        torch.stack(weights).to(device).requires_grad_() for weights in zip(*initial, strict=True)
    ]
    optimiser = torch.optim.SGD(
        parameters, lr=learning_rate, momentum=momentum, weight_decay=weight_decay, foreach=True
    )
    steps = len(stack.order)
    loss = torch.zeros(len(stack.x), device=device)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        x, y = stack.batch(step)
        loss = loss_per_model(plan.apply(parameters, x), y)
        optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimiser.step()
    return [parameter.detach() for parameter in parameters], loss.detach()


@torch.no_grad()
def predict_stack(
    plan: Plan, parameters: Sequence[torch.Tensor], x: torch.Tensor, *, batch: int = 500
) -> torch.Tensor:
    """Return the outputs ``(M, n, outputs)`` of M nets on their own inputs ``(M, n, h, w, c)``."""
    return torch.cat([plan.apply(parameters, part) for part in x.split(batch, dim=1)], dim=1)
