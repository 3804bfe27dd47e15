"""The fused CPU engine: compiled loops over blocks of image pairs that stay in the processor's cache."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runners.kernels import loops
from runners.kernels.plan import KernelPlan, Nonlinearity

KINDS = {"relu": 0, "erf": 1, "gelu": 2}
ALIGNMENT = 64
ROW_ENTRIES = 448
"""Entries of one image row of a block: enough to hide a loop's start."""
CACHE_BYTES = 640_000
"""What a block's states may hold, so that they stay in a core's second-level cache."""


def applies(plan: KernelPlan) -> bool:
    """Whether the fused engine computes this kernel: unit strides and no pools between layers."""
    return all(layer.strides == (1, 1) and layer.pool == 1 for layer in plan.layers)


@dataclass(frozen=True, slots=True)
class Fields:
    """What an activation needs of one image set: `scale` and `root` of each layer's variances.

    Parameters
    ----------
    scale, root
        ``(depth, n)`` or ``(depth, n, height, width)``: the factors whose products turn a covariance into
        the inverse sine's argument, and into the activation's amplitude.
    mean
        Mean of the last activation, ``(n, pixels)``; only for untied filters with a pool.
    nngp, ntk
        Kernel of every image with itself; only for dense nets.
    """

    scale: np.ndarray
    root: np.ndarray
    mean: np.ndarray | None = None
    nngp: np.ndarray | None = None
    ntk: np.ndarray | None = None


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


def layer_numbers(plan: KernelPlan) -> np.ndarray:
    """Return alpha, beta, gamma, delta of every layer and of the readout, ``(depth + 1, 4)``.

    Sums k and t over a window become ``alpha k + beta`` and ``alpha t + gamma k + delta``.
    """
    height, width, channels = plan.shape
    weight, bias = plan.w_std**2, plan.b_std**2
    fan_in = float(height * width * channels if plan.dense else channels)
    numbers = np.empty((plan.depth + 1, 4))
    for number in range(plan.depth + 1):
        taps = 1
        if plan.layers and number < plan.depth:
            taps = plan.layers[number].filter[0] * plan.layers[number].filter[1]
        if plan.width is None:
            row = (weight / taps, bias, weight / taps, bias)
        else:
            if number == plan.depth and plan.layers and plan.readout == "flatten":
                fan_in *= plan.layers[-1].out[0] * plan.layers[-1].out[1]
            row = (weight / taps, bias, fan_in, float(plan.b_std > 0))
            fan_in = float(plan.width)
        numbers[number] = row
    return numbers


def find_fields(activation: Nonlinearity, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (scale, root) of variances `q`; see `Fields`."""
    if activation.name == "relu":
        root = np.sqrt(q)
        return np.divide(1.0, root, out=np.zeros_like(root), where=root > 0), root
    if activation.name == "erf":
        return np.sqrt(2 / (1 + 2 * q)), q
    return 1 / np.sqrt(1 + q), q


def _self_dual(activation: Nonlinearity, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return covariance and slope of a pre-activation with itself (rho = 1 exactly)."""
    if activation.name == "relu":
        keep = (1 - activation.leak) ** 2
        slope = np.where(q > 0, 0.5, 0.25)
        return keep * 0.5 * q + activation.leak * q, keep * slope + activation.leak
    if activation.name == "erf":
        return (2 / np.pi) * np.arcsin(2 * q / (1 + 2 * q)), (4 / np.pi) / np.sqrt(1 + 4 * q)
    delta = np.sqrt(1 + 2 * q)
    turn = np.arctan2(q, delta) / (2 * np.pi)
    shrink = 1 / (1 + q) ** 2
    covariance = (q * q / delta + q * q * delta) * shrink / (2 * np.pi) + q * (turn + 0.25)
    slope = (1 / delta**2 + (1 - q * q) * shrink + 1) * q / delta / (2 * np.pi)
    return covariance, slope + turn + 0.25


def _activation_mean(activation: Nonlinearity, q: np.ndarray) -> np.ndarray:
    if activation.name == "relu":
        return (1 - activation.leak) * np.sqrt(q / (2 * np.pi))
    if activation.name == "erf":
        return np.zeros_like(q)
    return q / np.sqrt(2 * np.pi * (1 + q))


def _dense_fields(plan: KernelPlan, x: np.ndarray, numbers: np.ndarray) -> Fields:
    q = np.einsum("nd,nd->n", x, x) / x.shape[1]
    t = np.zeros_like(q)
    scales, roots = [], []
    for number in range(plan.depth + 1):
        alpha, beta, gamma, delta = numbers[number].astype(x.dtype)
        t = alpha * t + gamma * q + delta
        q = alpha * q + beta
        if number == plan.depth:
            break
        scale, root = find_fields(plan.activation, q)
        scales.append(scale)
        roots.append(root)
        q, slope = _self_dual(plan.activation, q)
        t = t * slope
    return Fields(np.stack(scales), np.stack(roots), nngp=q, ntk=t)


def _dense_tile(plan, rows, columns):
    numbers = layer_numbers(plan)
    flat = rows.reshape(len(rows), -1)
    first = _dense_fields(plan, flat, numbers)
    second = first
    other = flat
    if columns is not None:
        other = columns.reshape(len(columns), -1)
        second = _dense_fields(plan, other, numbers)
    k = flat @ other.T
    k /= flat.dtype.type(flat.shape[1])
    t = np.zeros_like(k)
    series, constants = loops.loop_constants(k.dtype.name)
    loops.dense_rows(
        k, t, first.scale, first.root, second.scale, second.root, numbers.astype(k.dtype),
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
    lower = np.tril_indices(len(matrix), -1)
    matrix[lower] = matrix.T[lower]


def _pixel_fields(plan: KernelPlan, x: np.ndarray, numbers: np.ndarray) -> Fields:
    n, height, width, channels = x.shape
    q = np.einsum("nyxc,nyxc->nyx", x, x) / x.dtype.type(channels)
    scales = np.zeros((plan.depth, n, height, width), x.dtype)
    roots = np.zeros_like(scales)
    for number, layer in enumerate(plan.layers):
        padding = [(0, 0), (layer.before[0], layer.after[0]), (layer.before[1], layer.after[1])]
        padded = np.pad(q, padding, mode="wrap" if layer.wrap else "constant")
        for axis, taps in ((1, layer.filter[0]), (2, layer.filter[1])):
            extent = layer.out[axis - 1]
            pieces = [np.take(padded, range(tap, tap + extent), axis=axis) for tap in range(taps)]
            padded = sum(pieces[1:], pieces[0])
        q = padded * x.dtype.type(numbers[number, 0]) + x.dtype.type(numbers[number, 1])
        scale, root = find_fields(plan.activation, q)
        scales[number, :, : layer.out[0], : layer.out[1]] = scale
        roots[number, :, : layer.out[0], : layer.out[1]] = root
        before = q
        q = _self_dual(plan.activation, q)[0]
    mean = None
    if not plan.tied and plan.readout == "pool":
        mean = _activation_mean(plan.activation, before).reshape(n, -1)
    return Fields(scales, roots, mean=mean)


def _pixel_tile(plan, rows, columns):
    dtype = rows.dtype
    numbers = layer_numbers(plan)
    first = _pixel_fields(plan, rows, numbers)
    other = rows if columns is None else columns
    second = first if columns is None else _pixel_fields(plan, columns, numbers)
    # Of a symmetric tile, blocks on the diagonal are half wasted: narrower ones waste less.
    lanes = choose_lanes(plan, dtype.itemsize, len(other) if columns is not None else len(other) // 4)
    inputs = (rows / dtype.type(plan.shape[2])).astype(dtype)
    shapes, shifts, wrap = _geometry(plan)
    work = _make_work(plan, lanes, dtype)
    series, constants = loops.loop_constants(dtype.name)
    kind, keep, leak = _nonlinearity(plan.activation, dtype)
    k = np.zeros((len(rows), len(other)), dtype)
    t = np.zeros_like(k)
    sum_k, sum_t = np.empty((len(rows), lanes), dtype), np.empty((len(rows), lanes), dtype)
    affine = numbers[:-1].astype(dtype)
    for start in range(0, len(other), lanes):
        stop = min(start + lanes, len(other))
        last_row = stop if columns is None else len(rows)
        block = _lay_out(other, 0, start, stop, lanes, wrap)
        scale2 = _lay_out(second.scale, 1, start, stop, lanes, wrap).reshape(-1)
        root2 = _lay_out(second.root, 1, start, stop, lanes, wrap).reshape(-1)
        loops.pixel_block(
            inputs, block, first.scale, first.root, scale2, root2, shapes, wrap, shifts, affine, 0, last_row,
            lanes, kind, keep, leak, work, series, constants, sum_k, sum_t,
        )  # fmt: skip
        k[:last_row, start:stop] = sum_k[:last_row, : stop - start]
        t[:last_row, start:stop] = sum_t[:last_row, : stop - start]
    _finish(plan, k, t, first, second, numbers[-1].astype(dtype))
    if columns is None:
        _mirror(k)
        _mirror(t)
    return k, t


def _finish(plan, k, t, first: Fields, second: Fields, affine: np.ndarray) -> None:
    """Turn sums over pixels into the readout's kernel, in place."""
    pixels = plan.layers[-1].out[0] * plan.layers[-1].out[1]
    area = k.dtype.type(pixels if plan.readout == "flatten" else pixels * pixels)
    if first.mean is not None and second.mean is not None:
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
    height, width = (
        max(layer.size[axis] + layer.before[axis] + layer.after[axis] for layer in plan.layers)
        for axis in (0, 1)
    )
    by_cache = CACHE_BYTES // (4 * height * width * itemsize)
    by_row = ROW_ENTRIES * 8 // itemsize // width
    lanes = max(vector, min(by_cache, by_row) // vector * vector)
    return max(vector, min(lanes, -(-available // vector) * vector))


def _geometry(plan: KernelPlan) -> tuple[np.ndarray, np.ndarray, bool]:
    shapes = np.array(
        [
            [
                *layer.size, *layer.out, *layer.filter, *layer.before,
                layer.before[0] + layer.after[0], layer.before[1] + layer.after[1],
            ]
            for layer in plan.layers
        ]
    )  # fmt: skip
    wrap = plan.layers[0].wrap
    height, width = plan.layers[-1].out
    if not plan.full:
        shifts = [(0, 0)]
    elif wrap:
        shifts = [(y, x) for y in range(height) for x in range(width)]
    else:
        shifts = [(y, x) for y in range(1 - height, height) for x in range(1 - width, width)]
    return shapes, np.array(shifts), wrap


def _make_work(plan: KernelPlan, lanes: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    height, width = (
        max(layer.size[axis] + layer.before[axis] + layer.after[axis] for layer in plan.layers)
        for axis in (0, 1)
    )
    state = height * width * lanes
    fields = sum(layer.out[0] * layer.out[1] for layer in plan.layers) * lanes
    sizes = [state] * 4 + [width * lanes] * 2 + [fields] * 2 + [width * lanes] * 2
    return tuple(_aligned(size, dtype) for size in sizes)


def _aligned(size: int, dtype: np.dtype) -> np.ndarray:
    raw = np.zeros(size + ALIGNMENT // dtype.itemsize, dtype)
    skip = (-raw.ctypes.data % ALIGNMENT) // dtype.itemsize
    return raw[skip : skip + size]


def _lay_out(values: np.ndarray, axis: int, start: int, stop: int, lanes: int, wrap: bool) -> np.ndarray:
    """Bring images `start` to `stop` from `axis` onto the last axis, padded to `lanes`.

    With `wrap`, columns repeat (all but the last), so that a cyclic shift of columns is a plain offset.
    """
    part = np.moveaxis(values.take(range(start, stop), axis=axis), axis, -1)
    column = axis + 1
    if wrap and part.shape[column] > 1:
        part = np.concatenate([part, part.take(range(part.shape[column] - 1), axis=column)], axis=column)
    out = _aligned(int(np.prod(part.shape[:-1])) * lanes, values.dtype).reshape(*part.shape[:-1], lanes)
    out[..., : stop - start] = part
    return out
