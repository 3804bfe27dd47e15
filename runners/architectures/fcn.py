"""Fully connected net: sees the image as one flat vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.architectures.abstract import ARCHITECTURES, AbstractLayeredNet, Level

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@ARCHITECTURES.register("fcn")
class FCN(AbstractLayeredNet):
    """Fully connected net; its first layer mixes all c*p inputs, so O(cp) leaves it invariant."""

    width: int = 256

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "all"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan:
        from runners.architectures.plans import dense_plan

        return dense_plan(self, shape, n_outputs)
