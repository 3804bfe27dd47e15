"""The kernel recursion in tensor operations: any architecture, any device.

This is the reference that the compiled engines are tested against, and what runs where they do not apply. A
state is a tensor whose last axes are those of image pairs (rows and columns of a block, or one axis of
images with themselves), after none (dense), ``(height, width)`` (equal pixels of both images) or
``(height, height', width, width')`` (every pixel of one image against every pixel of the other).

A `LayerStep` carries a state through one layer; `tensor_step` is the plain one, `gpu.triton_step` the fused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from runners.kernels.activations import dual, mean
from runners.kernels.plan import KernelPlan, Layer

State = tuple[torch.Tensor, torch.Tensor]
LayerStep = Callable[[KernelPlan, int, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], State]
"""From plan, number of the layer, k, t and both variances after the weights to k and t after the activation."""


@dataclass(frozen=True, slots=True)
class Variances:
    """Variances of one image set, layer by layer, and its kernel with itself.

    Parameters
    ----------
    layers
        Pre-activation variances of each layer, ``(..., n)`` with the pixel axes first.
    nngp, ntk
        Kernel of every image with itself, ``(n,)``; for pooled readouts that of a flatten readout.
    """

    layers: tuple[torch.Tensor, ...]
    nngp: torch.Tensor
    ntk: torch.Tensor


def pair_bytes(plan: KernelPlan, itemsize: int) -> int:
    """Return the working memory one image pair needs, in bytes."""
    pixels = max((layer.size[0] * layer.size[1] for layer in plan.layers), default=1)
    entries = pixels * pixels if plan.full else pixels
    return itemsize * (12 * entries + 2 * plan.shape[0] * plan.shape[1] * plan.shape[2])


def find_variances(plan: KernelPlan, x: torch.Tensor, *, block: int) -> Variances:
    """Return the variances of images `x`, computed `block` images at a time."""
    plan = plan if plan.pooling else plan.diagonal
    parts = [_carry_variances(plan, piece) for piece in x.split(max(1, block))]
    return Variances(
        layers=tuple(torch.cat(layer, -1) for layer in zip(*(part[2] for part in parts))),
        nngp=torch.cat([part[0] for part in parts]),
        ntk=torch.cat([part[1] for part in parts]),
    )


@torch.no_grad()
def compute_tile(
    plan: KernelPlan,
    rows: np.ndarray,
    columns: np.ndarray | None,
    *,
    block: int,
    device: str = "cpu",
    step: LayerStep | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (nngp, ntk) of one tile; without `columns`, of `rows` with itself.

    Parameters
    ----------
    plan
        The kernel.
    rows, columns
        Images of the tile's rows and columns.
    block
        Image pairs computed at once.
    device
        A torch device.
    step
        How a state passes a layer; `tensor_step` by default.
    """
    x1 = torch.from_numpy(rows).to(device)
    x2 = x1 if columns is None else torch.from_numpy(columns).to(device)
    v1 = find_variances(plan, x1, block=block)
    v2 = v1 if columns is None else find_variances(plan, x2, block=block)
    wide = min(len(x2), block)
    high = max(1, block // wide)
    both = x1.new_zeros(2, len(x1), len(x2))
    for i in range(0, len(x1), high):
        q1 = [q[..., i : i + high, None] for q in v1.layers]
        for j in range(i if columns is None else 0, len(x2), wide):
            q2 = [q[..., None, j : j + wide] for q in v2.layers]
            k = _cross(plan, x1[i : i + high], x2[j : j + wide])
            nngp, ntk = _carry(plan, k, q1, q2, step or tensor_step)
            both[0, i : i + high, j : j + wide], both[1, i : i + high, j : j + wide] = nngp, ntk
    if columns is None:
        both = both.triu() + both.triu(1).mT
        if plan.dense:
            both[0].diagonal().copy_(v1.nngp)
            both[1].diagonal().copy_(v1.ntk)
    values = both.cpu().numpy()
    return values[0], values[1]


def tensor_step(plan: KernelPlan, number: int, k, t, q1, q2) -> State:
    """Carry a state through weights and activation of a layer, one tensor operation after the other."""
    k, t = _weigh(plan, number, k, t)
    return _activate(plan, k, t, q1, q2)


def _weigh(plan: KernelPlan, number: int, k: torch.Tensor, t: torch.Tensor) -> State:
    layer = plan.layers[number] if plan.layers else None
    return _affine(plan.affine()[number], _sum_window(plan, k, layer), _sum_window(plan, t, layer))


def _activate(plan: KernelPlan, k, t, q1, q2) -> State:
    if plan.full:
        q1, q2 = q1[:, None, :, None], q2[None, :, None, :]
    k, derivative = dual(plan.activation, k, q1, q2)
    return k, t * derivative


def _carry(plan: KernelPlan, k: torch.Tensor, variances1, variances2, step: LayerStep) -> State:
    """Return NNGP and NTK from input covariances `k`, given the variances of both images by layer."""
    t = torch.zeros_like(k)
    for number in range(plan.depth):
        q1, q2 = variances1[number], variances2[number]
        k, t = step(plan, number, k, t, q1, q2)
        k, t = _pool_and_read_out(plan, number, k, t, q1, q2)
    return _affine(plan.affine()[-1], k, t)


def _carry_variances(
    plan: KernelPlan, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Return NNGP and NTK of images with themselves, and their variances by layer."""
    k = _self(plan, x)
    t = torch.zeros_like(k)
    kept = []
    for number in range(plan.depth):
        k, t = _weigh(plan, number, k, t)
        q = _diagonal(plan, k)
        kept.append(q)
        k, t = _activate(plan, k, t, q, q)
        k, t = _pool_and_read_out(plan, number, k, t, q, q)
    k, t = _affine(plan.affine()[-1], k, t)
    return k, t, kept


def _cross(plan: KernelPlan, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
    if plan.dense:
        return x1.flatten(1) @ x2.flatten(1).mT / x1[0].numel()
    if plan.full:
        return torch.einsum("myxc,nzwc->yzxwmn", x1, x2) / plan.shape[2]
    return torch.einsum("myxc,nyxc->yxmn", x1, x2) / plan.shape[2]


def _self(plan: KernelPlan, x: torch.Tensor) -> torch.Tensor:
    if plan.dense:
        return (x * x).flatten(1).mean(1)
    if plan.full:
        return torch.einsum("myxc,mzwc->yzxwm", x, x) / plan.shape[2]
    return (x * x).mean(3).permute(1, 2, 0)


def _affine(numbers: tuple[float, float, float, float], k: torch.Tensor, t: torch.Tensor) -> State:
    alpha, beta, gamma, delta = numbers
    return alpha * k + beta, alpha * t + (gamma * k + delta)


def _sum_window(plan: KernelPlan, k: torch.Tensor, layer: Layer | None) -> torch.Tensor:
    """Sum a state over the filter's window."""
    if layer is None:
        return k
    for axis in (0, 1):
        dims = (2 * axis, 2 * axis + 1) if plan.full else (axis,)
        k = _sum_axis(k, dims, layer, axis)
    return k


def _sum_axis(k: torch.Tensor, dims: tuple[int, ...], layer: Layer, axis: int) -> torch.Tensor:
    for dim in dims:
        before, after = layer.before[axis], layer.after[axis]
        if layer.wrap and (before or after):
            extent = k.shape[dim]
            k = k.index_select(dim, torch.arange(-before, extent + after, device=k.device) % extent)
        elif before or after:
            shape = list(k.shape)
            shape[dim] = before
            first = k.new_zeros(shape)
            shape[dim] = after
            k = torch.cat([first, k, k.new_zeros(shape)], dim)
    span = (layer.out[axis] - 1) * layer.strides[axis] + 1
    total = None
    for tap in range(layer.filter[axis]):
        part = k
        for dim in dims:
            index = [slice(None)] * part.ndim
            index[dim] = slice(tap, tap + span, layer.strides[axis])
            part = part[tuple(index)]
        total = part.clone() if total is None else total.add_(part)
    return total


def _diagonal(plan: KernelPlan, k: torch.Tensor) -> torch.Tensor:
    """Return the entries of equal pixels, pixel axes first."""
    if not plan.full:
        return k
    return k.diagonal(dim1=0, dim2=1).diagonal(dim1=0, dim2=1).movedim((-2, -1), (0, 1))


def _pool_and_read_out(plan: KernelPlan, number: int, k, t, q1, q2) -> State:
    """Apply the pool that follows a layer, and the readout after the last one."""
    last = number == plan.depth - 1
    if plan.dense or not (last or plan.layers[number].pool > 1):
        return k, t
    window = plan.layers[number].pool
    if plan.tied:
        k, t = _block_means(k, window, plan.pixel_axes), _block_means(t, window, plan.pixel_axes)
        if not last:
            return k, t
        if plan.full and plan.readout == "flatten":
            k, t = _diagonal(plan, k), _diagonal(plan, t)
        dims = tuple(range(4 if plan.full and plan.readout == "pool" else 2))
        return k.mean(dims), t.mean(dims)
    # Untied filters: different locations are independent, so of them only the product of means is left.
    m1, m2 = mean(plan.activation, q1), mean(plan.activation, q2)
    k, t = _block_means(k - m1 * m2, window, 2) / window**2, _block_means(t, window, 2) / window**2
    m1, m2 = _block_means(m1, window, 2), _block_means(m2, window, 2)
    if last and plan.readout == "pool":
        pixels = k.shape[0] * k.shape[1]
        return k.mean((0, 1)) / pixels + m1.mean((0, 1)) * m2.mean((0, 1)), t.mean((0, 1)) / pixels
    k = k + m1 * m2
    return (k.mean((0, 1)), t.mean((0, 1))) if last else (k, t)


def _block_means(k: torch.Tensor, window: int, axes: int) -> torch.Tensor:
    """Average non-overlapping windows along the first `axes` axes; a remainder is dropped."""
    if window == 1:
        return k
    for dim in range(axes):
        count = k.shape[dim] // window
        k = k.narrow(dim, 0, count * window).unflatten(dim, (count, window)).mean(dim + 1)
    return k
