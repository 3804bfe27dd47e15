r"""Dual activations: what a non-linearity does to the covariance of two Gaussian pre-activations.

For :math:`(u, v)` Gaussian with variances :math:`q_1, q_2` and covariance :math:`k`, `dual` returns
:math:`E[\phi(u)\phi(v)]` and :math:`E[\phi'(u)\phi'(v)]`. All four non-linearities need one inverse sine of
:math:`\rho = k\,a(q_1)\,a(q_2)` and its cosine :math:`s = \sqrt{1 - \rho^2}` (see `find_sine`). Points collinear
within rounding are taken as exactly that, so coincident points carry no square root of rounding noise.

References
----------
Cho and Saul, Kernel Methods for Deep Learning (2009); Williams, Computing with Infinite Networks (1997).
"""

from __future__ import annotations

import math

import torch

from runners.kernels import series
from runners.kernels.plan import Nonlinearity

COINCIDENT = {getattr(torch, name): limit for name, limit in series.COINCIDENT.items()}


def scale(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return a(q), the factor that turns covariances into the correlation the inverse sine needs."""
    if activation.name == "relu":
        return torch.where(q > 0, q.clamp_min(torch.finfo(q.dtype).tiny).rsqrt(), torch.zeros_like(q))
    if activation.name == "erf":
        return (2 / (1 + 2 * q)).sqrt()
    return (1 + q).rsqrt()


def remainder(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return ``1 - q a(q)**2``, computed without cancellation."""
    if activation.name == "relu":
        return torch.zeros_like(q)
    return 1 / (1 + (2 * q if activation.name == "erf" else q))


def find_sine(rho: torch.Tensor, u1: torch.Tensor, u2: torch.Tensor) -> torch.Tensor:
    r"""Return :math:`s = \sqrt{1 - \rho^2}`, given the `remainder` u of both points.

    For erf and GELU rho tends to 1 as variances grow, where ``1 - rho**2`` would cancel. It is

    .. math:: 1 - \rho^2 = (u_1 + u_2 - u_1 u_2) + [(1 - u_1)(1 - u_2) - \rho^2],

    of which only the bracket, 0 for collinear points, holds a difference.
    """
    limit = (1 - u1) * (1 - u2)
    angle = limit - rho.square()
    angle = torch.where(angle > COINCIDENT[rho.dtype] * limit, angle, 0.0)
    return (angle + (u1 + u2 - u1 * u2)).sqrt()


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
    a, root = scale(activation, q1) * scale(activation, q2), q1.sqrt() * q2.sqrt()
    u1, u2 = remainder(activation, q1), remainder(activation, q2)
    rho = a * k
    s = find_sine(rho, u1, u2)
    turn = torch.atan2(rho, s) / (2 * math.pi)
    if activation.name == "relu":
        leak = activation.leak
        derivative = turn + 0.25
        arc = k * derivative + root * s / (2 * math.pi)
        return (1 - leak) ** 2 * arc + leak * k, (1 - leak) ** 2 * derivative + leak
    if activation.name == "erf":
        return 4 * turn, (2 / math.pi) * a / s
    # gelu, x * Phi(x)
    covariance = (rho * rho * a / s + a * root * root * s) / (2 * math.pi) + k * (turn + 0.25)
    slope = ((a / s).square() + (u1 + u2)) * rho / s / (2 * math.pi)
    return covariance, slope + turn + 0.25


def mean(activation: Nonlinearity, q: torch.Tensor) -> torch.Tensor:
    """Return E[phi(u)] for u Gaussian of variance `q` and mean 0."""
    if activation.name == "relu":
        return (1 - activation.leak) * (q / (2 * math.pi)).sqrt()
    if activation.name == "erf":
        return torch.zeros_like(q)
    return q / (2 * math.pi * (1 + q)).sqrt()
