"""Compiled loops of the fused CPU engine (numba, no C compiler needed); their inverse sines are those of `series`.

All in one file: numba's cache renews a function when the file of that function changes, not that of one it calls.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba.extending import overload

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "out_y", "out_x", "taps_y", "taps_x", "step_y", "step_x", "before_y", "before_x", "pad_y", "pad_x",
            "pixel1", "pixel2", "wide_x",
        )
    ]
)  # fmt: skip
"""A layer: output, filter, strides, padding before and in all, where its fields start, columns of a row of them."""
EXTENT = np.dtype([(name, np.int64) for name in ("rows", "columns", "y1", "x1", "y2", "x2")])
"""Pixels that overlap under a shift, and where they start in either image."""
FLAGS = {"contract", "nsz", "arcp"}
_COMPILE = {"nogil": True, "cache": True, "fastmath": FLAGS, "error_model": "numpy", "boundscheck": False}


def _evaluate(x, series):
    """Evaluate a polynomial; compiled to straight-line code by the number of its coefficients."""
    raise NotImplementedError("only in compiled loops")


@overload(_evaluate, inline="always")
def _overload_evaluate(x, series):
    if len(series) == 9:

        def nine(x, series):
            a0, a1, a2, a3, a4, a5, a6, a7, a8 = series
            return ((((((((a8 * x + a7) * x + a6) * x + a5) * x + a4) * x + a3) * x + a2) * x) + a1) * x + a0

        return nine

    def twenty(x, series):
        # Even and odd powers apart: two chains of half the latency.
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 = series
        y = x * x
        even = ((((((((b8 * y + b6) * y + b4) * y + b2) * y + b0) * y + a8) * y + a6) * y + a4) * y + a2) * y
        odd = ((((((((b9 * y + b7) * y + b5) * y + b3) * y + b1) * y + a9) * y + a7) * y + a5) * y + a3) * y
        return (odd + a1) * x + (even + a0)

    return twenty


@numba.njit(inline="always")
def _turn(rho, s, series, numbers):
    """Return asin(rho) / 2 pi, given s = sqrt(1 - rho**2)."""
    one, quarter = numbers[0], numbers[2]
    size = min(abs(rho), one)
    return math.copysign(quarter - s * _evaluate(size + size - one, series), rho)


@numba.njit(inline="always")
def _erf_turn(rho, s, series, numbers):
    """Return asin(rho) / 2 pi, given s = sqrt(1 - rho**2), with a relative error of rounding alone."""
    one = numbers[0]
    z = rho / (one + s)
    y = z * z
    return z * _evaluate(y + y - one, series)


@numba.njit(inline="always")
def _find_sine(rho, u1, u2, numbers):
    """Return sqrt(1 - rho**2) of erf and GELU; see `activations.find_sine`."""
    one, coincident = numbers[0], numbers[6]
    limit = (one - u1) * (one - u2)
    angle = limit - rho * rho
    return math.sqrt((angle if angle > coincident * limit else one - one) + (u1 + u2 - u1 * u2))


@numba.njit(**_COMPILE)
def activate(
    kind, keep, leak, k, t, at, count, scale1, root1, at1, scale2, root2, at2, series, numbers
):  # fmt: skip
    """Apply a non-linearity in place to `count` covariances and tangents from index `at` on.

    `kind` is 0 (relu, of which keep and leak make leaky relu), 1 (erf) or 2 (gelu); scale and root are
    those of `fused.Fields`, read from `at1` and `at2` on.
    """
    one, half, quarter, over_turn, four, two_over_pi, coincident = numbers
    at, at1, at2, count = np.uint64(at), np.uint64(at1), np.uint64(at2), np.uint64(count)
    if kind == 0:
        for e in range(count):
            covariance = k[at + e]
            rho = covariance * (scale1[at1 + e] * scale2[at2 + e])
            size = min(abs(rho), one)
            s2 = (one - size) * (one + size)
            s = math.sqrt(s2 if s2 > coincident else one - one)
            derivative = quarter + _turn(rho, s, series, numbers)
            value = covariance * derivative + root1[at1 + e] * root2[at2 + e] * (s * over_turn)
            k[at + e] = keep * value + leak * covariance
            t[at + e] = t[at + e] * (keep * derivative + leak)
    elif kind == 1:
        for e in range(count):
            a1, a2 = scale1[at1 + e], scale2[at2 + e]
            scale = a1 * a2
            rho = k[at + e] * scale
            s = _find_sine(rho, half * a1 * a1, half * a2 * a2, numbers)
            k[at + e] = four * _erf_turn(rho, s, series, numbers)
            t[at + e] = t[at + e] * (two_over_pi * scale / s)
    else:
        for e in range(count):
            covariance, a1, a2, root = (
                k[at + e],
                scale1[at1 + e],
                scale2[at2 + e],
                root1[at1 + e] * root2[at2 + e],
            )
            scale, u1, u2 = a1 * a2, a1 * a1, a2 * a2
            rho = covariance * scale
            s = _find_sine(rho, u1, u2, numbers)
            over_s = one / s
            over_delta = scale * over_s
            derivative = quarter + _turn(rho, s, series, numbers)
            value = (rho * rho * over_delta + scale * root * root * s) * over_turn
            k[at + e] = value + covariance * derivative
            slope = (over_delta * over_delta + u1 + u2) * (rho * over_s)
            t[at + e] = t[at + e] * (slope * over_turn + derivative)


@numba.njit(**_COMPILE)
def dense_rows(
    k, t, scale1, root1, scale2, root2, affine, upper, kind, keep, leak, series, numbers
):  # fmt: skip
    """Carry a tile of input inner products ``k`` (n1, n2) through a dense net, in place, row by row.

    scale and root are ``(depth, n1)`` and ``(depth, n2)``; `affine` is ``(depth + 1, 4)`` with what
    multiplies and is added to k and t (see `KernelPlan.affine`). With `upper`, columns before the diagonal
    are left alone.
    """
    depth, width = scale1.shape[0], k.shape[1]
    row_k, row_t = np.empty(width, k.dtype), np.empty(width, k.dtype)
    row_scale, row_root = np.empty(width, k.dtype), np.empty(width, k.dtype)
    for i in range(k.shape[0]):
        start = i if upper else 0
        count = width - start
        for e in range(count):
            row_k[e] = k[i, start + e]
            row_t[e] = row_k[e] - row_k[e]
        for layer in range(depth):
            alpha, beta, gamma, delta = affine[layer]
            scale, root = scale1[layer, i], root1[layer, i]
            for e in range(count):
                before = row_k[e]
                row_k[e] = alpha * before + beta
                row_t[e] = alpha * row_t[e] + (gamma * before + delta)
                row_scale[e] = scale
                row_root[e] = root
            activate(
                kind, keep, leak, row_k, row_t, 0, count, row_scale, row_root, 0,
                scale2[layer], root2[layer], start, series, numbers,
            )  # fmt: skip
        alpha, beta, gamma, delta = affine[depth]
        for e in range(count):
            before = row_k[e]
            k[i, start + e] = alpha * before + beta
            t[i, start + e] = alpha * row_t[e] + (gamma * before + delta)


@numba.njit(**_COMPILE)
def pixel_block(
    x1, x2, scale1, root1, scale2, root2, layers, extents, wrap, affine, last_row, lanes,
    kind, keep, leak, work, series, numbers, sum_k, sum_t,
):  # fmt: skip
    """Sum the final covariances of rows of images against one block of `lanes` images.

    A convolution moves both images alike, so the covariance of pixel u with pixel u + shift evolves
    apart from all other shifts: pooled kernels are sums over shifts of what a flatten readout needs for
    shift 0 alone.

    Parameters
    ----------
    x1
        ``(n1, h, w, c)``.
    x2
        ``(h, w2, c, lanes)``; with `wrap`, w2 = 2 w - 1 columns repeat the image.
    scale1, root1, scale2, root2
        Fields of all layers one after the other, ``(n1, pixels)``, and flat ``(pixels2, lanes)``.
    layers
        ``(depth,)`` of `LAYER`.
    extents
        ``(shifts, depth + 1)`` of `EXTENT`: of the input and after every layer.
    affine
        See `KernelPlan.affine`.
    work
        Scratch: two states for k and two for t, row sums, one expanded image of fields, accumulators.
    sum_k, sum_t
        ``(n1, lanes)``, overwritten up to `last_row`.
    """
    height, channels = x1.shape[1], x1.shape[3]
    depth = layers.shape[0]
    k, t, next_k, next_t, col_k, col_t, fields_scale, fields_root, total_k, total_t = work
    zero = numbers[0] - numbers[0]
    for i in range(last_row):
        at = np.uint64(0)
        for pixel in range(scale1.shape[1]):
            scale, root = scale1[i, pixel], root1[i, pixel]
            for j in range(np.uint64(lanes)):
                fields_scale[at + j] = scale
                fields_root[at + j] = root
            at += np.uint64(lanes)
        for e in range(layers[depth - 1].out_x * lanes):
            total_k[e] = zero
            total_t[e] = zero
        for shift in range(extents.shape[0]):
            # Input covariances, into the padded state of the first layer.
            now, layer = extents[shift, 0], layers[0]
            stride = (now.columns + layer.pad_x) * lanes
            for y in range(now.rows):
                from_row = (y + now.y2) % height
                for x in range(now.columns):
                    here = (y + layer.before_y) * stride + (x + layer.before_x) * lanes
                    _copy(k, here, here, lanes, False, zero)
                    _add_products(
                        k, here, x1[i, y + now.y1, x + now.x1], x2[from_row, x + now.x2], channels, lanes
                    )
            _fill_border(k, now.rows, now.columns, layer, wrap, lanes, zero)
            for number in range(depth):
                layer, before, now = layers[number], extents[shift, number], extents[shift, number + 1]
                alpha, beta, gamma, delta = affine[number]
                stride = (before.columns + layer.pad_x) * lanes
                count = now.columns * lanes
                last = number == depth - 1
                for y in range(now.rows):
                    _sum_rows(k, col_k, y * layer.step_y * stride, stride, layer.taps_y)
                    if number > 0:
                        _sum_rows(t, col_t, y * layer.step_y * stride, stride, layer.taps_y)
                    if last:
                        to = 0
                    else:
                        coming = layers[number + 1]
                        to = ((y + coming.before_y) * (now.columns + coming.pad_x) + coming.before_x) * lanes
                    # Columns beside one another are summed in one go, strided ones each by itself.
                    span = count if layer.step_x == 1 else lanes
                    for x in range(count // span):
                        _sum_columns(
                            col_k, col_t, x * layer.step_x * lanes, next_k, next_t, to + x * span, span, lanes,
                            layer.taps_x, number > 0, alpha, beta, gamma, delta,
                        )  # fmt: skip
                    at1 = (layer.pixel1 + (y + now.y1) * layer.out_x + now.x1) * lanes
                    at2 = (layer.pixel2 + (y + now.y2) % layer.out_y * layer.wide_x + now.x2) * lanes
                    activate(
                        kind, keep, leak, next_k, next_t, to, count, fields_scale, fields_root, at1,
                        scale2, root2, at2, series, numbers,
                    )  # fmt: skip
                    if last:
                        for e in range(count):
                            total_k[e] += next_k[e]
                            total_t[e] += next_t[e]
                if not last:
                    _fill_border(next_k, now.rows, now.columns, layers[number + 1], wrap, lanes, zero)
                    _fill_border(next_t, now.rows, now.columns, layers[number + 1], wrap, lanes, zero)
                    k, next_k = next_k, k
                    t, next_t = next_t, t
        for j in range(lanes):
            sum_k[i, j] = zero
            sum_t[i, j] = zero
        for x in range(layers[depth - 1].out_x):
            for j in range(lanes):
                sum_k[i, j] += total_k[x * lanes + j]
                sum_t[i, j] += total_t[x * lanes + j]


@numba.njit(**_COMPILE)
def _add_products(k, here, left, right, channels, lanes):
    """Add ``sum_c left[c] * right[c, j]`` to ``k[here + j]``, four channels at a time."""
    whole = channels - channels % 4
    here, lanes = np.uint64(here), np.uint64(lanes)
    for c in range(0, whole, 4):
        a, b, d, f = left[c], left[c + 1], left[c + 2], left[c + 3]
        for j in range(lanes):
            k[here + j] += (a * right[c, j] + b * right[c + 1, j]) + (
                d * right[c + 2, j] + f * right[c + 3, j]
            )
    for c in range(whole, channels):
        a = left[c]
        for j in range(lanes):
            k[here + j] += a * right[c, j]


@numba.njit(**_COMPILE)
def _fill_border(k, rows, columns, layer, wrap, lanes, zero):
    """Fill the padding around a state of rows x columns: zeros, or the state itself again."""
    before_y, before_x, pad_y, pad_x = layer.before_y, layer.before_x, layer.pad_y, layer.pad_x
    stride = (columns + pad_x) * lanes
    # Padding may be wider than the state: what follows it is filled first, a period at a time, and is no narrower.
    whole_y, whole_x = -(-before_y // rows) * rows, -(-before_x // columns) * columns
    for y in range(before_y, before_y + rows):
        row = y * stride
        left, right = before_x * lanes, (before_x + columns) * lanes
        _copy(k, row + right, row + right - columns * lanes, stride - right, wrap, zero)
        _copy(k, row, row + whole_x * lanes, left, wrap, zero)
    for y in range(before_y + rows, rows + pad_y):
        _copy(k, y * stride, (y - rows) * stride, stride, wrap, zero)
    for y in range(before_y):
        _copy(k, y * stride, (y + whole_y) * stride, stride, wrap, zero)


@numba.njit(**_COMPILE)
def _copy(k, to, source, count, wrap, zero):
    """Copy `count` entries within `k`, or clear them without `wrap`."""
    to, source, count = np.uint64(to), np.uint64(source), np.uint64(count)
    if wrap:
        for e in range(count):
            k[to + e] = k[source + e]
    else:
        for e in range(count):
            k[to + e] = zero


@numba.njit(**_COMPILE)
def _sum_rows(k, into, at, stride, taps):
    """Sum `taps` rows of a state, from index `at` on."""
    at, stride = np.uint64(at), np.uint64(stride)
    if taps == 3:
        for e in range(stride):
            into[e] = k[at + e] + k[at + stride + e] + k[at + stride + stride + e]
        return
    for e in range(stride):
        into[e] = k[at + e]
    for _ in range(1, taps):
        at += stride
        for e in range(stride):
            into[e] += k[at + e]


@numba.njit(**_COMPILE)
def _sum_columns(
    col_k, col_t, at, k, t, to, count, lanes, taps, has_t, alpha, beta, gamma, delta
):  # fmt: skip
    """Sum `taps` columns from index `at` on and apply weights and biases: next covariances and tangents."""
    to, count, lanes, at = np.uint64(to), np.uint64(count), np.uint64(lanes), np.uint64(at)
    start = at
    if taps == 3 and has_t:
        for e in range(count):
            mean = col_k[at + e] + col_k[at + e + lanes] + col_k[at + e + lanes + lanes]
            tangent = col_t[at + e] + col_t[at + e + lanes] + col_t[at + e + lanes + lanes]
            k[to + e] = alpha * mean + beta
            t[to + e] = alpha * tangent + (gamma * mean + delta)
        return
    for e in range(count):
        k[to + e] = col_k[at + e]
    for _ in range(1, taps):
        at += lanes
        for e in range(count):
            k[to + e] += col_k[at + e]
    for e in range(count):
        t[to + e] = gamma * k[to + e] + delta
        k[to + e] = alpha * k[to + e] + beta
    if has_t:
        at = start
        for _ in range(taps):
            for e in range(count):
                t[to + e] += alpha * col_t[at + e]
            at += lanes
