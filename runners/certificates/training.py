"""Small, exact training runs of stacks of nets in float64, for certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import unknown_name

if TYPE_CHECKING:
    import torch

    from runners.architectures.plan import Plan


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """A rule of gradient training with the learning rate that certificates use.

    Parameters
    ----------
    kind
        Class name in `runners.training.rules`: certificates train by the very rules that studies train by.
    rate, decay
        Learning rate and weight decay.
    settings
        Keyword arguments of the class, in pairs.
    """

    kind: str
    rate: float
    decay: float = 0.0
    settings: tuple[tuple[str, float], ...] = ()


UPDATE_RULES = {
    "sgd": UpdateRule("Momentum", 0.1),
    "momentum": UpdateRule("Momentum", 0.02, settings=(("momentum", 0.9),)),
    "weight-decay": UpdateRule("Momentum", 0.1, decay=0.01),
    "adam": UpdateRule("AdamRule", 0.2),
}
"""Rules that certificates know, by the name of the inference algorithm."""


def get_rule(name: str) -> UpdateRule:
    """Return the update rule called `name`.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    if name not in UPDATE_RULES:
        raise unknown_name("update rule", name, UPDATE_RULES)
    return UPDATE_RULES[name]


def draw_stack(plan: Plan, seeds: Sequence[int]) -> list[torch.Tensor]:
    """Return initial weights of one net per seed, float64, with a leading model axis."""
    import torch

    drawn = [plan.draw(seed, dtype=torch.float64) for seed in seeds]
    return [torch.stack(values) for values in zip(*drawn)]


def train_stack(
    plan: Plan,
    weights: Sequence[torch.Tensor],
    rule: UpdateRule,
    *,
    x: np.ndarray,
    y: np.ndarray,
    x_test: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Train every net of a stack on the same batches and return its test predictions ``(models, n_test)``.

    Batches alternate between the two halves of the training set; the loss is half the mean squared error.
    """
    import torch

    from runners.training import rules

    parameters = [weight.clone().requires_grad_() for weight in weights]
    models = parameters[0].shape[0]
    update = getattr(rules, rule.kind)(**dict(rule.settings))
    state = update.start([weight.detach() for weight in parameters])
    rate = torch.full((models,), rule.rate, dtype=torch.float64)
    decay = torch.full_like(rate, rule.decay) if rule.decay else None
    inputs, targets = (torch.from_numpy(np.ascontiguousarray(values)) for values in (x, y))
    half = (len(x) + 1) // 2
    for step in range(steps):
        batch = slice(0, half) if step % 2 == 0 else slice(len(x) - half, len(x))
        outputs = plan.apply(parameters, inputs[batch].expand(models, *inputs[batch].shape))
        loss = 0.5 * (outputs - targets[batch]).square().mean((1, 2)).sum()
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            update.update(
                parameters, gradients, state, rate=rate, decay=decay, count=torch.tensor(step + 1.0).double()
            )
    with torch.no_grad():
        test = torch.from_numpy(np.ascontiguousarray(x_test))
        return plan.apply(parameters, test.expand(models, *test.shape))[..., 0].numpy()


FitPredict = Callable[[np.ndarray, np.ndarray, np.ndarray, Sequence[int]], np.ndarray]
"""``(x_train, y_train, x_test, seeds) -> (len(seeds), n_test)``: train once per seed and predict."""
