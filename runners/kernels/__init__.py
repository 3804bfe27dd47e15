"""Infinite-width kernels (NNGP and NTK) of nets with equal hidden layers, and regression with them."""

from runners.kernels.gram import Kernels, nngp_ntk
from runners.kernels.plan import KernelPlan
from runners.kernels.reading import plan_kernel
from runners.kernels.tiles import TileProgress

__all__ = ["KernelPlan", "Kernels", "TileProgress", "nngp_ntk", "plan_kernel"]
