"""Kinds of stacks: nets of known layers, their tangents, and single nets of any kind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, TypeAlias

import torch

from curvefit.errors import InvalidInputError
from curvefit.seeding import seed_for
from runners.architectures.abstract import AbstractArchitecture
from runners.architectures.plan import Plan
from runners.training.abstract import AbstractStack
from runners.training.module_stack import ModuleStack

TrainedPart: TypeAlias = Literal["all", "readout"]


class PlanStack(AbstractStack):
    """Any number of nets of one plan.

    Parameters
    ----------
    plan, seeds
        The nets and the seeds of their initial weights.
    trained
        ``"all"`` layers, or the ``"readout"`` alone over fixed random features.
    device, dtype
        Of the weights.
    """

    replayable: ClassVar[bool] = True

    def __init__(
        self,
        plan: Plan,
        seeds: Sequence[int],
        *,
        trained: TrainedPart = "all",
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        drawn = [plan.draw(seed, dtype=dtype) for seed in seeds]
        stacked = [torch.stack(same).to(device) for same in zip(*drawn)]
        self.plan = plan
        self._frozen = 0 if trained == "all" else len(stacked) - len(plan.layers[-1].weights())
        self.constants = stacked[: self._frozen]
        self.parameters = [weight.requires_grad_() for weight in stacked[self._frozen :]]

    def forward(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        trainable = len(weights) - self._frozen
        return self.plan.apply([*weights[trainable:], *weights[:trainable]], x)


class LinearisedStack(AbstractStack):
    """Nets replaced by their tangent at initialisation: outputs linear in the weights.

    ``f(x) + J(x) (w - w0)``, with the net's own value and Jacobian at its initial weights. Trained to the end
    on squared error this is regression with the empirical tangent kernel.
    """

    def __init__(self, base: AbstractStack) -> None:
        if base.constants:
            raise InvalidInputError("a net with frozen layers or running statistics cannot be linearised")
        _load_forward_derivatives()
        self.base = base
        self.parameters = base.parameters
        self.constants = [p.detach().clone() for p in base.parameters]

    def forward(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        value, slope = self.split(weights, x)
        return value + slope

    def train(self, mode: bool) -> None:
        self.base.train(mode)

    def split(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the initial outputs, and what training has added."""
        half = len(weights) // 2
        start = tuple(weights[half:])
        moved = tuple(now - then for now, then in zip(weights[:half], start))
        return torch.func.jvp(lambda *w: self.base.forward(w, x), start, moved)


class CentredStack(AbstractStack):
    """Nets minus their own initial function, so that all outputs start at 0."""

    def __init__(self, base: AbstractStack) -> None:
        if base.constants and not isinstance(base, LinearisedStack):
            raise InvalidInputError("a net with frozen layers or running statistics cannot be centred")
        self.base = base
        self.parameters = base.parameters
        self.constants = [p.detach().clone() for p in base.parameters]

    def forward(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        if isinstance(self.base, LinearisedStack):
            return self.base.split(weights, x)[1]
        half = len(weights) // 2
        with torch.no_grad():
            start = self.base.forward(weights[half:], x)
        return self.base.forward(weights[:half], x) - start

    def train(self, mode: bool) -> None:
        self.base.train(mode)


def _load_forward_derivatives() -> None:
    """Import what `torch.func.jvp` imports at its first call, which warns of torch's own use of ``torch.jit``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        torch.func.jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))


Build = Callable[[Sequence[int], torch.device, torch.dtype], AbstractStack]


def stack_builder(
    architecture: AbstractArchitecture,
    shape: tuple[int, int, int],
    n_outputs: int,
    *,
    trained: TrainedPart = "all",
    linearised: bool = False,
    centred: bool = False,
) -> Build:
    """Return the function that makes stacks of `architecture` from seeds, a device and a precision.

    Raises
    ------
    InvalidInputError
        Where only the readout shall be trained of a net whose layers are not known.
    """
    plan = architecture.plan(shape, n_outputs)
    if plan is None and trained != "all":
        raise InvalidInputError("trained = 'readout' needs an architecture whose layers are known")

    def build(seeds: Sequence[int], device: torch.device, dtype: torch.dtype) -> AbstractStack:
        if plan is not None:
            stack: AbstractStack = PlanStack(plan, seeds, trained=trained, device=device, dtype=dtype)
        else:
            (seed,) = seeds
            module = architecture.build(shape, n_outputs, seed=seed).to(device, dtype)
            stack = ModuleStack(module, seed=seed_for(seed, "noise"))
        stack = LinearisedStack(stack) if linearised else stack
        return CentredStack(stack) if centred else stack

    return build
