"""The first layer's weights, laid out so that a rotation of the inputs can be absorbed by them.

A net on rotated inputs ``g x`` with first-layer weights ``g W`` computes what it computes on ``x`` with ``W``, where
`g` acts on the input side of the weights. Which `g` can be absorbed is the architecture's symmetry: one
filter per position absorbs a rotation per pixel, shared filters only a shared one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from curvefit.errors import InvalidInputError
from runners.architectures.layers import Dense, TiedConvolution, UntiedConvolution

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class FirstLayer:
    """The first layer's weight, viewed by what it reads.

    Parameters
    ----------
    kind
        ``"dense"``, ``"tied"`` (convolution) or ``"untied"`` (locally connected).
    weight
        A view of the parameter: ``(coordinates, out)`` for a dense layer (pixel by pixel, the channel
        fastest), ``(taps, channels, out)`` for a convolution, ``(positions, taps, channels, out)`` for a
        locally connected layer.
    pixels
        ``(positions, taps)``: the input pixel (row * width + column) each tap of each position reads, -1 for
        padding; None for a dense layer.
    """

    kind: Literal["dense", "tied", "untied"]
    weight: torch.Tensor
    pixels: torch.Tensor | None

    @torch.no_grad()
    def absorb(self, g: torch.Tensor) -> None:
        """Change the weight in place so that the net does on ``g x`` what it did on ``x``.

        Parameters
        ----------
        g
            Orthogonal matrix acting on column vectors: ``(d, d)`` on the whole image (dense layers only),
            ``(pixels, channels, channels)``, a matrix per pixel (not for a convolution), or
            ``(channels, channels)``, the same matrix for every pixel.

        Raises
        ------
        InvalidInputError
            Where this layer cannot absorb such a `g`: no weights do the same on ``g x``.
        """
        g = g.to(self.weight)
        if self.kind == "dense":
            self._absorb_dense(g)
        elif g.dim() == 2 and g.shape[0] == self.weight.shape[-2]:
            self.weight.copy_(torch.einsum("ab,...bo->...ao", g, self.weight))
        elif self.kind == "untied" and g.dim() == 3 and self.pixels is not None:
            own = g[self.pixels.clamp_min(0)]
            self.weight.copy_(torch.einsum("ptab,ptbo->ptao", own, self.weight))
        else:
            raise InvalidInputError(
                f"a {self.kind} first layer with {self.weight.shape[-2]} input channels cannot absorb a rotation given "
                f"as {tuple(g.shape)}; allowed: (channels, channels)"
                + (" or (pixels, channels, channels)" if self.kind == "untied" else "")
            )

    def _absorb_dense(self, g: torch.Tensor) -> None:
        coordinates = self.weight.shape[0]
        if g.shape == (coordinates, coordinates):
            self.weight.copy_(g @ self.weight)
            return
        channels = g.shape[-1]
        if coordinates % channels or (g.dim() == 3 and len(g) * channels != coordinates):
            raise InvalidInputError(
                f"a rotation given as {tuple(g.shape)} does not act on {coordinates} coordinates"
            )
        blocks = self.weight.view(-1, channels, self.weight.shape[-1])
        blocks.copy_(torch.einsum("pab,pbo->pao", g.expand(len(blocks), -1, -1), blocks))


def first_layer(plan: Plan, parameter: torch.Tensor) -> FirstLayer:
    """Return `parameter`, the first weight of one net of `plan`, viewed by what it reads."""
    layer = _first_weighted(plan.layers)
    if isinstance(layer, Dense):
        return FirstLayer("dense", parameter, None)
    taps = math.prod(layer.windows.filter)
    pixels = torch.tensor(layer.windows.input_positions())
    if isinstance(layer, UntiedConvolution):
        by_unit = parameter.view(-1, layer.out, taps, layer.channels)
        return FirstLayer("untied", by_unit.permute(0, 2, 3, 1), pixels)
    return FirstLayer("tied", parameter.view(taps, layer.channels, layer.out), pixels)


def _first_weighted(layers: Sequence[object]) -> Dense | TiedConvolution | UntiedConvolution:
    for layer in layers:
        if isinstance(layer, (Dense, TiedConvolution, UntiedConvolution)):
            return layer
    raise InvalidInputError("this plan's first layer is not dense, convolutional or locally connected")
