"""Small, exact training runs of stacks of nets in float64, for certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.symmetry.elements import Shape

if TYPE_CHECKING:
    import torch

    from runners.architectures.abstract import AbstractArchitecture
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
    "adamw": UpdateRule("AdamRule", 0.2, decay=0.01, settings=(("decoupled", True),)),
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


class ModulePlan:
    """A user's own module in the place of a plan of layers: many of its copies train as one stack.

    Parameters
    ----------
    architecture
        An architecture that has a `build` method alone.
    shape
        ``(height, width, channels)`` of one image.
    """

    def __init__(self, architecture: AbstractArchitecture, shape: Shape) -> None:
        self._architecture, self._shape = architecture, shape
        self._module = architecture.build(shape, 1, seed=0).double().train()
        self._names = [name for name, _ in self._module.named_parameters()]

    def draw(self, seed: int, *, dtype: torch.dtype) -> list[torch.Tensor]:
        """Return one copy's initial parameters."""
        module = self._architecture.build(self._shape, 1, seed=seed).to(dtype)
        return [parameter.detach() for parameter in module.parameters()]

    def apply(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(model, example, output)`` of a stack."""
        import torch

        def one(own: tuple[torch.Tensor, ...], images: torch.Tensor) -> torch.Tensor:
            return torch.func.functional_call(self._module, dict(zip(self._names, own)), (images,))

        try:
            return torch.vmap(one, randomness="different")(tuple(parameters), x)
        except RuntimeError as error:
            raise InvalidInputError(
                f"{type(self._module).__name__} cannot be trained in a stack ({error}); compare its predictions with "
                "runners.certificates.check_equal_in_distribution"
            ) from error


def draw_stack(plan: Plan | ModulePlan, seeds: Sequence[int]) -> list[torch.Tensor]:
    """Return initial weights of one net per seed, float64, with a leading model axis."""
    import torch

    drawn = [plan.draw(seed, dtype=torch.float64) for seed in seeds]
    return [torch.stack(values) for values in zip(*drawn)]


def train_stack(
    plan: Plan | ModulePlan,
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
