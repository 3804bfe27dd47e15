"""The bend: a distortion of small sizes that all curves share, so that exponents allow for a law not yet asymptotic."""

from __future__ import annotations

from typing import Any


def warp_size(xp: Any, n: Any, ratio: Any, size: Any) -> Any:
    """Return the size at which the undistorted law is read.

    Far above `size` it is n itself, far below it grows as ``n ** ratio``: a curve whose late exponent is a has the
    exponent ``ratio * a`` early on. One break of fixed sharpness, the same for all curves, because no curve alone
    can tell a break from its floor.

    Parameters
    ----------
    xp
        Array namespace, `numpy` or `pytensor.tensor`.
    n
        Training-set sizes.
    ratio, size
        Early exponent over late exponent, and the size in between.
    """
    log_n = xp.log(n)
    return xp.exp(log_n + 0.5 * (1.0 - ratio) * xp.log1p((size / n) ** 2))
