r"""Dual activations: what a non-linearity does to the covariance of two Gaussian pre-activations.

For :math:`(u, v)` Gaussian with variances :math:`q_1, q_2` and covariance :math:`k`, `dual` returns
:math:`E[\phi(u)\phi(v)]` and :math:`E[\phi'(u)\phi'(v)]`. All four non-linearities need one inverse sine of
:math:`\rho = k\,a(q_1)\,a(q_2)`; :math:`\rho` within rounding of :math:`\pm 1` is taken as exactly that, so
coincident points carry no square root of rounding noise.

References
----------
Cho and Saul, Kernel Methods for Deep Learning (2009); Williams, Computing with Infinite Networks (1997).
"""

from __future__ import annotations

import math

import torch

from runners.kernels.plan import Nonlinearity

COINCIDENT = {torch.float64: 4e-15, torch.float32: 2e-6}
"""Largest 1 - rho**2 that counts as coincident points, by dtype."""


def scale(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return a(q), the factor that turns covariances into the correlation the inverse sine needs."""
    if activation.name == "relu":
        return torch.where(q > 0, q.clamp_min(torch.finfo(q.dtype).tiny).rsqrt(), torch.zeros_like(q))
    if activation.name == "erf":
        return (2 / (1 + 2 * q)).sqrt()
    return (1 + q).rsqrt()


def root(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return the factor of which products of two scale what the activation adds (see `loops.activate`)."""
    return q.sqrt() if activation.name == "relu" else q


def dual(
    activation: Nonlinearity, k: torch.Tensor, q1: torch.Tensor, q2: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the covariances of activations and of their derivatives.

    Parameters
    ----------
    activation
        The non-linearity.
    k, q1, q2
        Covariance and the two variances of the pre-activations; shapes that broadcast.

    References
    ----------
    Cho & Saul 2009 (ReLU, of which leaky ReLU is an affine image); Williams 1997 (erf); Tsuchida, Pearce,
    van der Heide, Roosta, Gallagher, arXiv:2002.08517 (GELU).
    """
    a = scale(activation, q1) * scale(activation, q2)
    rho = (k * a).clamp(-1, 1)
    s2 = (1 - rho) * (1 + rho)
    if activation.name == "relu":
        coincident = s2 < COINCIDENT[k.dtype]
        s2 = torch.where(coincident, torch.zeros_like(s2), s2)
        rho = torch.where(coincident, rho.sign(), rho)
    s = s2.sqrt()
    turn = torch.asin(rho) / (2 * math.pi)
    if activation.name == "relu":
        leak = activation.leak
        derivative = turn + 0.25
        arc = k * derivative + (q1.sqrt() * q2.sqrt()) * s / (2 * math.pi)
        return (1 - leak) ** 2 * arc + leak * k, (1 - leak) ** 2 * derivative + leak
    if activation.name == "erf":
        return 4 * turn, (2 / math.pi) * a / s
    # gelu, x * Phi(x)
    delta = s / a
    shrink = a * a
    product = q1 * q2
    covariance = (k * k / delta + product * delta) * shrink / (2 * math.pi) + k * (turn + 0.25)
    slope = (1 / (delta * delta) + (1 - product) * shrink + 1) * k / delta / (2 * math.pi)
    return covariance, slope + turn + 0.25


def mean(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return E[phi(u)] for u Gaussian of variance `q` and mean 0."""
    if activation.name == "relu":
        return (1 - activation.leak) * (q / (2 * math.pi)).sqrt()
    if activation.name == "erf":
        return torch.zeros_like(q)
    return q / (2 * math.pi * (1 + q)).sqrt()
