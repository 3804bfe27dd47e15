"""What all stages of the density are made of: how they are compiled, and functions of a few numbers with their derivatives."""

from __future__ import annotations

import math

import numba

from curvefit.families.abstract import ROOT_WIDTH
from curvefit.fitting.ridge import DEGREE

#: For functions that only bodies of `Native` call, which keep them compiled: numba's own cache would not see changes in other files.
compiled = numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
LOG_2PI = math.log(2.0 * math.pi)


@compiled
def normal(residual, sd):
    """Return the log density of a normal at `residual` from its mean."""
    return -0.5 * ((residual / sd) ** 2 + LOG_2PI) - math.log(sd)


@compiled
def student_steps(x, freedom, to_x):
    """Return the log density of independent Student-t variables of scale 1; add its derivatives."""
    half = 0.5 * (freedom + 1.0)
    total = len(x) * (math.lgamma(half) - math.lgamma(0.5 * freedom) - 0.5 * math.log(freedom * math.pi))
    for i in range(len(x)):
        total -= half * math.log1p(x[i] * x[i] / freedom)
        to_x[i] -= 2.0 * half * x[i] / (freedom + x[i] * x[i])
    return total


@compiled
def softplus(root):
    """Return the softly positive root and its derivative (see `ParamSpec.constrain`)."""
    scaled = root / ROOT_WIDTH
    tail = math.exp(-abs(scaled))
    slope = 1.0 / (1.0 + tail) if scaled > 0 else tail / (1.0 + tail)
    return ROOT_WIDTH * (max(scaled, 0.0) + math.log1p(tail)), slope


@compiled
def level_at(root, centre, width):
    """Return the level of a floor along the ridge and its derivative by the estimated root (see `Ridge.level`)."""
    soft, slope = softplus(root)
    level = (soft * soft - centre) / width
    if level < -1.0 or level > 1.0:
        return min(max(level, -1.0), 1.0), 0.0
    return level, 2.0 * soft * slope / width


@compiled
def polynomial(coefficients, first, at):
    """Return a polynomial of degree `DEGREE`, whose coefficients begin at `first`, and its derivative."""
    value, slope = coefficients[first + DEGREE], 0.0
    for power in range(first + DEGREE - 1, first - 1, -1):
        slope = slope * at + value
        value = value * at + coefficients[power]
    return value, slope
