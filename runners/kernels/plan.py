"""The normal form of an infinite-width kernel: architectures with equal plans have equal kernels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Readout = Literal["flatten", "pool"]


@dataclass(frozen=True, slots=True)
class Nonlinearity:
    """An activation and, for ``leaky-relu``, its negative slope (0 is ReLU, 1 the identity)."""

    name: str
    leak: float = 0.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution with its activation, on inputs of `size` pixels.

    Parameters
    ----------
    size, out
        Height and width of the layer's input and of its output before pooling.
    filter, strides
        Height and width of the filter and of its steps.
    before, after
        Rows and columns of padding before and after the image.
    wrap
        Whether the padding repeats the image cyclically (else it is zero).
    pool
        Window of the average pool after the activation; 1 for none.
    """

    size: tuple[int, int]
    out: tuple[int, int]
    filter: tuple[int, int]
    strides: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    wrap: bool
    pool: int = 1

    @property
    def pooled(self) -> tuple[int, int]:
        """Height and width after pooling (a remainder at the border is dropped)."""
        return self.out[0] // self.pool, self.out[1] // self.pool


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """Everything an infinite-width kernel depends on, and nothing else.

    Parameters
    ----------
    shape
        ``(height, width, channels)`` of one input.
    depth
        Hidden layers.
    activation
        The non-linearity after every hidden layer.
    w_std, b_std
        Weight and bias standard deviations.
    width
        Units or channels of the hidden layers under standard parameterisation (whose NTK grows with
        them); None under NTK parameterisation.
    layers
        Convolutions; empty for a fully connected net.
    readout
        ``"flatten"`` or ``"pool"``.
    tied
        Whether filters are shared between locations. A locally connected net with a flatten readout
        and no pools has exactly the kernel of the tied one, and is written as that.
    """

    shape: tuple[int, int, int]
    depth: int
    activation: Nonlinearity
    w_std: float
    b_std: float
    width: int | None
    layers: tuple[Layer, ...]
    readout: Readout
    tied: bool

    @property
    def dense(self) -> bool:
        """Whether the kernel sees inputs through their inner products alone."""
        return not self.layers

    @property
    def pooling(self) -> bool:
        """Whether an average pool stands between layers."""
        return any(layer.pool > 1 for layer in self.layers)

    @property
    def full(self) -> bool:
        """Whether covariances between different pixels are needed."""
        return self.tied and (self.readout == "pool" or self.pooling)

    @property
    def pixel_axes(self) -> int:
        """Axes that a covariance needs beside those of the images: 0, 2 (equal pixels) or 4 (all pairs)."""
        return 0 if self.dense else 4 if self.full else 2

    @property
    def diagonal(self) -> KernelPlan:
        """The plan of equal pixels alone: without pools between layers, it has the same variances."""
        return replace(self, readout="flatten", tied=True)

    def affine(self) -> list[tuple[float, float, float, float]]:
        """Return alpha, beta, gamma, delta of every layer, and of the readout last.

        Sums k and t over a filter's window become ``alpha k + beta`` and ``alpha t + gamma k + delta``.
        """
        weight, bias = self.w_std**2, self.b_std**2
        fan_in = float(self.shape[2] if self.layers else self.shape[0] * self.shape[1] * self.shape[2])
        numbers = []
        for number in range(self.depth + 1):
            taps = 1
            if self.layers and number < self.depth:
                taps = self.layers[number].filter[0] * self.layers[number].filter[1]
            if self.width is None:
                numbers.append((weight / taps, bias, weight / taps, bias))
                continue
            if number == self.depth and self.layers and self.readout == "flatten":
                fan_in *= self.layers[-1].pooled[0] * self.layers[-1].pooled[1]
            numbers.append((weight / taps, bias, fan_in, float(self.b_std > 0)))
            fan_in = float(self.width)
        return numbers

    def content(self) -> dict[str, Any]:
        """Return the plan as JSON-representable values, for keys and for files on disk."""
        return asdict(self)


def pair_flops(plan: KernelPlan) -> float:
    """Return the floating-point operations of one image pair: about 60 a pixel pair and layer."""
    height, width, channels = plan.shape
    inputs = 2.0 * height * width * channels
    if plan.dense:
        return inputs + 45 * plan.depth
    pixels = [layer.size[0] * layer.size[1] for layer in plan.layers]
    if plan.full:
        return inputs * height * width + 60.0 * sum(p * p for p in pixels)
    return inputs + 60.0 * sum(pixels)
