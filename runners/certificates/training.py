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
    """A rule of gradient training.

    Parameters
    ----------
    optimiser
        Class name in ``torch.optim``.
    settings
        Its keyword arguments, in pairs.
    coordinatewise
        Whether it treats coordinates separately beyond linear steps (Adam, AdaGrad): then only
        permutations with sign flips can be coupled.
    """

    optimiser: str
    settings: tuple[tuple[str, float], ...]
    coordinatewise: bool = False


UPDATE_RULES = {
    "sgd": UpdateRule("SGD", (("lr", 0.3),)),
    "momentum": UpdateRule("SGD", (("lr", 0.1), ("momentum", 0.9))),
    "weight-decay": UpdateRule("SGD", (("lr", 0.3), ("weight_decay", 0.01))),
    "adam": UpdateRule("Adam", (("lr", 0.05),), coordinatewise=True),
    "adagrad": UpdateRule("Adagrad", (("lr", 0.1),), coordinatewise=True),
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

    parameters = [weight.clone().requires_grad_() for weight in weights]
    optimiser: torch.optim.Optimizer = getattr(torch.optim, rule.optimiser)(parameters, **dict(rule.settings))
    inputs, targets = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y)
    models = parameters[0].shape[0]
    half = (len(x) + 1) // 2
    for step in range(steps):
        batch = slice(0, half) if step % 2 == 0 else slice(len(x) - half, len(x))
        outputs = plan.apply(parameters, inputs[batch].expand(models, *inputs[batch].shape))
        optimiser.zero_grad()
        (0.5 * (outputs - targets[batch]).square().mean((1, 2)).sum()).backward()
        optimiser.step()
    with torch.no_grad():
        test = torch.from_numpy(np.ascontiguousarray(x_test))
        return plan.apply(parameters, test.expand(models, *test.shape))[..., 0].numpy()


FitPredict = Callable[[np.ndarray, np.ndarray, np.ndarray, Sequence[int]], np.ndarray]
"""``(x_train, y_train, x_test, seeds) -> (len(seeds), n_test)``: train once per seed and predict."""
