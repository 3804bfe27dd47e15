"""Windows of a filter over an image: geometry, and gathering them position by position.

The geometry is worked out once per shape as slices, so that gathering the windows of a whole stack of
nets is a handful of strided copies and scattering them back is as many in-place additions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from curvefit.errors import InvalidInputError


class Tap(NamedTuple):
    """One filter tap's share of the copy: where it lands in the output, where it comes from."""

    number: int
    rows_out: slice
    columns_out: slice
    rows_in: slice
    columns_in: slice


@dataclass(frozen=True, slots=True)
class Windows:
    """Where a filter reads, for every output position.

    Parameters
    ----------
    size
        Height and width of the input.
    filter, strides
        Height and width of the filter, and its strides.
    padding
        ``"circular"``, ``"same"`` (zeros) or ``"valid"``.
    """

    size: tuple[int, int]
    filter: tuple[int, int]
    strides: tuple[int, int]
    padding: str

    def __post_init__(self) -> None:
        if self.padding == "valid" and any(f > s for f, s in zip(self.filter, self.size)):
            raise InvalidInputError(
                f"a {self.filter} filter without padding does not fit an image of {self.size}"
            )

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self._axis_output(0), self._axis_output(1)

    @property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Padding (before, after) of rows and of columns."""
        return self._axis_margins(0), self._axis_margins(1)

    def taps(self) -> tuple[Tap, ...]:
        """Return the copies that gather all windows."""
        return _taps(self)

    def input_positions(self) -> list[list[int]]:
        """Return, for every output position and tap, the input position read; -1 where it is padding."""
        height, width = self.output
        positions = [[-1] * (self.filter[0] * self.filter[1]) for _ in range(height * width)]
        for tap in self.taps():
            rows = range(height)[tap.rows_out], range(self.size[0])[tap.rows_in]
            columns = range(width)[tap.columns_out], range(self.size[1])[tap.columns_in]
            for row_out, row_in in zip(*rows):
                for column_out, column_in in zip(*columns):
                    positions[row_out * width + column_out][tap.number] = row_in * self.size[1] + column_in
        return positions

    def _axis_output(self, axis: int) -> int:
        if self.padding == "valid":
            return (self.size[axis] - self.filter[axis]) // self.strides[axis] + 1
        return -(-self.size[axis] // self.strides[axis])

    def _axis_margins(self, axis: int) -> tuple[int, int]:
        reach = (self._axis_output(axis) - 1) * self.strides[axis] + self.filter[axis]
        total = 0 if self.padding == "valid" else max(reach - self.size[axis], 0)
        return total // 2, total - total // 2

    def _axis_taps(self, axis: int, offset: int) -> list[tuple[slice, slice]]:
        """Return (output slice, input slice) pairs for one offset of the filter along one axis."""
        size, stride = self.size[axis], self.strides[axis]
        start = offset - self.margins[axis][0]
        runs: list[list[tuple[int, int]]] = []
        for out in range(self._axis_output(axis)):
            wrap, position = divmod(out * stride + start, size)
            if wrap and self.padding != "circular":
                continue
            if runs and runs[-1][-1] == (out - 1, position - stride):
                runs[-1].append((out, position))
            else:
                runs.append([(out, position)])
        return [(slice(r[0][0], r[-1][0] + 1), slice(r[0][1], r[-1][1] + 1, stride)) for r in runs]


@lru_cache(maxsize=256)
def _taps(windows: Windows) -> tuple[Tap, ...]:
    return tuple(
        Tap(i * windows.filter[1] + j, rows_out, columns_out, rows_in, columns_in)
        for i in range(windows.filter[0])
        for j in range(windows.filter[1])
        for rows_out, rows_in in windows._axis_taps(0, i)
        for columns_out, columns_in in windows._axis_taps(1, j)
    )


class _Gather(torch.autograd.Function):
    """(model, row, column, example, channel) -> (model, row, column, example, tap * channel)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, windows: Windows) -> torch.Tensor:
        models, _, _, examples, channels = x.shape
        n_taps = windows.filter[0] * windows.filter[1]
        new = x.new_zeros if windows.padding == "same" else x.new_empty
        gathered = new(models, *windows.output, examples, n_taps * channels)
        for tap in windows.taps():
            first = tap.number * channels
            target = gathered[:, tap.rows_out, tap.columns_out, :, first : first + channels]
            target.copy_(x[:, tap.rows_in, tap.columns_in])
        return gathered

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.windows = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return _Scatter.apply(gradient, ctx.windows), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> Any:
        return _Gather.apply(tangent, ctx.windows)


class _Scatter(torch.autograd.Function):
    """The transpose of `_Gather`: adds every tap back to where it came from."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gathered: torch.Tensor, windows: Windows) -> torch.Tensor:
        models, _, _, examples, taps_channels = gathered.shape
        channels = taps_channels // (windows.filter[0] * windows.filter[1])
        x = gathered.new_zeros(models, *windows.size, examples, channels)
        for tap in windows.taps():
            first = tap.number * channels
            x[:, tap.rows_in, tap.columns_in] += gathered[
                :, tap.rows_out, tap.columns_out, :, first : first + channels
            ]
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.windows = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return _Gather.apply(gradient, ctx.windows), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> Any:
        return _Scatter.apply(tangent, ctx.windows)


class _Wrap(torch.autograd.Function):
    """Circular padding of ``(model, example, row, column, channel)``, the channel staying fastest."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, windows: Windows) -> torch.Tensor:
        padded = x.new_empty(*x.shape[:2], *_padded_size(windows), x.shape[-1])
        for rows_out, rows_in in _wraps(windows, 0):
            for columns_out, columns_in in _wraps(windows, 1):
                padded[:, :, rows_out, columns_out] = x[:, :, rows_in, columns_in]
        return padded

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.windows = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return _Unwrap.apply(gradient, ctx.windows), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> Any:
        return _Wrap.apply(tangent, ctx.windows)


class _Unwrap(torch.autograd.Function):
    """The transpose of `_Wrap`: adds the margins back to where they came from."""

    generate_vmap_rule = True

    @staticmethod
    def forward(padded: torch.Tensor, windows: Windows) -> torch.Tensor:
        x = padded.new_zeros(*padded.shape[:2], *windows.size, padded.shape[-1])
        for rows_out, rows_in in _wraps(windows, 0):
            for columns_out, columns_in in _wraps(windows, 1):
                x[:, :, rows_in, columns_in] += padded[:, :, rows_out, columns_out]
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.windows = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return _Wrap.apply(gradient, ctx.windows), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> Any:
        return _Unwrap.apply(tangent, ctx.windows)


def _padded_size(windows: Windows) -> tuple[int, int]:
    return windows.size[0] + sum(windows.margins[0]), windows.size[1] + sum(windows.margins[1])


@lru_cache(maxsize=512)
def _wraps(windows: Windows, axis: int) -> tuple[tuple[slice, slice], ...]:
    """Return (padded slice, input slice) pairs that cover one padded axis."""
    size, before = windows.size[axis], windows.margins[axis][0]
    padded = _padded_size(windows)[axis]
    cuts = sorted({0, padded, *range(before % size or size, padded, size)})
    return tuple(
        (slice(a, b), slice((a - before) % size, (a - before) % size + b - a)) for a, b in pairwise(cuts)
    )


def pad_images(x: torch.Tensor, windows: Windows) -> torch.Tensor:
    """Return images ``(model, example, height, width, channel)`` with the margins that a filter reads."""
    (top, bottom), (left, right) = windows.margins
    if not any((top, bottom, left, right)):
        return x
    if windows.padding == "circular":
        return _Wrap.apply(x, windows)
    return F.pad(x, (0, 0, left, right, top, bottom))


def gather_windows(x: torch.Tensor, windows: Windows) -> torch.Tensor:
    """Return all windows of a stack of images in position-major layout.

    Parameters
    ----------
    x
        ``(model, height, width, example, channel)``.
    windows
        Their geometry.

    Returns
    -------
    torch.Tensor
        ``(model, out_height, out_width, example, taps * channel)``; the channel runs fastest.
    """
    return _Gather.apply(x, windows)
