"""Train one module with given batches: plain and exact, for trying out what a symmetry does to a net."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from runners.training.losses import Loss
from runners.training.module_stack import ModuleStack
from runners.training.rules import AbstractRule, Momentum


def train_module(
    module: torch.nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    batches: Iterable[torch.Tensor],
    rule: AbstractRule | None = None,
    rate: float = 0.1,
    weight_decay: float = 0.0,
    loss: Loss | None = None,
) -> torch.nn.Module:
    """Train `module` in place, a step per batch, in the precision of its weights.

    Parameters
    ----------
    module
        Maps ``(n, height, width, channels)`` to ``(n, outputs)``; call ``.double()`` first for float64.
    x, y
        All training inputs, and class labels ``(n,)`` or regression targets ``(n, outputs)``.
    batches
        Index tensors, one per step.
    rule
        Update rule: `Momentum` (the default, without momentum) or `AdamRule`.
    rate, weight_decay
        Learning rate and weight decay.
    loss
        Cross-entropy by default.

    Returns
    -------
    torch.nn.Module
        The same module, trained.

    Raises
    ------
    InvalidInputError
        Where the outputs do not fit the targets.

    Examples
    --------
    >>> import torch
    >>> from runners.architectures import FCN
    >>> net = FCN(width=8).build((2, 2, 3), 5, seed=0).double()
    >>> x, y = torch.randn(6, 2, 2, 3, dtype=torch.float64), torch.arange(6) % 5
    >>> net = train_module(net, x, y, batches=[torch.arange(6)] * 3, rule=Momentum(0.9), rate=0.1)
    """
    rule, loss = rule or Momentum(), loss or Loss()
    stack = ModuleStack(module)
    parameters = stack.parameters
    with torch.no_grad():
        n_outputs = stack.forward(stack.weights, x[None, :1]).shape[-1]
    dtype = parameters[0].dtype
    targets = loss.encode(y, n_outputs, dtype=dtype)
    state = rule.start(parameters)
    rates = torch.tensor([rate], dtype=dtype)
    decay = torch.tensor([weight_decay], dtype=dtype) if weight_decay else None
    for step, batch in enumerate(batches, start=1):
        losses = loss(stack.forward(stack.weights, x[batch][None]), targets[batch][None])
        gradients = torch.autograd.grad(losses.sum(), parameters)
        with torch.no_grad():
            rule.update(
                parameters,
                gradients,
                state,
                rate=rates,
                decay=decay,
                count=torch.tensor(float(step), dtype=torch.float64),
            )
    stack.write_back()
    return module
