"""Fully connected net: sees the image as one flat vector."""

from __future__ import annotations

from runners.architectures.abstract import ARCHITECTURES, AbstractArchitecture, Level


@ARCHITECTURES.register("fcn")
class FCN(AbstractArchitecture):
    """Fully connected net; its first layer mixes all c*p inputs, so O(cp) leaves it invariant."""

    width: int = 256

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "all"

    def build(self, shape, n_outputs, *, seed):
        raise NotImplementedError  # TODO(nets)
