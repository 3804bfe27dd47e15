"""A net as a plan (its layers) plus weights; one plan serves a single net and a stack of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from curvefit.seeding import seed_for
from runners.architectures.first_layer import FirstLayer, first_layer
from runners.architectures.layers import (
    AbstractLayer,
    Weight,
    apply_layers,
    count_products,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Layers of a net, from images to outputs.

    Parameters
    ----------
    layers
        Applied in turn.
    initialisation
        ``"gaussian"`` or ``"uniform"`` weights, of equal variance.
    """

    layers: tuple[AbstractLayer, ...]
    initialisation: str = "gaussian"

    def weights(self) -> tuple[Weight, ...]:
        """Return all weights, named by layer."""
        return tuple(
            weight._replace(name=f"{i}.{weight.name}")
            for i, layer in enumerate(self.layers)
            for weight in layer.weights()
        )

    def count_parameters(self) -> int:
        """Return the number of trainable parameters of one net."""
        return sum(math.prod(weight.shape) for weight in self.weights())

    def count_products(self) -> float:
        """Return the multiplications of one example's forward pass."""
        return count_products(self.layers)

    def draw(self, seed: int, *, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
        """Return one net's initial weights; each depends on `seed` and its own name only.

        They are drawn in float64 and rounded, so that nets of either precision start alike.
        """
        drawn = []
        for weight in self.weights():
            generator = torch.Generator().manual_seed(seed_for(seed, weight.name))
            if self.initialisation == "gaussian":
                values = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            else:
                values = (
                    torch.rand(weight.shape, generator=generator, dtype=torch.float64).sub_(0.5).mul_(12**0.5)
                )
            drawn.append(values.mul_(weight.std).to(dtype))
        return drawn

    def apply(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(model, example, output)`` of a stack.

        Parameters
        ----------
        parameters
            Weights in the order of `weights`, each with a leading model axis.
        x
            Inputs ``(model, example, height, width, channel)``.
        """
        return apply_layers(self.layers, x, parameters)


class Net(torch.nn.Module):
    """A single net: maps ``(example, height, width, channel)`` to ``(example, output)``.

    Parameters
    ----------
    plan
        Its layers.
    seed
        Of the initial weights.
    dtype
        Of the weights.
    """

    def __init__(self, plan: Plan, *, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.plan = plan
        values = plan.draw(seed, dtype=dtype)
        self.weights = torch.nn.ParameterList(torch.nn.Parameter(value) for value in values)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.plan.apply([weight[None] for weight in self.weights], x[None])[0]

    def first_layer(self) -> FirstLayer:
        """Return the first layer's weight as blocks of input channels, sharing memory with the parameter."""
        return first_layer(self.plan, self.weights[0])
