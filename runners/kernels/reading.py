"""From the layers of a finite net to the normal form of its infinite-width kernel."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from curvefit.errors import InvalidInputError
from runners.architectures import layers as finite
from runners.architectures.abstract import AbstractArchitecture
from runners.kernels.plan import KernelPlan, Layer, Nonlinearity

Block: TypeAlias = list[finite.AbstractLayer]


@lru_cache(maxsize=512)
def plan_kernel(architecture: AbstractArchitecture, shape: tuple[int, int, int]) -> KernelPlan:
    """Return the normal form of the infinite-width kernel of `architecture`, read off its plan of layers.

    Parameters
    ----------
    architecture
        One whose hidden layers are alike, dense or convolutions with perhaps average pools between them, before a
        linear readout of all pixels or of their mean.
    shape
        ``(height, width, channels)`` of one input.

    Raises
    ------
    InvalidInputError
        When the filter or a pool does not fit the image, or no kernel is known for layers like these.
    """
    plan = architecture.plan(shape, 1) if isinstance(architecture, AbstractArchitecture) else None
    read = None if plan is None else _read_layers(plan.layers, shape)
    if plan is None or read is None:
        raise InvalidInputError(
            f"no infinite-width kernel is known for {type(architecture).__name__}; known: nets with a plan of equal "
            "hidden layers, all dense or all convolutions, then a linear readout (FCN, LCN, VEC, GAP)"
        )
    if plan.initialisation != "gaussian":
        raise InvalidInputError(
            f"initialisation {plan.initialisation!r} has no closed-form kernel (its first layer is not "
            "Gaussian at any width); allowed: 'gaussian'"
        )
    return read


def _read_layers(layers: tuple[finite.AbstractLayer, ...], shape: tuple[int, int, int]) -> KernelPlan | None:
    """Return the kernel of a net with these layers, or None where they are not of the known form."""
    *rest, readout = (layer for layer in layers if not isinstance(layer, finite.PositionMajor))
    if len(rest) < 3 or not isinstance(readout, finite.Dense):
        return None
    dense = isinstance(rest[0], finite.Flatten)
    end = rest.pop(0 if dense else -1)
    blocks = _split(rest, finite.Dense if dense else finite.AbstractFilters)
    if blocks is None or not isinstance(end, (finite.Flatten, finite.GlobalAverage)):
        return None
    weighted = [block[0] for block in blocks]
    scalings = {layer.scaling for layer in (*weighted, readout)}  # type: ignore[attr-defined]
    widths = {layer.fan_out if isinstance(layer, finite.Dense) else layer.out for layer in weighted}  # type: ignore[attr-defined]
    if len({type(layer) for layer in weighted}) > 1 or len({block[1] for block in blocks}) > 1:
        return None
    scaling = scalings.pop()
    if scalings or (len(widths) > 1 and not scaling.ntk):
        return None
    convolutions = () if dense else tuple(_convolution(block, i) for i, block in enumerate(blocks, 1))
    flat = isinstance(end, finite.Flatten)
    pooling = any(layer.pool > 1 for layer in convolutions)
    untied = isinstance(weighted[0], finite.UntiedConvolution)
    return KernelPlan(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        depth=len(blocks),
        activation=_nonlinearity(blocks[0][1]),  # type: ignore[arg-type]
        w_std=float(scaling.w_std),
        b_std=float(scaling.b_std),
        width=None if scaling.ntk else widths.pop(),
        layers=convolutions,
        readout="flatten" if flat else "pool",
        tied=not untied or (flat and not pooling),
    )


def _split(layers: list[finite.AbstractLayer], kind: type[finite.AbstractLayer]) -> list[Block] | None:
    """Return hidden layers as blocks of weights, non-linearity and perhaps a pool; None for any other order."""
    starts = [i for i, layer in enumerate(layers) if isinstance(layer, kind)]
    blocks = [layers[start:stop] for start, stop in zip(starts, [*starts[1:], len(layers)])]
    forms: tuple[type[finite.AbstractLayer], ...] = (kind, finite.Nonlinearity, finite.AveragePool)
    known = starts[:1] == [0] and all(
        2 <= len(block) <= len(forms) and all(isinstance(layer, form) for layer, form in zip(block, forms))
        for block in blocks
    )
    return blocks if known else None


def _nonlinearity(layer: finite.Nonlinearity) -> Nonlinearity:
    if layer.name == "leaky-relu":
        return Nonlinearity("relu", layer.leak)
    return Nonlinearity(layer.name)


def _convolution(block: Block, number: int) -> Layer:
    windows = block[0].windows  # type: ignore[attr-defined]
    if number == 1 and any(taps > extent for extent, taps in zip(windows.size, windows.filter)):
        raise InvalidInputError(
            f"filter {windows.filter} is larger than the images of {windows.size[0]}x{windows.size[1]} pixels; "
            "allowed: at most that size (of later layers, whose inputs are smaller, any)"
        )
    (top, bottom), (left, right) = windows.margins
    return Layer(
        size=windows.size,
        out=windows.output,
        filter=windows.filter,
        strides=windows.strides,
        before=(top, left),
        after=(bottom, right),
        wrap=windows.padding == "circular",
        pool=block[2].window if len(block) > 2 else 1,  # type: ignore[attr-defined]
    )
