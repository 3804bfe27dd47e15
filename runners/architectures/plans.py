"""From an architecture's settings to its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from curvefit.errors import InvalidInputError
from runners.architectures.abstract import AbstractConvolution, AbstractLayeredNet
from runners.architectures.layers import (
    AbstractLayer,
    AveragePool,
    Dense,
    Flatten,
    GlobalAverage,
    Nonlinearity,
    PositionMajor,
    Residual,
    Scaling,
    TiedConvolution,
    UntiedConvolution,
)
from runners.architectures.plan import Plan
from runners.architectures.windows import Windows

if TYPE_CHECKING:
    from runners.architectures.resnet import ResNet

Shape = tuple[int, int, int]


def scaling(architecture: AbstractLayeredNet) -> Scaling:
    """Return how the weights of `architecture` are drawn and scaled."""
    return Scaling(architecture.w_std, architecture.b_std, architecture.parameterisation == "ntk")


def dense_plan(architecture: AbstractLayeredNet, shape: Shape, n_outputs: int) -> Plan:
    """Return the layers of a fully connected net."""
    layers: list[AbstractLayer] = [Flatten()]
    fan_in = shape[0] * shape[1] * shape[2]
    for _ in range(architecture.depth):
        layers.append(Dense(fan_in, architecture.width, scaling(architecture)))
        layers.append(Nonlinearity(architecture.activation, architecture.leak))
        fan_in = architecture.width
    layers.append(Dense(fan_in, n_outputs, scaling(architecture)))
    return Plan(tuple(layers), architecture.initialisation)


def residual_plan(architecture: ResNet, shape: Shape, n_outputs: int) -> Plan:
    """Return the layers of a residual net: stem, stages of blocks, readout."""
    height, width, channels = shape
    activation = Nonlinearity(architecture.activation, architecture.leak)

    def convolution(side: int, stride: int, fan_in: int, fan_out: int) -> TiedConvolution:
        windows = Windows((height, width), (side, side), (stride, stride), architecture.padding)
        return TiedConvolution(windows, fan_in, fan_out, scaling(architecture))

    layers: list[AbstractLayer] = [convolution(architecture.filter, 1, channels, architecture.width)]
    channels = architecture.width
    for stage in range(architecture.stages):
        for block in range(architecture.depth):
            stride = 2 if stage and not block else 1
            out = architecture.width * 2**stage
            first = convolution(architecture.filter, stride, channels, out)
            shortcut = () if out == channels and stride == 1 else (convolution(1, stride, channels, out),)
            height, width = first.windows.output
            second = convolution(architecture.filter, 1, out, out)
            layers.append(Residual((activation, first, activation, second), shortcut))
            channels = out
    layers.append(activation)
    layers.append(GlobalAverage() if architecture.readout == "pool" else Flatten())
    fan_in = channels if architecture.readout == "pool" else height * width * channels
    layers.append(Dense(fan_in, n_outputs, scaling(architecture)))
    return Plan(tuple(layers), architecture.initialisation)


def convolution_plan(
    architecture: AbstractConvolution, shape: Shape, n_outputs: int, *, readout: Literal["flatten", "pool"]
) -> Plan:
    """Return the layers of a convolutional or locally connected net."""
    height, width, channels = shape
    position_major = not architecture.tied
    kind = TiedConvolution if architecture.tied else UntiedConvolution
    layers: list[AbstractLayer] = [PositionMajor()] if position_major else []
    for depth in range(1, architecture.depth + 1):
        try:
            windows = Windows(
                (height, width), architecture.filter, architecture.strides, architecture.padding
            )
        except InvalidInputError as error:
            raise InvalidInputError(f"{error}, the input of layer {depth}") from error
        layers.append(kind(windows, channels, architecture.width, scaling(architecture)))
        layers.append(Nonlinearity(architecture.activation, architecture.leak))
        height, width = windows.output
        channels = architecture.width
        if depth in architecture.pools:
            layers.append(AveragePool(architecture.pool_window, position_major))
            height, width = height // architecture.pool_window, width // architecture.pool_window
            if not height or not width:
                raise InvalidInputError(
                    f"pool_window {architecture.pool_window} after layer {depth} leaves nothing of an image of {shape}"
                )
    layers.append(GlobalAverage(position_major) if readout == "pool" else Flatten(position_major))
    fan_in = channels if readout == "pool" else height * width * channels
    layers.append(Dense(fan_in, n_outputs, scaling(architecture), position_major))
    return Plan(tuple(layers), architecture.initialisation)
