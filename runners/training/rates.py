"""Default learning rates: one number per architecture and update rule, for any size and width.

In NTK parameterisation the largest stable rate hardly depends on width or depth; it depends on how
strongly outputs move when all weights do, that is on the scale of the tangent kernel. Global average pooling averages that kernel over
pairs of positions, which makes it smaller and the stable rate larger. In standard parameterisation a
layer's rate acts as ``rate * fan_in / w_std**2`` does in NTK parameterisation, so the default is divided by
the mean of that over layers.
"""

from __future__ import annotations

from runners.architectures.abstract import AbstractArchitecture

PLAIN = 2.0
POOLED = 4.0
UNKNOWN = 0.02
"""Rates at momentum `USUAL_MOMENTUM` of nets without and with global pooling, and of a user's own nets. The first two are
about a third of the largest that trained without trouble on Fashion-MNIST at n = 64 and 1,024."""
USUAL_MOMENTUM = 0.9
ADAPTIVE = {"ntk": 0.03, "standard": 0.001}


def default_rate(
    architecture: AbstractArchitecture,
    shape: tuple[int, int, int],
    n_outputs: int,
    *,
    momentum: float = 0.9,
    adaptive: bool = False,
) -> float:
    """Return the default learning rate.

    Parameters
    ----------
    architecture, shape, n_outputs
        The net.
    momentum
        Of the update rule; the rate is scaled by ``1 - momentum``, so that the pace is the same.
    adaptive
        Whether the rule normalises gradients (Adam).
    """
    if adaptive:
        return ADAPTIVE[architecture.parameterisation]
    plan = architecture.plan(shape, n_outputs)
    if plan is None:
        return round(UNKNOWN * (1 - momentum) / (1 - USUAL_MOMENTUM), 12)
    rate = round((POOLED if plan.pools_globally() else PLAIN) * (1 - momentum) / (1 - USUAL_MOMENTUM), 12)
    if architecture.parameterisation == "ntk":
        return rate
    pace = [1 / weight.std**2 for weight in plan.weights() if weight.name.endswith("weight")]
    return rate * len(pace) / sum(pace)
