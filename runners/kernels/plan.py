"""The normal form of an infinite-width kernel: architectures with equal plans have equal kernels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from curvefit.errors import InvalidInputError
from runners.architectures.abstract import AbstractArchitecture, AbstractConvolution
from runners.architectures.fcn import FCN
from runners.architectures.gap import GAP
from runners.architectures.lcn import LCN
from runners.architectures.vec import VEC

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


@lru_cache(maxsize=512)
def plan_kernel(architecture: AbstractArchitecture, shape: tuple[int, int, int]) -> KernelPlan:
    """Return the normal form of the infinite-width kernel of `architecture`.

    Parameters
    ----------
    architecture
        An FCN, LCN, VEC or GAP description.
    shape
        ``(height, width, channels)`` of one input.

    Raises
    ------
    InvalidInputError
        When the filter or a pool does not fit the image, or the architecture has no known kernel.
    """
    if not isinstance(architecture, (FCN, LCN, VEC, GAP)):
        raise InvalidInputError(
            f"no infinite-width kernel is known for {type(architecture).__name__}; known: FCN, LCN, VEC, GAP"
        )
    if architecture.initialisation != "gaussian":
        raise InvalidInputError(
            f"initialisation {architecture.initialisation!r} has no closed-form kernel (its first layer is not "
            "Gaussian at any width); allowed: 'gaussian'"
        )
    leak = {"leaky-relu": architecture.leak, "relu": 0.0}.get(architecture.activation, 0.0)
    name = "relu" if architecture.activation == "leaky-relu" else architecture.activation
    layers: tuple[Layer, ...] = ()
    readout: Readout = "flatten"
    tied = True
    if isinstance(architecture, AbstractConvolution):
        layers = _convolutions(architecture, shape)
        if isinstance(architecture, GAP):
            readout = "pool"
        elif isinstance(architecture, LCN):
            readout = architecture.readout
            tied = readout == "flatten" and not any(layer.pool > 1 for layer in layers)
    return KernelPlan(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        depth=architecture.depth,
        activation=Nonlinearity(name, leak),
        w_std=float(architecture.w_std),
        b_std=float(architecture.b_std),
        width=architecture.width if architecture.parameterisation == "standard" else None,
        layers=layers,
        readout=readout,
        tied=tied,
    )


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


def _convolutions(architecture: AbstractConvolution, shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    unknown = [layer for layer in architecture.pools if layer > architecture.depth]
    if unknown:
        raise InvalidInputError(f"pools name layers {unknown}, but there are {architecture.depth} layers")
    size = (shape[0], shape[1])
    layers = []
    for number in range(1, architecture.depth + 1):
        layer = _convolution(architecture, size, number)
        layers.append(layer)
        size = layer.pooled
    return tuple(layers)


def _convolution(architecture: AbstractConvolution, size: tuple[int, int], number: int) -> Layer:
    out, before, after = [], [], []
    for extent, taps, step in zip(size, architecture.filter, architecture.strides):
        if taps > extent and (number == 1 or architecture.padding == "valid" or taps > 2 * extent):
            raise InvalidInputError(
                f"filter {architecture.filter} of layer {number} is larger than its input of "
                f"{size[0]}x{size[1]} pixels; allowed: at most that size"
            )
        count = (extent - taps) // step + 1 if architecture.padding == "valid" else -(-extent // step)
        missing = 0 if architecture.padding == "valid" else max((count - 1) * step + taps - extent, 0)
        out.append(count)
        before.append(missing // 2)
        after.append(missing - missing // 2)
    pool = architecture.pool_window if number in architecture.pools else 1
    if pool > min(out):
        raise InvalidInputError(
            f"pool_window {pool} after layer {number} is larger than its {out[0]}x{out[1]} pixels"
        )
    return Layer(
        size=size,
        out=(out[0], out[1]),
        filter=(architecture.filter[0], architecture.filter[1]),
        strides=(architecture.strides[0], architecture.strides[1]),
        before=(before[0], before[1]),
        after=(after[0], after[1]),
        wrap=architecture.padding == "circular",
        pool=pool,
    )
