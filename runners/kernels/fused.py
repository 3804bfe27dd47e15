"""The fused CPU engine: compiled loops over blocks of image pairs that stay in the processor's cache."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from runners.kernels import activations, eager, loops
from runners.kernels.plan import KernelPlan, Nonlinearity
from runners.kernels.series import KINDS, loop_constants

ALIGNMENT = 64
ROW_ENTRIES = 448
"""Entries of one image row of a block: enough to hide a loop's start."""
MIRROR_EDGE = 128
CACHE_BYTES = 640_000
"""What a block's states may hold, so that they stay in a core's second-level cache."""


def applies(plan: KernelPlan) -> bool:
    """Whether the loops compute this kernel: no pools between layers, and shifts that stay shifts.

    A cyclic image whose size a stride does not divide has no shifts of pixels that all layers share.
    """
    shifts = not plan.full or all(
        not layer.wrap or all(size % step == 0 for size, step in zip(layer.size, layer.strides))
        for layer in plan.layers
    )
    return shifts and not plan.pooling


@dataclass(frozen=True, slots=True)
class Fields:
    """What the loops need of one image set.

    Parameters
    ----------
    scale, root
        ``(n, pixels)``, all layers one after the other (a pixel a layer for dense nets): the factors whose
        products turn a covariance into the inverse sine's argument (`activations.scale`), and those whose
        products are the largest covariance, that of collinear points (square roots of the variances).
    mean
        Mean of the last activation, ``(n, pixels)``.
    nngp, ntk
        Kernel of every image with itself under a flatten readout, ``(n,)``.
    """

    scale: np.ndarray
    root: np.ndarray
    mean: np.ndarray
    nngp: np.ndarray
    ntk: np.ndarray


def compute_tile(
    plan: KernelPlan, rows: np.ndarray, columns: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (nngp, ntk) of one tile; without `columns`, of `rows` with itself.

    Parameters
    ----------
    plan
        A kernel this engine `applies` to.
    rows, columns
        Images ``(n, h, w, c)``, float64 or float32.
    """
    return _dense_tile(plan, rows, columns) if plan.dense else _pixel_tile(plan, rows, columns)


def tile_bytes(plan: KernelPlan, edge: int, itemsize: int) -> int:
    """Return the working memory of one tile of `edge` x `edge` images, in bytes."""
    pixels = plan.shape[0] * plan.shape[1]
    inputs = pixels * plan.shape[2]
    images = edge * (2 * inputs + 4 * max(1, plan.depth) * (1 if plan.dense else 2 * pixels))
    return itemsize * (2 * edge * edge + images) + (0 if plan.dense else 8 * CACHE_BYTES)


def _find_fields(plan: KernelPlan, x: np.ndarray) -> Fields:
    """Return the fields of all layers, image first."""
    variances = eager.find_variances(plan.diagonal, torch.from_numpy(x), block=len(x))
    flat = [q.reshape(-1, q.shape[-1]) for q in variances.layers]
    q = torch.cat(flat).T
    scale, root = activations.scale(plan.activation, q), q.sqrt()
    last = activations.mean(plan.activation, flat[-1].T)
    return Fields(
        *(values.contiguous().numpy() for values in (scale, root, last, variances.nngp, variances.ntk))
    )


def _dense_tile(plan, rows, columns):
    affine = np.array(plan.affine(), rows.dtype)
    first = _find_fields(plan, rows)
    second = first if columns is None else _find_fields(plan, columns)
    flat = rows.reshape(len(rows), -1)
    k = flat @ (rows if columns is None else columns).reshape(-1, flat.shape[1]).T
    k /= flat.dtype.type(flat.shape[1])
    t = np.zeros_like(k)
    series, constants = loop_constants(plan.activation.name, k.dtype.name)
    loops.dense_rows(
        k, t, *(np.ascontiguousarray(f.T) for f in (first.scale, first.root, second.scale, second.root)), affine,
        columns is None, *_nonlinearity(plan.activation, k.dtype), series, constants,
    )  # fmt: skip
    if columns is None:
        _mirror(k)
        _mirror(t)
        np.fill_diagonal(k, first.nngp)
        np.fill_diagonal(t, first.ntk)
    return k, t


def _nonlinearity(activation: Nonlinearity, dtype: np.dtype):
    return KINDS[activation.name], dtype.type((1 - activation.leak) ** 2), dtype.type(activation.leak)


def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle onto the lower one, in blocks that stay in the cache."""
    for start in range(0, len(matrix), MIRROR_EDGE):
        stop = start + MIRROR_EDGE
        corner = matrix[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T


def _pixel_tile(plan, rows, columns):
    dtype = rows.dtype
    first = _find_fields(plan, rows)
    other = rows if columns is None else columns
    second = first if columns is None else _find_fields(plan, columns)
    # Of a symmetric tile, blocks on the diagonal are half wasted: narrower ones waste less.
    lanes = choose_lanes(plan, dtype.itemsize, len(other) if columns is not None else len(other) // 4)
    inputs = (rows / dtype.type(plan.shape[2])).astype(dtype)
    layers, extents, wrap = _geometry(plan)
    work = _make_work(plan, lanes, dtype)
    series, constants = loop_constants(plan.activation.name, dtype.name)
    kind, keep, leak = _nonlinearity(plan.activation, dtype)
    k = np.zeros((len(rows), len(other)), dtype)
    t = np.zeros_like(k)
    sum_k, sum_t = np.empty((len(rows), lanes), dtype), np.empty((len(rows), lanes), dtype)
    affine = np.array(plan.affine(), dtype)
    for start in range(0, len(other), lanes):
        stop = min(start + lanes, len(other))
        last_row = stop if columns is None else len(rows)
        block = _lay_out(other[start:stop], lanes, wrap)
        scale2, root2 = (
            _lay_out_fields(plan, f[start:stop], lanes, wrap) for f in (second.scale, second.root)
        )
        loops.pixel_block(
            inputs, block, first.scale, first.root, scale2, root2, layers, extents, wrap, affine, last_row,
            lanes, kind, keep, leak, work, series, constants, sum_k, sum_t,
        )  # fmt: skip
        k[:last_row, start:stop] = sum_k[:last_row, : stop - start]
        t[:last_row, start:stop] = sum_t[:last_row, : stop - start]
    _finish(plan, k, t, first, second, affine[-1])
    if columns is None:
        _mirror(k)
        _mirror(t)
    return k, t


def _finish(plan, k, t, first: Fields, second: Fields, affine: np.ndarray) -> None:
    """Turn sums over pixels into the readout's kernel, in place."""
    pixels = plan.layers[-1].out[0] * plan.layers[-1].out[1]
    area = k.dtype.type(pixels if plan.readout == "flatten" else pixels * pixels)
    if not plan.tied and plan.readout == "pool":
        k += np.outer(first.mean.sum(1), second.mean.sum(1)) - first.mean @ second.mean.T
    alpha, beta, gamma, delta = affine
    k /= area
    t *= alpha / area
    t += gamma * k + delta
    k *= alpha
    k += beta


def choose_lanes(plan: KernelPlan, itemsize: int, available: int) -> int:
    """Return how many image pairs run side by side: a multiple of two vectors, within the cache."""
    vector = 2 * ALIGNMENT // itemsize
    height, width = _padded_size(plan)
    by_cache = CACHE_BYTES // (4 * height * width * itemsize)
    by_row = ROW_ENTRIES * 8 // itemsize // width
    lanes = max(vector, min(by_cache, by_row) // vector * vector)
    return max(vector, min(lanes, -(-available // vector) * vector))


def _geometry(plan: KernelPlan) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the loops' layers, extents of every shift, and whether shifts are cyclic."""
    wrap = plan.layers[0].wrap
    layers = np.zeros(plan.depth, loops.LAYER)
    pixel1 = pixel2 = 0
    for number, layer in enumerate(plan.layers):
        wide = _wide(layer.out[1], wrap)
        pad = (layer.before[0] + layer.after[0], layer.before[1] + layer.after[1])
        layers[number] = (
            *layer.out, *layer.filter, *layer.strides, *layer.before, *pad, pixel1, pixel2, wide
        )  # fmt: skip
        pixel1 += layer.out[0] * layer.out[1]
        pixel2 += layer.out[0] * wide
    ranges = [range(0 if wrap else 1 - extent, extent) for extent in plan.layers[-1].out]
    shifts = np.array(list(product(*ranges)) if plan.full else [(0, 0)])
    extents = np.zeros((len(shifts), plan.depth + 1), loops.EXTENT)
    for number in range(plan.depth, -1, -1):
        now = extents[:, number]
        size = plan.layers[number - 1].out if number else plan.layers[0].size
        for axis, (length, name1, name2) in enumerate((("rows", "y1", "y2"), ("columns", "x1", "x2"))):
            shift = shifts[:, axis]
            now[length] = size[axis] - (0 if wrap else np.abs(shift))
            now[name1] = 0 if wrap else np.maximum(0, -shift)
            now[name2] = np.maximum(0, shift)
        if number:
            shifts = shifts * plan.layers[number - 1].strides
    return layers, extents, wrap


def _wide(width: int, wrap: bool) -> int:
    """Return how many columns a cyclic image takes, so that shifts of columns are plain offsets."""
    return 2 * width - 1 if wrap else width


def _padded_size(plan: KernelPlan) -> tuple[int, int]:
    """Return the largest height and width that a layer's padded input has."""
    layers = plan.layers
    height, width = (
        max(la.size[axis] + la.before[axis] + la.after[axis] for la in layers) for axis in (0, 1)
    )
    return height, width


def _make_work(plan: KernelPlan, lanes: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    height, width = _padded_size(plan)
    state = height * width * lanes
    fields = sum(layer.out[0] * layer.out[1] for layer in plan.layers) * lanes
    sizes = [state] * 4 + [width * lanes] * 2 + [fields] * 2 + [width * lanes] * 2
    return tuple(_aligned(size, dtype) for size in sizes)


def _aligned(size: int, dtype: np.dtype) -> np.ndarray:
    raw = np.zeros(size + ALIGNMENT // dtype.itemsize, dtype)
    skip = (-raw.ctypes.data % ALIGNMENT) // dtype.itemsize
    return raw[skip : skip + size]


def _lay_out(values: np.ndarray, lanes: int, wrap: bool) -> np.ndarray:
    """Bring images ``(n, h, w, ...)`` onto the last axis, padded to `lanes`, columns repeated with `wrap`."""
    part = np.moveaxis(values, 0, -1)
    if wrap and part.shape[1] > 1:
        part = np.concatenate([part, part[:, :-1]], axis=1)
    out = _aligned(int(np.prod(part.shape[:-1])) * lanes, values.dtype).reshape(*part.shape[:-1], lanes)
    out[..., : len(values)] = part
    return out


def _lay_out_fields(plan: KernelPlan, fields: np.ndarray, lanes: int, wrap: bool) -> np.ndarray:
    """Lay out the fields ``(n, pixels)`` of all layers one after the other, flat."""
    total = sum(layer.out[0] * _wide(layer.out[1], wrap) for layer in plan.layers) * lanes
    flat, start, pixel = _aligned(total, fields.dtype), 0, 0
    for layer in plan.layers:
        count = layer.out[0] * layer.out[1]
        part = _lay_out(fields[:, pixel : pixel + count].reshape(-1, *layer.out), lanes, wrap).reshape(-1)
        flat[start : start + part.size] = part
        start, pixel = start + part.size, pixel + count
    return flat
