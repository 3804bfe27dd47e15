"""At which size a curve falls to an error."""

from __future__ import annotations

import numpy as np


def invert(log_sizes: np.ndarray, error: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the log size where each curve first falls to each level, along straight lines in log error against log size.

    Parameters
    ----------
    log_sizes
        ``(sizes,)``, increasing.
    error
        ``(draws, sizes)``, 0 or more. No line leads to an error of 0: a level passed on the way there is reached at its size.
    levels
        ``(levels,)``, positive or NaN.

    Returns
    -------
    numpy.ndarray
        ``(draws, levels)``; infinite where the curve never falls to the level, NaN where it lies below from the first size on.
    """
    with np.errstate(divide="ignore"):
        log_error = np.log(error)
    found = np.full((len(error), len(levels)), np.inf)
    for j, level in enumerate(levels):
        below = error <= level
        reached = below.any(axis=1)
        after = below.argmax(axis=1)
        row = np.flatnonzero(reached & (after > 0))
        right = after[row]
        upper, lower = log_error[row, right - 1], log_error[row, right]
        share = np.where(np.isinf(lower), 1.0, (upper - np.log(level)) / (upper - lower))
        found[row, j] = log_sizes[right - 1] + share * (log_sizes[right] - log_sizes[right - 1])
        found[error[:, 0] == level, j] = log_sizes[0]
        found[error[:, 0] < level, j] = np.nan
        if np.isnan(level):
            found[:, j] = np.nan
    return found
