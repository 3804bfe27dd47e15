"""A gain in words: what was measured, how sure, where it holds, and what theory says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curvefit.dimension.expectations import SURE
from curvefit.dimension.intervals import gain_probabilities, interval, number, probability_of, spell

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain

MODEST_REACH = 0.5


def describe_gain(gain: SymmetryGain, index: int, probability: float) -> str:
    """Return one sentence on one pair: dimension, data, samples, floor, and theory beside them."""
    pair, theory = gain.pairs[index], gain.expectations[index]
    which = f" of {theory.group}" if "group" in theory.kind else ""
    clauses = [
        f"{_dimension(gain, index, probability)}, {_data(gain, index, probability)}",
        _sample(gain, index, probability),
        _floor(gain, index, probability),
        f"theory{which}: dimension {theory.dimension}, sample gain {theory.sample_gain} ({gain.agreement(index)})",
    ]
    return f"{pair}: " + "; ".join(clause for clause in clauses if clause) + "."


def _subject(gain: SymmetryGain, index: int) -> str:
    pair, theory = gain.pairs[index], gain.expectations[index]
    subjects = {
        "wrong-group": f"{theory.group}, which this data is not known to have,",
        "wrong-group-of-baseline": f"doing without {theory.group}, which this data is not known to have,",
        "fewer-copies": f"the smaller group {theory.group} of (model, inference)",
        "same-curve": f"undoing a rotation by {theory.group} inside the group",
        "lost-alignment": f"undoing a rotation by {theory.group} outside the group",
        "unknown": f"{pair.members('aligned')} instead of {pair.members('baseline')}",
    }
    return subjects.get(theory.kind, "alignment")


def _dimension(gain: SymmetryGain, index: int, probability: float) -> str:
    draws = gain.dimension_gain[:, index]
    p = gain_probabilities(draws, gain.rope)
    if p.same >= SURE:
        verb = "leaves the effective dimension as it is,"
    elif p.more >= SURE:
        verb = "lowers the effective dimension"
    elif p.less >= SURE:
        verb = "raises the effective dimension"
    else:
        verb = "is not shown to change the effective dimension,"
    by = "by " if gain.link.relative and not verb.endswith(",") else ""
    sure = f"P(lower) = {p.more:.2f}, P(same within a factor {np.exp(gain.rope):.2g}) = {p.same:.2f}"
    lost = 1 - gain.defined(index)
    if lost > 0:
        sure += f"; {lost:.1%} of the draws have no dimension through this link"
    return f"{_subject(gain, index)} {verb} {by}{_amount(gain, index, probability)} [{sure}]"


def _amount(gain: SymmetryGain, index: int, probability: float) -> str:
    """Return from which dimension to which, or by what factor where the link knows ratios only."""
    pair, draws = gain.pairs[index], gain.dimension_gain[:, index]
    if gain.link.relative:
        risen = gain_probabilities(draws, gain.rope).less >= SURE
        return f"a factor {spell(1 / draws if risen else draws, probability)}"
    exponent = gain.fit.parameter("exponent")
    (old, old_low, old_high), (new, new_low, new_high) = (
        interval(gain.link.dimension(exponent[:, gain.fit.index(t)]), probability)
        for t in (pair.baseline, pair.aligned)
    )
    return (
        f"from {number(old)} to {number(new)} ({number(old_low)} to {number(old_high)} -> "
        f"{number(new_low)} to {number(new_high)})"
    )


def _data(gain: SymmetryGain, index: int, probability: float) -> str:
    middle = gain.multiplier.central(index)
    level = 0 if middle is None else middle
    error = gain.multiplier.levels[index, level]
    if not np.isfinite(error):
        return "worth in data unknown"
    if gain.multiplier.reached(index, level) < MODEST_REACH:
        return f"only one of the two reaches an error of {_error(gain, error)}"
    draws = gain.multiplier.at(index, level)
    p = gain_probabilities(draws)
    where = "" if middle is not None else " (extrapolated: the measured curves share no error)"
    if p.more >= SURE:
        return f"worth a factor {spell(draws, probability)} in data at {_error(gain, error)}{where}"
    if p.less >= SURE:
        with np.errstate(divide="ignore"):
            factor = spell(1 / draws, probability)
        return f"at the cost of a factor {factor} in data at {_error(gain, error)}{where}"
    return f"data multiplier {spell(draws, probability)} at {_error(gain, error)}{where}"


def _sample(gain: SymmetryGain, index: int, probability: float) -> str:
    parallel = gain.shift_if_parallel[:, index]
    p = gain_probabilities(gain.dimension_gain[:, index], gain.rope)
    if np.isfinite(parallel).any() and max(p.more, p.less) < SURE:
        return (
            f"if the exponents are equal, one example is worth {spell(parallel, probability)} at every error"
        )
    where = "" if gain.sample_within[index] else " (extrapolated)"
    return f"beside it a sample gain of {spell(gain.sample_gain[:, index], probability)}{where}"


def _floor(gain: SymmetryGain, index: int, probability: float) -> str:
    """Return by how much the floor differs, where it surely does."""
    lower = gain.floor_gain[:, index]
    p_lower = probability_of(lower > 0, lower)
    if 1 - SURE < p_lower < SURE or not lower.any():
        return ""
    if p_lower >= SURE:
        return f"its floor is {spell(lower, probability)} lower"
    plateau = ", a plateau" if gain.expectations[index].kind == "wrong-group" else ""
    return f"its floor is {spell(-lower, probability)} higher{plateau}"


def _error(gain: SymmetryGain, error: float) -> str:
    if gain.fit.curves.metric == "error-rate":
        return f"{number(100 * error)} % error"
    return f"{gain.fit.curves.metric} {number(error)}"
