"""Symmetry gain: two numbers, one in the exponent and one in the amplitude, never merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from curvefit.dimension.effective import EffectiveDimension
from curvefit.dimension.expectations import Expectation, expect
from curvefit.dimension.gain_sentences import describe_gain
from curvefit.dimension.intervals import PROBABILITY, ROPE, columns, probability_of
from curvefit.dimension.links import AbstractLink, get_link
from curvefit.dimension.multiplier import DataMultiplier, data_multiplier
from curvefit.dimension.pairs import Pair, baseline_pairs
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit

SUPPORTED = 2.0
"""Posterior sds within which zero must lie before a quantity is conditioned on being zero."""


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryGain:
    """Posterior of what alignment is worth; build it with `symmetry_gain`.

    All gains are factors, one means none, larger means that the aligned triplet does better.

    Parameters
    ----------
    fit
        Where the draws come from.
    pairs
        The comparisons, aligned against baseline.
    link
        How exponents become dimensions.
    dimension_gain
        ``(draws, pairs)``: dimension of the baseline over that of the aligned triplet.
    sample_gain
        ``(draws, pairs)``: horizontal shift between the two power laws where they leave chance (or at the anchor):
        the part of the amplitudes, free of the exponents.
    shift_if_parallel
        ``(draws, pairs)``: the data multiplier given equal exponents, when it is one number at every error, read
        where both curves were measured; NaN where the posterior does not support equal exponents.
    floor_gain
        ``(draws, pairs)``: floor of the baseline minus that of the aligned triplet, in units of the error.
    slope
        ``(draws, pairs)``: rise of the log data multiplier per e-fold of excess error, 1/exponent of the baseline
        minus 1/exponent of the aligned triplet. Near 0: a multiplier of data; above 0: a change of dimension.
    multiplier
        Examples the baseline needs per example of the aligned triplet, by error level.
    expectations
        What theory says of each pair.
    rope
        Half-width of the region of practical equivalence, in log units.
    assumptions
        What the numbers take for granted, a sentence each.
    """

    fit: CurveFit
    pairs: tuple[Pair, ...]
    link: AbstractLink
    dimension_gain: np.ndarray
    sample_gain: np.ndarray
    shift_if_parallel: np.ndarray
    floor_gain: np.ndarray
    slope: np.ndarray
    multiplier: DataMultiplier
    expectations: tuple[Expectation, ...]
    rope: float
    assumptions: tuple[str, ...]

    @property
    def draws(self) -> dict[str, np.ndarray]:
        """The draws of every quantity by name, each ``(draws, pairs)``."""
        names = ("dimension_gain", "sample_gain", "shift_if_parallel", "floor_gain", "slope")
        return {name: getattr(self, name) for name in names}

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row a pair: both gains, slope and floor with intervals, probabilities, theory.

        `p_dimension_gain` is P(dimension gain > 1), `p_dimension_same` that of the region of practical equivalence;
        likewise for the sample gain. `floor_share` is the part of the variance of the log exponent ratio that
        knowing the floors would remove.
        """
        rows = []
        for i, (pair, theory) in enumerate(zip(self.pairs, self.expectations)):
            row: dict[str, Any] = {"aligned": str(pair.aligned), "baseline": str(pair.baseline)}
            for name, draws in self.draws.items():
                row |= columns(name, draws[:, i], probability)
            for name in ("dimension_gain", "sample_gain"):
                log_gain = np.log(self.draws[name][:, i])
                row[f"p_{name}"] = probability_of(log_gain > 0, log_gain)
                row[f"p_{name.replace('gain', 'same')}"] = probability_of(
                    np.abs(log_gain) < self.rope, log_gain
                )
            row["p_slope"] = probability_of(self.slope[:, i] > 0, self.slope[:, i])
            row["floor_share"] = floor_share(self.fit, pair)
            row |= {"theory": theory.kind, "theory_dimension": theory.dimension}
            row |= {"theory_sample_gain": theory.sample_gain}
            rows.append(row)
        return pd.DataFrame(rows)

    def sentences(self, probability: float = PROBABILITY) -> list[str]:
        """Return one sentence a pair."""
        return [describe_gain(self, i, probability) for i in range(len(self.pairs))]

    def __str__(self) -> str:
        return "\n".join(
            [str(self.fit.status), *self.sentences(), *(f"assuming: {a}" for a in self.assumptions)]
        )


def symmetry_gain(
    fit: CurveFit | EffectiveDimension,
    baseline: str = "fcn",
    *,
    link: str | AbstractLink | Mapping[str, Any] | None = None,
    pairs: Sequence[Pair] | None = None,
    levels: Sequence[float] | None = None,
    anchor: float | None = None,
    rope: float = ROPE,
    reference: Mapping[str, str] | None = None,
) -> SymmetryGain:
    """Measure what alignment is worth, aligned against `baseline`: in dimension and in samples, apart.

    Parameters
    ----------
    fit
        A `CurveFit`, or an `EffectiveDimension` (then its link is used).
    baseline
        Label of a model, data or inference; or the name of a transform (``"o-cp"``): then each transformed data is
        the baseline of the same data untransformed.
    link
        As in `effective_dimension`; ``"ratio"`` unless `fit` brings its own.
    pairs
        Comparisons of one's own choice instead of `baseline`.
    levels
        Error levels of the data multiplier.
    anchor
        Excess error (above the floor) at which the sample gain is read; by default the level of chance, where
        the curves start, or the largest common measured error where chance is unknown.
    rope
        Half-width of the region of practical equivalence of log gains.
    reference
        As in `invariance_table`.

    Raises
    ------
    UnknownNameError, InvalidInputError
        When the baseline names nothing, or nothing can be compared with it.
    """
    if isinstance(fit, EffectiveDimension):
        link, fit = fit.link if link is None else link, fit.fit
    chosen = get_link("ratio" if link is None else link)
    if anchor is not None and anchor <= 0:
        raise InvalidInputError(f"anchor must be a positive excess error, not {anchor}")
    compared = tuple(
        pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference)
    )
    base = [fit.index(pair.baseline) for pair in compared]
    aligned = [fit.index(pair.aligned) for pair in compared]
    exponent, floor = fit.parameter("exponent"), fit.parameter("floor")
    log_amplitude = np.log(fit.parameter("amplitude"))
    dimension = np.asarray(chosen.dimension(exponent), dtype=float)
    multiplier = data_multiplier(fit, compared, levels=levels)
    log_start = np.log(anchor) if anchor else _log_start(fit, floor, multiplier, base, aligned)
    log_shift = log_size_at(log_start, exponent[:, base], log_amplitude[:, base]) - log_size_at(
        log_start, exponent[:, aligned], log_amplitude[:, aligned]
    )
    log_ratio = np.log(exponent[:, aligned]) - np.log(exponent[:, base])
    measured = np.stack(
        [_measured_shift(multiplier, i, log_shift[:, i]) for i in range(len(compared))], axis=1
    )
    parallel = np.stack([given_zero(m, r) for m, r in zip(measured.T, log_ratio.T)], axis=1)
    with np.errstate(over="ignore"):
        sample_gain, shift_if_parallel = np.exp(log_shift), np.exp(parallel)
    return SymmetryGain(
        fit,
        compared,
        chosen,
        dimension[:, base] / dimension[:, aligned],
        sample_gain,
        shift_if_parallel,
        floor[:, base] - floor[:, aligned],
        1 / exponent[:, base] - 1 / exponent[:, aligned],
        multiplier,
        tuple(expect(fit.curves, pair) for pair in compared),
        rope,
        (
            *chosen.assumptions(fit.curves.metric),
            f"Each curve follows the {fit.family} family; the sample gain is read "
            + (f"at an excess error of {anchor:g}." if anchor else "where the power laws start from chance."),
            (
                "A gain in the exponent measured over a finite range can be a finite symmetry that has not yet shown its "
                "limit: compare the slope, and the sensitivity to dropping the smallest sizes."
            ),
        ),
    )


def log_size_at(log_excess: Any, exponent: np.ndarray, log_amplitude: np.ndarray) -> np.ndarray:
    """Return the log size at which ``amplitude * n ** -exponent`` equals an excess error."""
    return (log_amplitude - log_excess) / exponent


def given_zero(quantity: np.ndarray, condition: np.ndarray) -> np.ndarray:
    """Return draws of `quantity` given that `condition` is zero, by linear regression of the draws.

    Exact for jointly normal draws; NaN where zero lies more than `SUPPORTED` posterior sds away.
    """
    spread = condition.std()
    if spread == 0:
        return quantity if condition[0] == 0 else np.full_like(quantity, np.nan)
    if abs(condition.mean()) > SUPPORTED * spread:
        return np.full_like(quantity, np.nan)
    slope = np.cov(quantity, condition)[0, 1] / condition.var(ddof=1)
    return quantity - slope * condition


def _measured_shift(multiplier: DataMultiplier, pair: int, log_shift: np.ndarray) -> np.ndarray:
    """Return the log multiplier at the middle measured error, or `log_shift` where there is none for every draw."""
    middle = multiplier.central(pair)
    if middle is None:
        return log_shift
    with np.errstate(divide="ignore"):
        at_middle = np.log(multiplier.at(pair, middle))
    return at_middle if np.isfinite(at_middle).all() else log_shift


def floor_share(fit: CurveFit, pair: Pair) -> float:
    """Return the share of the posterior variance of the log exponent ratio that fixing both floors removes."""
    base, aligned = fit.index(pair.baseline), fit.index(pair.aligned)
    exponent = np.log(fit.parameter("exponent"))
    ratio = exponent[:, aligned] - exponent[:, base]
    floors = fit.parameter("floor")[:, [base, aligned]]
    if ratio.var() == 0 or len(ratio) < 10:
        return float("nan")
    scale = floors.std(axis=0)
    free = scale > 1e-9 * np.abs(floors).mean(axis=0) + 1e-300
    if not free.any():
        return 0.0
    ranks = np.log(np.clip(floors[:, free], 1e-300, None))
    design = np.column_stack([np.ones(len(ratio)), ranks, floors[:, free] / scale[free]])
    fitted = design @ np.linalg.lstsq(design, ratio, rcond=None)[0]
    return float(np.clip(1 - (ratio - fitted).var() / ratio.var(), 0, 1))


def _log_start(
    fit: CurveFit, floor: np.ndarray, multiplier: DataMultiplier, base: list[int], aligned: list[int]
) -> np.ndarray:
    """Return per pair the log of the excess error at which both start: chance, or the largest common level."""
    starts = []
    for i, (one, other) in enumerate(zip(base, aligned)):
        chance = min(fit.chance[one], fit.chance[other])
        if np.isfinite(chance):
            excess = chance - np.median(floor[:, [one, other]])
        else:
            excess = np.nanmax(multiplier.levels[i])
        starts.append(np.log(excess))
    return np.array(starts)
