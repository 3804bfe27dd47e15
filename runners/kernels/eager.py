"""The kernel recursion in plain tensor operations: any architecture, any device, one pair a column.

This is the reference the fused engines are tested against, and what runs where they do not apply
(strides, pools between layers). A state is a tensor whose last axis counts image pairs and whose
other axes are none (dense), ``(height, width)`` (equal pixels of both images) or
``(height, height', width, width')`` (every pixel of one image against every pixel of the other).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from runners.kernels.activations import dual, mean
from runners.kernels.plan import KernelPlan, Layer


@dataclass(frozen=True, slots=True)
class Variances:
    """Variances of one image set, layer by layer, and its kernel with itself.

    Parameters
    ----------
    layers
        Pre-activation variances of each layer, image on the last axis.
    nngp, ntk
        Kernel of every image with itself, ``(n,)``.
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
    parts = [_propagate(plan, piece, piece, None) for piece in x.split(max(1, block))]
    return Variances(
        layers=tuple(torch.cat(layer, -1) for layer in zip(*(part[2] for part in parts))),
        nngp=torch.cat([part[0] for part in parts]),
        ntk=torch.cat([part[1] for part in parts]),
    )


def propagate_pairs(
    plan: KernelPlan, x1: torch.Tensor, x2: torch.Tensor, q1: list[torch.Tensor], q2: list[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return NNGP and NTK of image pairs ``(x1[m], x2[m])``, given their variances by layer."""
    nngp, ntk, _ = _propagate(plan, x1, x2, (q1, q2))
    return nngp, ntk


def _propagate(plan, x1, x2, variances):
    k = _inputs(plan, x1, x2)
    t = torch.zeros_like(k)
    kept = []
    fan_in = plan.shape[2] if plan.layers else plan.shape[0] * plan.shape[1] * plan.shape[2]
    for number in range(plan.depth):
        layer = plan.layers[number] if plan.layers else None
        k, t = _affine(plan, _average(plan, k, layer), _average(plan, t, layer), fan_in * _taps(layer))
        if variances is None:
            q1 = q2 = _diagonal(plan, k)
            kept.append(q1)
        else:
            q1, q2 = variances[0][number], variances[1][number]
        before1, before2 = q1, q2
        if plan.full:
            q1, q2 = q1[:, None, :, None], q2[None, :, None, :]
        k, derivative = dual(plan.activation, k, q1, q2)
        t = t * derivative
        if layer is not None and layer.pool > 1:
            k, t = _pool(plan, k, t, layer, before1, before2)
        fan_in = plan.width or 1
    pixels = 1
    if plan.layers:
        height, width = plan.layers[-1].pooled
        pixels = height * width
        k, t = _read_out(plan, k, t, before1, before2)
    k, t = _affine(plan, k, t, fan_in * (pixels if plan.readout == "flatten" else 1))
    return k, t, kept


def _inputs(plan: KernelPlan, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
    if plan.dense:
        return (x1 * x2).flatten(1).mean(1)
    if plan.full:
        return torch.einsum("myxc,mzwc->yzxwm", x1, x2) / plan.shape[2]
    return (x1 * x2).mean(3).permute(1, 2, 0)


def _taps(layer: Layer | None) -> int:
    return 1 if layer is None else layer.filter[0] * layer.filter[1]


def _affine(plan: KernelPlan, k, t, fan_in):
    """Apply weights and biases to covariances averaged over the fan-in."""
    after = k * plan.w_std**2 + plan.b_std**2
    if plan.width is None:
        return after, t * plan.w_std**2 + after
    return after, t * plan.w_std**2 + fan_in * k + float(plan.b_std > 0)


def _average(plan: KernelPlan, k: torch.Tensor, layer: Layer | None) -> torch.Tensor:
    """Average a state over the filter's window."""
    if layer is None:
        return k
    for axis in (0, 1):
        dims = (2 * axis, 2 * axis + 1) if plan.full else (axis,)
        k = _window(k, dims, layer, axis)
    return k / _taps(layer)


def _window(k: torch.Tensor, dims: tuple[int, ...], layer: Layer, axis: int) -> torch.Tensor:
    for dim in dims:
        pieces = [k]
        before, after = layer.before[axis], layer.after[axis]
        if layer.wrap:
            extent = k.shape[dim]
            pieces = [k.narrow(dim, extent - before, before), k, k.narrow(dim, 0, after)]
        elif before or after:
            shape = list(k.shape)
            shape[dim] = before
            first = k.new_zeros(shape)
            shape[dim] = after
            pieces = [first, k, k.new_zeros(shape)]
        k = torch.cat(pieces, dim) if len(pieces) > 1 else k
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
    """Return the variances in the kernel of images with themselves."""
    if not plan.full:
        return k
    return k.diagonal(dim1=0, dim2=1).diagonal(dim1=0, dim2=1).permute(1, 2, 0)


def _pool(plan, k, t, layer, q1, q2):
    if plan.full:
        for dim in (0, 1, 2, 3):
            k, t = _block_mean(k, dim, layer.pool), _block_mean(t, dim, layer.pool)
        return k, t
    # Untied filters: different locations are independent, so only the product of their means is left.
    m1, m2 = mean(plan.activation, q1), mean(plan.activation, q2)
    area = layer.pool**2
    k = k - m1 * m2
    for dim in (0, 1):
        k, t = _block_mean(k, dim, layer.pool), _block_mean(t, dim, layer.pool)
        m1, m2 = _block_mean(m1, dim, layer.pool), _block_mean(m2, dim, layer.pool)
    return k / area + m1 * m2, t / area


def _block_mean(k: torch.Tensor, dim: int, window: int) -> torch.Tensor:
    count = k.shape[dim] // window
    return k.narrow(dim, 0, count * window).unflatten(dim, (count, window)).mean(dim + 1)


def _read_out(plan, k, t, q1, q2):
    if plan.full and plan.readout == "flatten":
        return _diagonal(plan, k).mean((0, 1)), _diagonal(plan, t).mean((0, 1))
    dims = tuple(range(k.ndim - 1))
    if plan.tied or plan.readout == "flatten":
        return k.mean(dims), t.mean(dims)
    layer = plan.layers[-1]
    if layer.pool > 1:
        return _read_out_pooled(plan, k, t, q1, q2, layer)
    m1, m2 = mean(plan.activation, q1), mean(plan.activation, q2)
    pixels = layer.out[0] * layer.out[1]
    return (k - m1 * m2).mean(dims) / pixels + m1.mean(dims) * m2.mean(dims), t.mean(dims) / pixels


def _read_out_pooled(plan, k, t, q1, q2, layer):
    means = []
    for q in (q1, q2):
        m = mean(plan.activation, q)
        means.append(_block_mean(_block_mean(m, 0, layer.pool), 1, layer.pool))
    m1, m2 = means
    pixels = layer.pooled[0] * layer.pooled[1]
    return (k - m1 * m2).mean((0, 1)) / pixels + m1.mean((0, 1)) * m2.mean((0, 1)), t.mean((0, 1)) / pixels


@torch.no_grad()
def compute_tile(
    plan: KernelPlan, rows: np.ndarray, columns: np.ndarray | None, *, block: int, device: str = "cpu"
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
    """
    x1 = torch.from_numpy(rows).to(device)
    x2 = x1 if columns is None else torch.from_numpy(columns).to(device)
    v1 = find_variances(plan, x1, block=block)
    v2 = v1 if columns is None else find_variances(plan, x2, block=block)
    if columns is None:
        i, j = torch.triu_indices(len(x1), len(x1), offset=1, device=x1.device)
    else:
        grid = torch.arange(len(x1) * len(x2), device=x1.device)
        i, j = grid // len(x2), grid % len(x2)
    both = x1.new_empty(2, len(x1), len(x2))
    for a, b in zip(i.split(block), j.split(block)):
        q1 = [q[..., a] for q in v1.layers]
        q2 = [q[..., b] for q in v2.layers]
        nngp, ntk = propagate_pairs(plan, x1[a], x2[b], q1, q2)
        both[0, a, b], both[1, a, b] = nngp, ntk
        if columns is None:
            both[0, b, a], both[1, b, a] = nngp, ntk
    if columns is None:
        both[0].diagonal().copy_(v1.nngp)
        both[1].diagonal().copy_(v1.ntk)
    values = both.cpu().numpy()
    return values[0], values[1]
