"""Residual convolutional net with a pooled or a flat readout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt, model_validator

from runners.architectures.abstract import ARCHITECTURES, AbstractLayeredNet, Level, Padding

if TYPE_CHECKING:
    from runners.architectures.plan import Plan


@ARCHITECTURES.register("resnet")
class ResNet(AbstractLayeredNet):
    """Wide residual net without normalisation: a stem, stages of two-layer blocks, a readout.

    Every stage after the first halves the image and doubles the channels. Branch and shortcut are averaged so that the
    variance at initialisation stays; the stem has `filter` x `filter` filters, so its symmetry is a
    convolution's. `depth` counts the blocks of a stage.

    Parameters
    ----------
    stages
        Stages; the last has ``width * 2 ** (stages - 1)`` channels.
    filter
        Side of all filters but the shortcuts'.
    padding
        ``"circular"`` or ``"same"`` (zeros).
    readout
        ``"pool"`` (global average) or ``"flatten"``.

    References
    ----------
    He et al. (2016), arXiv:1603.05027; Zagoruyko and Komodakis (2016), arXiv:1605.07146.
    """

    depth: PositiveInt = 1
    width: PositiveInt = 16
    stages: PositiveInt = 3
    filter: PositiveInt = 3
    padding: Padding = "circular"
    readout: Literal["pool", "flatten"] = "pool"

    @model_validator(mode="after")
    def _check(self) -> ResNet:
        if self.padding == "valid":
            raise ValueError("padding must be 'circular' or 'same': a shortcut needs images of equal size")
        return self

    def symmetry_level(self, *, infinite_width: bool) -> Level:
        return "per-pixel" if infinite_width and self.readout == "flatten" else "shared"

    def function_symmetry(self) -> str:
        """Cyclic shifts, where circular padding, one stage and pooling make the net blind to them."""
        blind = self.readout == "pool" and self.padding == "circular" and self.stages == 1
        return "cyclic-shifts" if blind else "trivial"

    def plan(self, shape: tuple[int, int, int], n_outputs: int) -> Plan:
        from runners.architectures.plans import residual_plan

        return residual_plan(self, shape, n_outputs)
