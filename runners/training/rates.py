"""Default learning rates: one fraction of the largest stable rate, measured on the net at its start.

Gradient descent with momentum is stable while ``rate < 2 (1 + momentum) / curvature``, with the largest
eigenvalue of the loss's Gauss-Newton matrix (cross-entropy's taken at even odds of the classes, since the
initial odds are chance). Measured on some of the run's own training examples, it takes
account of architecture, width, parameterisation, loss and data alike, and is unchanged by any rotation that the
first layer can absorb. The rate used is recorded with the run.
"""

from __future__ import annotations

import torch

from runners.training.losses import Loss
from runners.training.stack import AbstractStack

SAFE_FRACTION = 0.07
"""Share of the largest stable rate at the start. Curvature grows in training and batches are noisy: on
Fashion-MNIST at n = 64 and 1,024 nets trained without trouble up to three times this."""
MOST_CLASSES = 10
"""Cross-entropy over k even classes curves k times less than squared error; counted up to this, since the odds
do not stay even."""
EXAMPLES = 64
"""Training examples on which the curvature is measured."""
ITERATIONS = 6
ADAPTIVE = {"ntk": 0.03, "standard": 0.001}
"""Rates of Adam, whose steps do not depend on the size of gradients, by parameterisation."""


def safe_rate(stack: AbstractStack, x: torch.Tensor, loss: Loss, *, momentum: float) -> float:
    """Return the default learning rate of one net at its start, to three digits.

    Parameters
    ----------
    stack
        The net, a stack of one.
    x
        Inputs ``(example, height, width, channel)``; the first `EXAMPLES` are used.
    loss
        Training loss.
    momentum
        Of the update rule.
    """
    curvature = largest_curvature(stack, x[:EXAMPLES], loss)
    if not curvature > 0:
        return 1.0
    return float(f"{SAFE_FRACTION * 2 * (1 + momentum) / curvature:.3g}")


def largest_curvature(stack: AbstractStack, x: torch.Tensor, loss: Loss) -> float:
    """Return the largest eigenvalue of the Gauss-Newton matrix of the mean loss over `x`.

    Power iteration in the space of outputs: with Jacobian J and the loss's Hessian H in the outputs, the
    eigenvalues are those of ``J Jᵀ H``; ``Jᵀ`` is a backward pass and ``J`` a difference of two forward passes.

    Parameters
    ----------
    stack, x, loss
        As for `safe_rate`.
    """
    stack.train(False)
    parameters, images = stack.parameters, x[None]
    outputs = stack.forward(stack.weights, images)
    value = outputs.detach()
    size = torch.cat([p.detach().flatten() for p in parameters]).norm()
    vector = torch.randn(value.shape, generator=torch.Generator().manual_seed(0)).to(value)
    curvature = 0.0
    for _ in range(ITERATIONS):
        curved = _output_hessian(value, vector, loss)
        gradients = torch.autograd.grad(outputs, parameters, curved, retain_graph=True)
        length = torch.cat([g.flatten() for g in gradients]).norm()
        curvature = float(length**2 / (vector * curved).sum())
        if not 0 < curvature < float("inf"):
            break
        step = 1e-3 * size / length
        with torch.no_grad():
            moved = [p + step * g for p, g in zip(parameters, gradients)]
            vector = stack.forward([*moved, *stack.constants], images) - value
            vector = vector / vector.norm()
    stack.train(True)
    return curvature


def _output_hessian(outputs: torch.Tensor, vector: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Return the Hessian of the mean loss in the outputs, times `vector`; cross-entropy's at even odds."""
    if loss.name == "mse":
        return vector / outputs.shape[1]
    centred = vector - vector.mean(-1, keepdim=True)
    return centred / (min(outputs.shape[-1], MOST_CLASSES) * outputs.shape[1])
