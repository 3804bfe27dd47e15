"""Nets that train together: weights with a model axis in front, and the map they share."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch

Weights: TypeAlias = list[torch.Tensor]

CHUNK = 256
"""Examples predicted at once."""


class AbstractStack(abc.ABC):
    """A stack of nets of one shape.

    Parameters
    ----------
    parameters
        Trainable weights, each ``(model, ...)``.
    constants
        What else belongs to each net and is not trained, each ``(model, ...)``: frozen or initial
        weights, running statistics.
    """

    replayable: ClassVar[bool] = False
    """Whether a step can be recorded as a CUDA graph."""

    parameters: Weights
    constants: Weights

    @abc.abstractmethod
    def forward(self, weights: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Return outputs ``(model, example, output)`` of nets with these parameters and constants."""

    @property
    def weights(self) -> Weights:
        """Parameters, then constants."""
        return [*self.parameters, *self.constants]

    def keep(self, rows: torch.Tensor) -> None:
        """Keep the nets of these rows only."""
        self.parameters = [p.detach().index_select(0, rows).requires_grad_() for p in self.parameters]
        self.constants = [c.index_select(0, rows) for c in self.constants]

    def one(self, row: int) -> OneNet:
        """Return a copy of one net as it is now."""
        return OneNet(self, [weight.detach()[row : row + 1].clone() for weight in self.weights])

    def train(self, mode: bool) -> None:  # noqa: B027 (only some nets care)
        """Tell the nets that they train, or are tested."""


@dataclass(frozen=True, slots=True, eq=False)
class OneNet:
    """One net taken out of a stack.

    Parameters
    ----------
    stack
        The map; its own weights are not used.
    weights
        Parameters and constants of the net, each ``(1, ...)``.
    """

    stack: AbstractStack
    weights: Weights

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs ``(example, output)`` of inputs ``(example, height, width, channel)``, chunk by chunk."""
        self.stack.train(False)
        outputs = [self.stack.forward(self.weights, part[None])[0] for part in x.split(CHUNK)]
        self.stack.train(True)
        return torch.cat(outputs)
