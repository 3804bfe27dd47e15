"""A gain in words: what was measured, how sure, and where it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curvefit.dimension.intervals import interval, number, probability_of, spell

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain

SURE = 0.95


def describe_gain(gain: SymmetryGain, index: int, probability: float) -> str:
    """Return one sentence on one pair: dimension, data, expectation."""
    pair = gain.pairs[index]
    parts = [
        f"{pair.aligned} against {pair.baseline}: {_dimension(gain, index, probability)}",
        _data(gain, index, probability),
        _sample(gain, index, probability),
    ]
    theory = gain.expectations[index]
    expected = f"theory: dimension {theory.dimension}, sample gain {theory.sample_gain}"
    return "; ".join(part for part in parts if part) + f" ({expected})."


def _dimension(gain: SymmetryGain, index: int, probability: float) -> str:
    draws = gain.dimension_gain[:, index]
    log_gain = np.log(draws)
    p_gain = probability_of(log_gain > 0, log_gain)
    p_same = probability_of(np.abs(log_gain) < gain.rope, log_gain)
    if p_same >= SURE:
        verb = "alignment leaves the effective dimension as it is"
    elif p_gain >= SURE:
        verb = "alignment lowers the effective dimension"
    elif p_gain <= 1 - SURE:
        verb = "the effective dimension is higher"
    else:
        verb = "a change of effective dimension is not established"
    if gain.link.relative:
        amount = f"by a factor {spell(draws, probability)}"
    else:
        pair = gain.pairs[index]
        exponent = gain.fit.parameter("exponent")
        values = [gain.link.dimension(exponent[:, gain.fit.index(t)]) for t in (pair.baseline, pair.aligned)]
        (old, old_low, old_high), (new, new_low, new_high) = (interval(v, probability) for v in values)
        amount = (
            f"from {number(old)} to {number(new)} ({number(old_low)} to {number(old_high)} -> "
            f"{number(new_low)} to {number(new_high)})"
        )
    if "not" in verb or "leaves" in verb:
        amount = f"({amount.removeprefix('by a ').replace(' (', ', ').removesuffix(')')})"
    joined = f"{verb} {amount}"
    return f"{joined}, P(lower) = {p_gain:.2f}"


def _data(gain: SymmetryGain, index: int, probability: float) -> str:
    middle = gain.multiplier.central(index)
    level = 0 if middle is None else middle
    draws = gain.multiplier.at(index, level)
    error = gain.multiplier.levels[index, level]
    if not np.isfinite(error):
        return ""
    reached = np.isfinite(draws) & (draws > 0)
    if reached.mean() < 0.5:
        return f"only one of the two reaches an error of {_error(gain, error)}"
    where = "measured range" if middle is not None else "extrapolated: the measured curves share no error"
    return f"worth a factor {spell(draws[reached], probability)} in data at {_error(gain, error)} ({where})"


def _sample(gain: SymmetryGain, index: int, probability: float) -> str:
    parallel = gain.shift_if_parallel[:, index]
    log_gain = np.log(gain.dimension_gain[:, index])
    p_gain = probability_of(log_gain > 0, log_gain)
    if np.isfinite(parallel).any() and 1 - SURE < p_gain < SURE:
        return f"if the exponents are equal, {spell(parallel, probability)} times the examples at every error"
    return f"sample gain {spell(gain.sample_gain[:, index], probability)} beside it"


def _error(gain: SymmetryGain, error: float) -> str:
    if gain.fit.curves.metric == "error-rate":
        return f"{number(100 * error)} % error"
    return f"{gain.fit.curves.metric} {number(error)}"
