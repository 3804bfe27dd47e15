"""Convolutional net with global average pooling (GAP)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from runners.architectures.abstract import ARCHITECTURES, AbstractConvolution, Level

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@ARCHITECTURES.register("gap")
class GAP(AbstractConvolution):
    """Convolutional net, then global average pooling; O(c)xI_p leaves it invariant at any width."""

    tied: ClassVar[bool] = True

    width: int = 32

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "shared"

    def function_symmetry(self) -> str:
        """Cyclic shifts, where circular padding and unit strides make pooling blind to them."""
        circular = self.padding == "circular" and self.strides == (1, 1) and not self.pools
        return "cyclic-shifts" if circular else "trivial"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan:
        from runners.architectures.plans import convolution_plan

        return convolution_plan(self, shape, n_outputs, readout="pool")
