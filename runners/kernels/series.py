r"""Series of the inverse sine that the fused engines evaluate.

All four non-linearities need ``turn = asin(rho) / 2 pi`` and ``s = sqrt(1 - rho**2)`` (`activations.find_sine`).
ReLU and GELU compute ``turn = sign(rho) * (1/4 - s * Q(|rho|))``, where ``Q(a) = acos(a) / (2 pi sqrt(1 - a**2))``
is smooth on [0, 1], end points included: a Chebyshev expansion in ``2 a - 1`` of degree 19 holds it to 1e-16
(float64), one of degree 8 to 3e-8 (float32), and one square root serves both. Of erf the turn is the whole kernel,
and is to be as accurate where it is small: ``turn = z * P(z**2)`` with ``z = rho / (1 + s)``, the tangent of half
the angle, and ``P(y) = atan(sqrt(y)) / (pi sqrt(y))``, expanded in ``2 y - 1`` to the same degrees.
"""

from __future__ import annotations

import math

import numpy as np

SERIES = {
    "float64": (
        0.1924500897298752, -0.04195326548463835, 0.011098382212666954, -0.00315717998956199,
        0.0009329072256969583, -0.00028217032813277447, 8.670347612804312e-05, -2.6946517034471602e-05,
        8.446922397281355e-06, -2.6656980916204018e-06, 8.458690698679943e-07, -2.6958654286042334e-07,
        8.607124059128038e-08, -2.760190456809793e-08, 9.110611029660185e-09, -2.9535181513320625e-09,
        7.591422478082186e-10, -2.38092390827028e-10, 1.6911943723685258e-10, -5.653514972221603e-11,
    ),
    "float32": (
        0.19245009194461843, -0.04195314411228961, 0.011098272749785717, -0.003158772764843887,
        0.0009337679552809396, -0.00027658531672992623, 8.436129094639587e-05, -3.401194901885343e-05,
        1.0975267620580831e-05,
    ),
}  # fmt: skip
ERF_SERIES = {
    "float64": (
        0.277063211989786, -0.03242831060029608, 0.006637350384457387, -0.0016013736391004057,
        0.00041876401384319294, -0.00011490416704382599, 3.2555641148915246e-05, -9.437901094499867e-06,
        2.7835964121097933e-06, -8.320851476377542e-07, 2.514366152216744e-07, -7.664898580057905e-08,
        2.3503885629658475e-08, -7.259326124089758e-09, 2.3030814194297313e-09, -7.220880275676755e-10,
        1.8562145829150597e-10, -5.6747229334952444e-11, 3.704400776475577e-11, -1.2065702435690376e-11,
    ),
    "float32": (
        0.27706321263229355, -0.03242827359229432, 0.0066373185990679946, -0.0016018599766361844,
        0.00041901429606788424, -0.00011319489569461762, 3.187301943052701e-05, -1.1610286720148817e-05,
        3.5238698606730877e-06,
    ),
}  # fmt: skip
COINCIDENT = {"float64": 4e-15, "float32": 2e-6}
"""Largest ``1 - k**2 / (q1 q2)`` that counts as collinear points, by precision."""
KINDS = {"relu": 0, "erf": 1, "gelu": 2}
"""Numbers of the activations in compiled code."""


def choose_series(activation: str, dtype: str) -> tuple[float, ...]:
    """Return the coefficients from which an activation's inverse sine is computed."""
    return (ERF_SERIES if activation == "erf" else SERIES)[dtype]


def loop_constants(activation: str, dtype: str) -> tuple:
    """Return (series, numbers) in the precision `dtype`, which the loops take as arguments.

    The numbers are 1, 1/2, 1/4, 1/(2 pi), 4, 2/pi and the coincidence threshold: literals in the loops
    would turn single into double precision.
    """
    kind = np.dtype(dtype).type
    numbers = (1.0, 0.5, 0.25, 1 / (2 * math.pi), 4.0, 2 / math.pi, COINCIDENT[dtype])
    return tuple(kind(c) for c in choose_series(activation, dtype)), tuple(kind(c) for c in numbers)
