"""Locally connected net: a convolution with untied weights and biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from runners.architectures.abstract import ARCHITECTURES, AbstractConvolution, Level

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@ARCHITECTURES.register("lcn")
class LCN(AbstractConvolution):
    """Locally connected net; each location has its own Gaussian filter, which absorbs O(c)^p.

    Parameters
    ----------
    readout
        ``"flatten"`` (the kernel is then exactly VEC's) or ``"pool"`` (global average).
    """

    tied: ClassVar[bool] = False

    width: int = 32
    readout: Literal["flatten", "pool"] = "flatten"

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "per-pixel"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan:
        from runners.architectures.plans import convolution_plan

        return convolution_plan(self, shape, n_outputs, readout=self.readout)
