"""Architectures: FCN, LCN, VEC, GAP and a user's own nets."""

from runners.architectures.abstract import ARCHITECTURES, AbstractArchitecture, AbstractConvolution
from runners.architectures.fcn import FCN
from runners.architectures.gap import GAP
from runners.architectures.lcn import LCN
from runners.architectures.vec import VEC

__all__ = ["ARCHITECTURES", "FCN", "GAP", "LCN", "VEC", "AbstractArchitecture", "AbstractConvolution"]
