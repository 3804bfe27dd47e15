"""The part of a gain that lies in the amplitudes: a horizontal shift between two power laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curvefit.dimension.conditioning import given_zero
from curvefit.dimension.multiplier import DataMultiplier, measured_sizes
from curvefit.dimension.pairs import Pair
from curvefit.fitting.curve_fit import CurveFit


def log_size_at(log_excess: Any, exponent: np.ndarray, log_amplitude: np.ndarray) -> np.ndarray:
    """Return the log size at which ``amplitude * n ** -exponent`` equals an excess error."""
    return (log_amplitude - log_excess) / exponent


def sample_shift(
    fit: CurveFit, pairs: Sequence[Pair], multiplier: DataMultiplier, anchor: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log of the sample gain, and whether it is read where both curves were measured.

    Parameters
    ----------
    fit, pairs
        What is compared.
    multiplier
        Of the same pairs; its largest level is the anchor where chance is unknown.
    anchor
        Excess error at which to read it; by default the level of chance.

    Returns
    -------
    tuple of numpy.ndarray
        ``(draws, pairs)`` and ``(pairs,)``.
    """
    exponent, floor = fit.parameter("exponent"), fit.parameter("floor")
    with np.errstate(
        invalid="ignore"
    ):  # a draw whose floor lies above chance has no amplitude: NaN, left out of medians
        log_amplitude = np.log(fit.parameter("amplitude"))
    shifts, within = [], []
    for i, pair in enumerate(pairs):
        both = [fit.index(pair.baseline), fit.index(pair.aligned)]
        if anchor is None:
            start = np.nanmin(fit.chance[both]) if np.isfinite(fit.chance[both]).all() else np.nan
            start = start if np.isfinite(start) else np.nanmax(multiplier.levels[i])
            excess = max(start - float(np.median(floor[:, both])), 1e-12)
        else:
            excess = anchor
        log_size = log_size_at(np.log(excess), exponent[:, both], log_amplitude[:, both])
        shifts.append(log_size[:, 0] - log_size[:, 1])
        inside = [
            sizes[0] <= middle <= sizes[-1]
            for middle, sizes in zip(
                np.exp(np.nanmedian(log_size, axis=0)),
                (measured_sizes(fit, triplet) for triplet in (pair.baseline, pair.aligned)),
            )
        ]
        within.append(all(inside))
    return np.stack(shifts, axis=1), np.array(within)


def shift_if_parallel(fit: CurveFit, pairs: Sequence[Pair], log_multiplier: np.ndarray) -> np.ndarray:
    """Return the log data multiplier given equal exponents, when it is one number at every error.

    Parameters
    ----------
    fit, pairs
        What is compared.
    log_multiplier
        ``(draws, pairs)``: where both curves were measured, so that the shift leans on data.

    Returns
    -------
    numpy.ndarray
        ``(draws, pairs)``; NaN where the posterior does not support equal exponents.
    """
    exponent = np.log(fit.parameter("exponent"))
    given = []
    for i, pair in enumerate(pairs):
        log_ratio = exponent[:, fit.index(pair.aligned)] - exponent[:, fit.index(pair.baseline)]
        given.append(given_zero(log_multiplier[:, i], log_ratio))
    return np.stack(given, axis=1)
