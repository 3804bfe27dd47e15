"""Layers as descriptions: each says what weights it needs and applies them to a whole stack of nets.

Every activation and every weight carries a leading model axis, so that one batched product serves
many nets; a single net is a stack of one. Images are ``(model, example, row, column, channel)``, or
position-major ``(model, row, column, channel, example)`` inside locally connected nets, where one batched product
over positions then does a layer's whole work and gathering a window copies long runs.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from runners.architectures.convolution import convolve
from runners.architectures.patches import gather_windows
from runners.architectures.windows import Windows

Tensors = Sequence[torch.Tensor]

NONLINEARITIES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "erf": torch.erf,
    "gelu": F.gelu,
}


class Weight(NamedTuple):
    """One parameter of a layer: its name, its shape in one net, its standard deviation at initialisation."""

    name: str
    shape: tuple[int, ...]
    std: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """How weights are drawn and scaled.

    Parameters
    ----------
    w_std, b_std
        Standard deviations; `b_std` 0 means that there are no biases.
    ntk
        NTK parameterisation: unit-variance weights, scaled where they are used. Otherwise the
        (equal) initial function comes from scaled weights, and learning rates differ by layer.
    """

    w_std: float
    b_std: float
    ntk: bool

    def factor(self, fan_in: int) -> float:
        """Return the multiplier of the weights where they are used."""
        return self.w_std / math.sqrt(fan_in) if self.ntk else 1.0

    def weights(self, shape: tuple[int, ...], bias_shape: tuple[int, ...], fan_in: int) -> tuple[Weight, ...]:
        """Return the weights (and biases, if any) of a layer."""
        weight = Weight("weight", shape, 1.0 if self.ntk else self.w_std / math.sqrt(fan_in))
        if self.b_std == 0:
            return (weight,)
        return weight, Weight("bias", bias_shape, 1.0 if self.ntk else self.b_std)

    def bias(self, bias: torch.Tensor) -> torch.Tensor:
        """Return a bias as it is added."""
        return bias * self.b_std if self.ntk else bias


class AbstractLayer(abc.ABC):
    """A map of activations with, perhaps, weights."""

    __slots__ = ()

    def weights(self) -> tuple[Weight, ...]:
        """Return the weights this layer needs, in the order `__call__` takes them."""
        return ()

    def products(self) -> float:
        """Return the multiplications of one example's pass."""
        return 0.0

    @abc.abstractmethod
    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        """Apply the layer to a stack; `weights` carry the model axis in front."""


@dataclass(frozen=True, slots=True)
class Dense(AbstractLayer):
    """``(model, example, fan_in) -> (model, example, fan_out)``; from ``(model, fan_in, example)`` if `position_major`."""

    fan_in: int
    fan_out: int
    scaling: Scaling
    position_major: bool = False

    def weights(self) -> tuple[Weight, ...]:
        return self.scaling.weights((self.fan_in, self.fan_out), (self.fan_out,), self.fan_in)

    def products(self) -> float:
        return float(self.fan_in * self.fan_out)

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        if self.position_major:
            out = torch.bmm(weights[0].transpose(1, 2), x).transpose(1, 2)
        else:
            out = torch.bmm(x, weights[0])
        factor = self.scaling.factor(self.fan_in)
        if factor != 1:
            out = out * factor
        return out + self.scaling.bias(weights[1])[:, None] if len(weights) > 1 else out


@dataclass(frozen=True, slots=True)
class AbstractFilters(AbstractLayer):
    """Filters that read windows of an image of `channels` and give `out` channels."""

    windows: Windows
    channels: int
    out: int
    scaling: Scaling

    @property
    def fan_in(self) -> int:
        """Inputs of one unit."""
        return math.prod(self.windows.filter) * self.channels

    def products(self) -> float:
        return float(math.prod(self.windows.output) * self.fan_in * self.out)


@dataclass(frozen=True, slots=True)
class TiedConvolution(AbstractFilters):
    """A convolution: one filter for all positions, stored ``(taps * channels, out)``."""

    def weights(self) -> tuple[Weight, ...]:
        return self.scaling.weights((self.fan_in, self.out), (self.out,), self.fan_in)

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        factor = self.scaling.factor(self.fan_in)
        out = convolve(x, weights[0] * factor if factor != 1 else weights[0], self.windows)
        return out + self.scaling.bias(weights[1])[:, None, None, None] if len(weights) > 1 else out


@dataclass(frozen=True, slots=True)
class UntiedConvolution(AbstractFilters):
    """A locally connected layer: a filter per position, stored ``(positions, out, taps * channels)``."""

    def weights(self) -> tuple[Weight, ...]:
        positions = math.prod(self.windows.output)
        return self.scaling.weights((positions, self.out, self.fan_in), (positions, self.out), self.fan_in)

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        patches = gather_windows(x, self.windows, axis=1).flatten(0, 2)
        out = torch.bmm(weights[0].flatten(0, 1), patches)
        factor = self.scaling.factor(self.fan_in)
        if factor != 1:
            out = out * factor
        if len(weights) > 1:
            out = out + self.scaling.bias(weights[1]).reshape(-1, self.out, 1)
        return out.view(x.shape[0], *self.windows.output, self.out, -1)


@dataclass(frozen=True, slots=True)
class Nonlinearity(AbstractLayer):
    """A pointwise non-linearity; `leak` is the negative slope of ``leaky-relu``."""

    name: str
    leak: float = 0.0

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        if self.name == "leaky-relu":
            return F.leaky_relu(x, self.leak)
        return NONLINEARITIES[self.name](x)


@dataclass(frozen=True, slots=True)
class AveragePool(AbstractLayer):
    """Non-overlapping average pool over `window` x `window` pixels; a remainder is dropped."""

    window: int
    position_major: bool = False

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        rows = 1 if self.position_major else 2
        for axis in (rows, rows + 1):
            whole = x.shape[axis] // self.window
            x = x.narrow(axis, 0, whole * self.window).unflatten(axis, (whole, self.window)).mean(axis + 1)
        return x


@dataclass(frozen=True, slots=True)
class PositionMajor(AbstractLayer):
    """``(model, example, row, column, channel) -> (model, row, column, channel, example)``."""

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        return x.permute(0, 2, 3, 4, 1)


@dataclass(frozen=True, slots=True)
class Flatten(AbstractLayer):
    """Images to vectors, pixel by pixel, the channel running fastest; examples stay last if `position_major`."""

    position_major: bool = False

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        return x.flatten(1, 3) if self.position_major else x.flatten(2)


@dataclass(frozen=True, slots=True)
class GlobalAverage(AbstractLayer):
    """Images to their mean over all pixels; examples stay last if `position_major`."""

    position_major: bool = False

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        return x.mean((1, 2) if self.position_major else (2, 3))


@dataclass(frozen=True, slots=True)
class Residual(AbstractLayer):
    """``(shortcut(x) + branch(x)) / sqrt(2)``: keeps the variance at initialisation."""

    branch: tuple[AbstractLayer, ...]
    shortcut: tuple[AbstractLayer, ...] = ()

    def weights(self) -> tuple[Weight, ...]:
        return tuple(
            weight._replace(name=f"{part}.{i}.{weight.name}")
            for part, layers in (("branch", self.branch), ("shortcut", self.shortcut))
            for i, layer in enumerate(layers)
            for weight in layer.weights()
        )

    def products(self) -> float:
        return count_products(self.branch) + count_products(self.shortcut)

    def __call__(self, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
        split = sum(len(layer.weights()) for layer in self.branch)
        branch = apply_layers(self.branch, x, weights[:split])
        return (apply_layers(self.shortcut, x, weights[split:]) + branch) * 0.5**0.5


def apply_layers(layers: Sequence[AbstractLayer], x: torch.Tensor, weights: Tensors) -> torch.Tensor:
    """Apply `layers` in turn; each takes its own share of `weights`."""
    start = 0
    for layer in layers:
        stop = start + len(layer.weights())
        x = layer(x, weights[start:stop])
        start = stop
    return x


def count_products(layers: Sequence[AbstractLayer]) -> float:
    """Return the multiplications of one example's pass through `layers`, biases and non-linearities aside."""
    return sum(layer.products() for layer in layers)
