"""Convolutional net with a flatten readout (VEC)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from runners.architectures.abstract import ARCHITECTURES, AbstractConvolution, Level

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@ARCHITECTURES.register("vec")
class VEC(AbstractConvolution):
    """Convolutional net, then flatten.

    Finite filters are shared, so only O(c)xI_p leaves it invariant; at infinite width and without pools its
    kernel is LCN's and the group grows to O(c)^p (Novak et al. 2019, arXiv:1810.05148).
    """

    tied: ClassVar[bool] = True

    width: int = 32

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "per-pixel" if infinite_width and not self.pooling else "shared"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan:
        from runners.architectures.plans import convolution_plan

        return convolution_plan(self, shape, n_outputs, readout="flatten")
