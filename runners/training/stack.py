"""Nets that train together: weights with a model axis in front, and the map they share."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence

import torch

from runners.architectures.abstract import AbstractArchitecture
from runners.architectures.plan import Plan

Weights = list[torch.Tensor]


class AbstractStack(abc.ABC):
    """A stack of nets of one shape.

    Parameters
    ----------
    parameters
        Trainable weights, each ``(model, ...)``.
    """

    parameters: Weights

    @abc.abstractmethod
    def forward(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Return outputs ``(model, example, output)`` of nets with these weights."""

    def keep(self, rows: torch.Tensor) -> None:
        """Keep the nets of these rows only."""
        self.parameters = [p.detach().index_select(0, rows).requires_grad_() for p in self.parameters]

    def one(self, row: int) -> Weights:
        """Return a copy of the weights of one net, as a stack of one."""
        return [p.detach()[row : row + 1].clone() for p in self.parameters]

    def train(self, mode: bool) -> None:  # noqa: B027 (only some nets care)
        """Tell the nets that they train, or are tested."""

    def __len__(self) -> int:
        return self.parameters[0].shape[0]


class PlanStack(AbstractStack):
    """Any number of nets of one plan."""

    def __init__(self, plan: Plan, seeds: Sequence[int], *, device: torch.device, dtype: torch.dtype) -> None:
        drawn = [plan.draw(seed, dtype=dtype) for seed in seeds]
        self.plan = plan
        self.parameters = [torch.stack(same).to(device).requires_grad_() for same in zip(*drawn)]

    def forward(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return self.plan.apply(parameters, x)


class ModuleStack(AbstractStack):
    """One net of any kind: a user's own `torch.nn.Module`, with whatever state it keeps."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        trainable = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        self.names = [name for name, _ in trainable]
        self.parameters = [p.detach()[None].clone().requires_grad_() for _, p in trainable]

    def forward(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        weights = {name: p[0] for name, p in zip(self.names, parameters)}
        return torch.func.functional_call(self.module, weights, (x[0],))[None]

    def train(self, mode: bool) -> None:
        self.module.train(mode)

    @torch.no_grad()
    def write_back(self) -> None:
        """Put the weights into the module itself."""
        own = dict(self.module.named_parameters())
        for name, weight in zip(self.names, self.parameters):
            own[name].copy_(weight[0])


Build = Callable[[Sequence[int], torch.device, torch.dtype], AbstractStack]


def stack_builder(architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int) -> Build:
    """Return the function that makes stacks of `architecture` from seeds, a device and a precision."""
    plan = architecture.plan(shape, n_outputs)

    def build(seeds: Sequence[int], device: torch.device, dtype: torch.dtype) -> AbstractStack:
        if plan is not None:
            return PlanStack(plan, seeds, device=device, dtype=dtype)
        (seed,) = seeds
        return ModuleStack(architecture.build(shape, n_outputs, seed=seed).to(device, dtype))

    return build
