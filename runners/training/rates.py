"""Default learning rates: one number per architecture, loss and update rule, for any size and width.

In NTK parameterisation the largest stable rate hardly depends on width; it falls with the largest
eigenvalue of the tangent kernel, which is a sum over layers. Global average pooling averages
that kernel over pairs of positions, which makes it smaller and the stable rate larger. In standard
parameterisation a layer's rate acts as ``rate * fan_in / w_std**2`` does in NTK parameterisation, so the
default is divided by the mean of that over layers.
"""

from __future__ import annotations

from runners.architectures.abstract import AbstractArchitecture
from runners.training.losses import LossName

PLAIN = 0.2
POOLED = 0.4
UNKNOWN = 0.002
"""Rates for squared error at momentum `USUAL_MOMENTUM`: of nets without and with global pooling, and of a user's own
nets. The first two, as cross-entropy takes them, are about a third of the largest that trained without trouble on Fashion-MNIST
at n = 64 and 1,024."""
USUAL_MOMENTUM = 0.9
MANY_POSITIONS = 16
"""Averaging over at least so many positions counts as global pooling."""
USUAL_LAYERS = 3
"""The tangent kernel is a sum over layers with weights: more of them than this lower the rate in proportion."""
MOST_CLASSES = 10
"""Cross-entropy over k classes curves k times less than squared error at initialisation: its rate is k
times larger, up to this."""
ADAPTIVE = {"ntk": 0.03, "standard": 0.001}


def default_rate(
    architecture: AbstractArchitecture,
    shape: tuple[int, int, int],
    n_outputs: int,
    *,
    loss: LossName = "cross-entropy",
    momentum: float = 0.9,
    adaptive: bool = False,
) -> float:
    """Return the default learning rate.

    Parameters
    ----------
    architecture, shape, n_outputs
        The net.
    loss
        Training loss.
    momentum
        Of the update rule: heavy-ball momentum allows rates larger by ``1 + momentum``.
    adaptive
        Whether the rule normalises gradients (Adam).
    """
    parameterisation = getattr(architecture, "parameterisation", "standard")
    if adaptive:
        return ADAPTIVE[parameterisation]
    plan = architecture.plan(shape, n_outputs)
    if plan is None:
        base = UNKNOWN
    else:
        base = POOLED if plan.pooled_positions() >= MANY_POSITIONS else PLAIN
        base *= min(1.0, USUAL_LAYERS / plan.count_layers())
    classes = min(n_outputs, MOST_CLASSES) if loss == "cross-entropy" else 1
    rate = round(base * classes * (1 + momentum) / (1 + USUAL_MOMENTUM), 12)
    if plan is None or parameterisation == "ntk":
        return rate
    pace = [1 / weight.std**2 for weight in plan.weights() if weight.name.endswith("weight")]
    return rate * len(pace) / sum(pace)
