"""Architectures: FCN, LCN, VEC, GAP, a residual net and a user's own nets."""

from runners.architectures.abstract import (
    ARCHITECTURES,
    AbstractArchitecture,
    AbstractConvolution,
    AbstractLayeredNet,
)
from runners.architectures.fcn import FCN
from runners.architectures.gap import GAP
from runners.architectures.lcn import LCN
from runners.architectures.module import Module
from runners.architectures.resnet import ResNet
from runners.architectures.vec import VEC

__all__ = [
    "ARCHITECTURES",
    "FCN",
    "GAP",
    "LCN",
    "VEC",
    "AbstractArchitecture",
    "AbstractConvolution",
    "AbstractLayeredNet",
    "Module",
    "ResNet",
]
