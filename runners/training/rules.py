"""Update rules of gradient training, each applied to a whole stack of nets at once.

A rule is a description; its state (momenta) lives with the stack. Learning rates and weight decays are given per net,
so that nets with different ones train in one stack. The step's size is always a tensor per net: a
net's numbers do not depend on the company it trained in.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import torch

Tensors = Sequence[torch.Tensor]


class AbstractRule(abc.ABC):
    """How gradients change weights."""

    __slots__ = ()

    n_buffers: int
    """Buffers per weight that the rule keeps."""

    def start(self, parameters: Tensors) -> list[list[torch.Tensor]]:
        """Return the rule's state at step 0: `n_buffers` lists of zeros like `parameters`."""
        return [[torch.zeros_like(p) for p in parameters] for _ in range(self.n_buffers)]

    @abc.abstractmethod
    def update(
        self,
        parameters: Tensors,
        gradients: Tensors,
        state: list[list[torch.Tensor]],
        *,
        rate: torch.Tensor,
        decay: torch.Tensor | None,
        count: torch.Tensor,
    ) -> None:
        """Change `parameters` in place.

        Parameters
        ----------
        parameters, gradients
            Weights of the stack and their gradients, a model axis in front.
        state
            As made by `start`; changed in place.
        rate, decay
            Learning rate and weight decay of each net, ``(model,)``; no decay where None.
        count
            Number of this step, from 1, a scalar tensor.
        """


def _per_net(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return values.view(-1, *(1,) * (like.dim() - 1))


@dataclass(frozen=True, slots=True)
class Momentum(AbstractRule):
    """Gradient descent with heavy-ball or Nesterov momentum and L2 weight decay."""

    momentum: float = 0.0
    nesterov: bool = False

    @property
    def n_buffers(self) -> int:  # type: ignore[override]
        """One, or none without momentum."""
        return int(self.momentum > 0)

    def update(self, parameters, gradients, state, *, rate, decay, count):
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients)):
            if decay is not None:
                gradient = torch.addcmul(gradient, parameter, _per_net(decay, parameter))
            if self.momentum:
                velocity = torch.add(gradient, state[0][i], alpha=self.momentum, out=state[0][i])
                gradient = gradient.add(velocity, alpha=self.momentum) if self.nesterov else velocity
            parameter.addcmul_(gradient, _per_net(rate, parameter), value=-1)


@dataclass(frozen=True, slots=True)
class AdamRule(AbstractRule):
    """Adam (L2 decay), or AdamW where `decoupled`.

    References
    ----------
    Kingma and Ba (2015), arXiv:1412.6980; Loshchilov and Hutter (2019), arXiv:1711.05101.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decoupled: bool = False

    @property
    def n_buffers(self) -> int:  # type: ignore[override]
        """Two: mean and mean square of the gradient."""
        return 2

    def update(self, parameters, gradients, state, *, rate, decay, count):
        first_beta, second_beta = self.betas
        first_bias = 1 - first_beta**count
        second_bias = (1 - second_beta**count).sqrt()
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients)):
            step = _per_net(rate, parameter)
            if decay is not None and self.decoupled:
                parameter.addcmul_(parameter, step * _per_net(decay, parameter), value=-1)
            elif decay is not None:
                gradient = torch.addcmul(gradient, parameter, _per_net(decay, parameter))
            mean = state[0][i].lerp_(gradient, 1 - first_beta)
            square = state[1][i].mul_(second_beta).addcmul_(gradient, gradient, value=1 - second_beta)
            scaled = (
                square.sqrt().div_(second_bias).add_(self.epsilon)
            )  # one buffer: new ones cost more than the sums
            torch.div(mean, scaled, out=scaled)
            parameter.addcmul_(scaled, step / first_bias, value=-1)
