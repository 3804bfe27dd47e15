"""The fused GPU layer: window sums, weights, biases and activation in one Triton kernel.

A program computes one pixel pair of the layer's output for a block of image pairs, which lie side by side in
memory. Where its window lies in the input is a table made once a layer, so that filters, strides and every
kind of padding are one kernel; `eager` does the rest (inputs, pools, readout). The activations are those of
`loops.activate`, with the same series. Runs on the CPU under ``TRITON_INTERPRET=1``, which the tests use.
"""

from __future__ import annotations

import functools
import math

import torch
import triton
import triton.language as tl

from runners.kernels import activations
from runners.kernels.plan import KernelPlan, Layer
from runners.kernels.series import COINCIDENT, KINDS, choose_series

BLOCK = 256


def triton_step(plan: KernelPlan, number: int, k, t, q1, q2) -> tuple[torch.Tensor, torch.Tensor]:
    """Carry a state through weights and activation of a layer, in one pass; an `eager.LayerStep`."""
    rows, columns = k.shape[-2:]
    layer = plan.layers[number] if plan.layers else None
    sources, pixels = _window_table(layer, plan.full, k.device)
    shape = () if layer is None else tuple(size for size in layer.out for _ in range(2 if plan.full else 1))
    next_k, next_t = k.new_empty(2, *shape, rows, columns)
    fields = [
        field.reshape(-1, count).contiguous()
        for q, count in ((q1, rows), (q2, columns))
        for field in (activations.scale(plan.activation, q), q.sqrt())
    ]
    numbers = _numbers(plan, number, k.dtype, k.device)
    grid = (len(sources), triton.cdiv(rows * columns, BLOCK))
    _layer_kernel[grid](
        k.contiguous(), t.contiguous(), next_k, next_t, sources, pixels, *fields, numbers, rows * columns, columns,
        TAPS=sources.shape[1], KIND=KINDS[plan.activation.name], TERMS=len(numbers) - 9, BLOCK=BLOCK,
    )  # fmt: skip
    return next_k, next_t


@functools.lru_cache(maxsize=64)
def _window_table(layer: Layer | None, full: bool, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (outputs, taps) input entries of each window, -1 for zeros, and (outputs, 2) pixels of the output."""
    if layer is None:
        return torch.zeros(1, 1, dtype=torch.int32, device=device), torch.zeros(
            1, 2, dtype=torch.int32, device=device
        )
    height, width = layer.out
    windows = [_axis_windows(layer, axis) for axis in (0, 1)]
    if not full:
        (y, x), size = windows, layer.size[1]
        sources = _join(y[:, None, :, None], x[None, :, None, :], size)
        pixel = torch.arange(height * width)
        pixels = torch.stack([pixel, pixel], 1)
    else:
        size_y, size_x = layer.size
        y, x = (_join(w[:, None], w[None, :], size) for w, size in zip(windows, (size_y, size_x)))
        sources = _join(y[:, :, None, None, :, None], x[None, None, :, :, None, :], size_x * size_x)
        y1, y2, x1, x2 = torch.meshgrid(
            *(torch.arange(extent) for extent in (height, height, width, width)), indexing="ij"
        )
        pixels = torch.stack([(y1 * width + x1).flatten(), (y2 * width + x2).flatten()], 1)
    taps = layer.filter[0] * layer.filter[1]
    return sources.reshape(-1, taps).int().to(device).contiguous(), pixels.int().to(device).contiguous()


def _axis_windows(layer: Layer, axis: int) -> torch.Tensor:
    """Return the input position of every output and tap along an axis, -1 outside, ``(out, taps)``."""
    outputs = torch.arange(layer.out[axis])[:, None] * layer.strides[axis]
    position = outputs + torch.arange(layer.filter[axis])[None] - layer.before[axis]
    if layer.wrap:
        return position % layer.size[axis]
    return torch.where((position < 0) | (position >= layer.size[axis]), -1, position)


def _join(outer: torch.Tensor, inner: torch.Tensor, size: int) -> torch.Tensor:
    """Return flat indices ``outer * size + inner``, -1 where either is."""
    return torch.where((outer < 0) | (inner < 0), -1, outer * size + inner)


def _numbers(plan: KernelPlan, number: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return what the kernel reads in full precision: literals in it would be of single precision."""
    name = str(dtype).removeprefix("torch.")
    leak = plan.activation.leak
    constants = ((1 - leak) ** 2, leak, 1 / (2 * math.pi), 2 / math.pi, COINCIDENT[name])
    series = choose_series(plan.activation.name, name)
    return torch.tensor([*plan.affine()[number], *constants, *series], dtype=dtype, device=device)


@triton.jit
def _layer_kernel(
    k, t, next_k, next_t, sources, pixels, scale1, root1, scale2, root2, numbers, pairs, columns,
    TAPS: tl.constexpr, KIND: tl.constexpr, TERMS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    out = tl.program_id(0).to(tl.int64)
    pair = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = pair < pairs
    sum_k = tl.zeros((BLOCK,), k.dtype.element_ty)
    sum_t = tl.zeros((BLOCK,), k.dtype.element_ty)
    for tap in range(TAPS):
        source = tl.load(sources + out * TAPS + tap).to(tl.int64)
        entry = tl.where(inside, source * pairs + pair, -1)
        sum_k += tl.load(k + entry, mask=entry >= 0, other=0.0)
        sum_t += tl.load(t + entry, mask=entry >= 0, other=0.0)
    alpha, beta = tl.load(numbers), tl.load(numbers + 1)
    gamma, delta = tl.load(numbers + 2), tl.load(numbers + 3)
    keep, leak = tl.load(numbers + 4), tl.load(numbers + 5)
    over_turn, two_over_pi = tl.load(numbers + 6), tl.load(numbers + 7)
    tangent = alpha * sum_t + (gamma * sum_k + delta)
    covariance = alpha * sum_k + beta
    rows = pairs // columns
    at1 = tl.load(pixels + 2 * out).to(tl.int64) * rows + pair // columns
    at2 = tl.load(pixels + 2 * out + 1).to(tl.int64) * columns + pair % columns
    a1 = tl.load(scale1 + at1, mask=inside, other=1.0)
    a2 = tl.load(scale2 + at2, mask=inside, other=1.0)
    share = 0.0 if KIND == 0 else 0.5 if KIND == 1 else 1.0
    scale, u1, u2 = a1 * a2, share * a1 * a1, share * a2 * a2
    root = tl.load(root1 + at1, mask=inside, other=0.0) * tl.load(root2 + at2, mask=inside, other=0.0)
    rho = covariance * scale
    coincident = tl.load(numbers + 8)
    size = tl.minimum(tl.abs(rho), 1.0)
    limit = (1.0 - u1) * (1.0 - u2)
    angle = limit - rho * rho
    s2 = tl.where(angle > coincident * limit, angle, 0.0) + (u1 + u2 - u1 * u2)
    s = tl.sqrt(s2)
    tangent_half = rho / (1.0 + s)
    argument = size + size - 1.0
    if KIND == 1:
        argument = 2.0 * tangent_half * tangent_half - 1.0
    series = tl.load(numbers + 9 + TERMS - 1) + tl.zeros_like(argument)
    for term in range(1, TERMS):
        series = series * argument + tl.load(numbers + 9 + TERMS - 1 - term)
    turn = 0.25 - s * series
    turn = tl.where(rho < 0, -turn, turn)
    if KIND == 0:
        derivative = 0.25 + turn
        value = keep * (covariance * derivative + root * (s * over_turn)) + leak * covariance
        slope = keep * derivative + leak
    elif KIND == 1:
        value = 4.0 * (tangent_half * series)
        slope = two_over_pi * scale / s
    else:
        over_delta = scale / s
        value = (rho * rho * over_delta + scale * root * root * s) * over_turn
        value += covariance * (turn + 0.25)
        slope = (over_delta * over_delta + u1 + u2) * (rho / s) * over_turn + turn + 0.25
    to = out * pairs + pair
    tl.store(next_k + to, value, mask=inside)
    tl.store(next_t + to, tangent * slope, mask=inside)
