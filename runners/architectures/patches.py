"""Padding images and gathering their windows: linear maps that only copy, with their transposes.

Written out because torch's own backward passes through indexing and `unfold` take several times as long.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from runners.architectures.windows import Windows


class AbstractLinearMap(abc.ABC):
    """A linear map of activations and its transpose."""

    __slots__ = ()

    @abc.abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the map's value at `x`."""

    @abc.abstractmethod
    def transpose(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed map's value at `y`."""


class _Apply(torch.autograd.Function):
    """Applies a linear map: its backward pass is the transpose, its tangent the map itself."""

    @staticmethod
    def forward(x: torch.Tensor, linear: AbstractLinearMap, transposed: bool) -> torch.Tensor:
        return linear.transpose(x) if transposed else linear.forward(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, ctx.linear, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return _Apply.apply(gradient, ctx.linear, not ctx.transposed), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, *_: None) -> Any:
        return _Apply.apply(tangent, ctx.linear, ctx.transposed)


@dataclass(frozen=True, slots=True)
class CircularMargins(AbstractLinearMap):
    """Circular padding of rows and columns, which are axes `axis` and ``axis + 1``."""

    windows: Windows
    axis: int

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in (0, 1):
            axis = self.axis + i
            pieces = [x.narrow(axis, start, stop - start) for start, stop in self._pieces(i)]
            x = torch.cat(pieces, axis) if len(pieces) > 1 else x
        return x

    def transpose(self, y: torch.Tensor) -> torch.Tensor:
        for i in (1, 0):
            axis, size = self.axis + i, self.windows.size[i]
            x = y.narrow(axis, self.windows.margins[i][0], size).clone(memory_format=torch.contiguous_format)
            position = 0
            for start, stop in self._pieces(i):
                if position != self.windows.margins[i][0]:
                    x.narrow(axis, start, stop - start).add_(y.narrow(axis, position, stop - start))
                position += stop - start
            y = x
        return y

    def _pieces(self, i: int) -> list[tuple[int, int]]:
        """Return the input ranges that make up one padded axis; a whole image stands between the margins."""
        size, (before, after) = self.windows.size[i], self.windows.margins[i]
        pieces, position = [], -before
        while position < size + after:
            start = position % size
            stop = min(size, start + size + after - position)
            pieces.append((start, stop))
            position += stop - start
        return pieces


@dataclass(frozen=True, slots=True)
class Taps(AbstractLinearMap):
    """From padded images to windows: ``(..., row, column, *rest) -> (..., row, column, taps * rest[0], *rest[1:])``.

    Rows and columns are axes `axis` and ``axis + 1``.
    """

    windows: Windows
    axis: int

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        view = x
        for i in (0, 1):
            view = view.unfold(self.axis + i, self.windows.filter[i], self.windows.strides[i])
        inner = self.axis + 2
        rest = range(inner, x.dim())
        view = view.permute(*range(inner), x.dim(), x.dim() + 1, *rest)
        return view.reshape(*view.shape[:inner], -1, *x.shape[inner + 1 :])

    def transpose(self, y: torch.Tensor) -> torch.Tensor:
        (rows, columns), (down, across) = self.windows.output, self.windows.strides
        inner, (height, width) = self.axis + 2, self.windows.filter
        taps = y.unflatten(inner, (height, width, y.shape[inner] // math.prod(self.windows.filter)))
        padded = (size + sum(margins) for size, margins in zip(self.windows.size, self.windows.margins))
        x = y.new_zeros(*y.shape[: self.axis], *padded, *taps.shape[inner + 2 :])
        lead = (slice(None),) * self.axis
        for i in range(height):
            for j in range(width):
                reached = slice(i, i + rows * down, down), slice(j, j + columns * across, across)
                x[*lead, *reached].add_(taps.select(inner, i).select(inner, j))
        return x


def pad_images(x: torch.Tensor, windows: Windows, *, axis: int) -> torch.Tensor:
    """Return images with the margins that a filter reads.

    Parameters
    ----------
    x
        Images whose rows and columns are axes `axis` and ``axis + 1``.
    windows
        Geometry of the filter.
    """
    (top, bottom), (left, right) = windows.margins
    if not any((top, bottom, left, right)):
        return x
    if windows.padding == "circular":
        return _Apply.apply(x, CircularMargins(windows, axis), False)
    return F.pad(x, (*(0, 0) * (x.dim() - axis - 2), left, right, top, bottom))


def gather_windows(x: torch.Tensor, windows: Windows, *, axis: int) -> torch.Tensor:
    """Return all windows of a stack of images.

    Parameters
    ----------
    x
        Images ``(..., height, width, channel, ...)`` whose rows are axis `axis`.
    windows
        Geometry of the filter.

    Returns
    -------
    torch.Tensor
        ``(..., out_height, out_width, taps * channel, ...)``, the channel running faster than the tap.
    """
    return _Apply.apply(pad_images(x, windows, axis=axis), Taps(windows, axis), False)
