"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import ClassVar

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.adam import Adam


@ALGORITHMS.register("adamw")
class AdamW(Adam):
    """Adam whose weight decay shrinks weights directly, beside the adaptive step.

    References
    ----------
    Loshchilov and Hutter (2019), arXiv:1711.05101.
    """

    decoupled: ClassVar[bool] = True
