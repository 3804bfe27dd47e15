"""Training of the net's tangent at initialisation: the bridge between finite nets and kernels."""

from __future__ import annotations

from typing import ClassVar

from runners.algorithms.abstract import ALGORITHMS
from runners.algorithms.sgd import SGD


@ALGORITHMS.register("linearised")
class Linearised(SGD):
    """Stochastic gradient descent on the net linearised in its weights at initialisation.

    Features are those of the finite net before training: the empirical tangent kernel. What `sgd` does better
    is feature learning; what the ``ntk`` algorithm does otherwise is finite width.

    References
    ----------
    Lee et al. (2019), arXiv:1902.06720.
    """

    linearised: ClassVar[bool] = True
