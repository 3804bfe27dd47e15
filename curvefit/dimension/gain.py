"""Symmetry gain: two numbers, one in the exponent and one in the amplitude, never merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.dimension.baselines import baseline_pairs, choose_baseline
from curvefit.dimension.conditioning import floor_share
from curvefit.dimension.effective import EffectiveDimension, need_power_law
from curvefit.dimension.expectations import Expectation, expect
from curvefit.dimension.gain_sentences import describe_gain
from curvefit.dimension.intervals import (
    PROBABILITY,
    ROPE,
    cell,
    columns,
    gain_probabilities,
    interval,
    number,
    probability_of,
)
from curvefit.dimension.links import Link, get_link
from curvefit.dimension.multiplier import DataMultiplier, data_multiplier
from curvefit.dimension.pairs import Pair, pair_coords
from curvefit.dimension.sample_shift import sample_shift, shift_if_parallel
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws

if TYPE_CHECKING:
    import arviz as az

MOST_DRAWS = 4000
"""Draws of a fit that curves are followed in: every one is inverted at every error."""


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryGain(Saveable):
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
    sample_within
        ``(pairs,)``: whether that is at sizes that both curves were measured at, or an extrapolation.
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
    link: Link
    dimension_gain: np.ndarray
    sample_gain: np.ndarray
    sample_within: np.ndarray
    shift_if_parallel: np.ndarray
    floor_gain: np.ndarray
    slope: np.ndarray
    multiplier: DataMultiplier
    expectations: tuple[Expectation, ...]
    rope: float
    assumptions: tuple[str, ...]

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: every quantity over (chain, draw, pair)."""
        return labelled_draws(
            self.quantities,
            {name: ["pair"] for name in self.quantities},
            chains=self.fit.n_chains,
            coords=pair_coords(self.pairs),
        )

    @property
    def quantities(self) -> dict[str, np.ndarray]:
        """The draws of every quantity by name, each ``(draws, pairs)``."""
        names = ("dimension_gain", "sample_gain", "shift_if_parallel", "floor_gain", "slope")
        return {name: getattr(self, name) for name in names}

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row a pair: both gains, slope and floor with intervals, probabilities, theory.

        `defined` is the share of draws for which the link gives both dimensions: intervals leave the others out,
        probabilities count them against every claim.
        `p_dimension_gain` is P(dimension gain > 1), `p_dimension_same` that of the region of practical equivalence;
        likewise for the sample gain, which `sample_range` marks as measured or extrapolated. `floor_share` is the part of
        the variance of the log exponent ratio that knowing the floors would remove. `agreement` compares the dimension
        (of a wrong group: and the floor) with theory, as in `Expectation.agreement`.
        """
        rows = []
        for i, (pair, theory) in enumerate(zip(self.pairs, self.expectations)):
            row: dict[str, Any] = {"aligned": str(pair.aligned), "baseline": str(pair.baseline)}
            for name, draws in self.quantities.items():
                row |= columns(name, draws[:, i], probability)
            row["defined"] = self.defined(i)
            for name in ("dimension_gain", "sample_gain"):
                p = gain_probabilities(self.quantities[name][:, i], self.rope)
                row |= {f"p_{name}": p.more, f"p_{name.replace('gain', 'same')}": p.same}
            row["sample_range"] = "interpolation" if self.sample_within[i] else "extrapolation"
            row["p_slope"] = probability_of(self.slope[:, i] > 0, self.slope[:, i])
            row["floor_share"] = floor_share(self.fit, pair)
            row |= {"theory": theory.kind, "theory_dimension": theory.dimension}
            row |= {"theory_sample_gain": theory.sample_gain, "agreement": self.agreement(i)}
            rows.append(row)
        return pd.DataFrame(rows)

    def overview(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return a table to read, a row a pair: both gains, the data multiplier at a middle error, theory's word."""
        rows = []
        for i, (pair, theory) in enumerate(zip(self.pairs, self.expectations)):
            p = gain_probabilities(self.dimension_gain[:, i], self.rope)
            middle = self.multiplier.central(i)
            at_middle = np.array([]) if middle is None else self.multiplier.at(i, middle)
            rows.append(
                {
                    "comparison": str(pair),
                    "dimension gain": cell(*interval(self.dimension_gain[:, i], probability)),
                    "defined": round(self.defined(i), 2),
                    "p (gain > 1)": round(p.more, 2),
                    "p (same)": round(p.same, 2),
                    "sample gain": cell(*interval(self.sample_gain[:, i], probability)),
                    "data multiplier": cell(*interval(at_middle, probability)),
                    "at error": "" if middle is None else number(self.multiplier.levels[i, middle]),
                    "theory": theory.kind,
                    "agreement": self.agreement(i),
                }
            )
        return pd.DataFrame(rows)

    def defined(self, index: int) -> float:
        """Return the share of draws for which the link gives one pair both of its dimensions."""
        return float(np.isfinite(self.dimension_gain[:, index]).mean())

    def agreement(self, index: int) -> str:
        """Return how one pair's dimension, and its floor, compare with theory."""
        return self.expectations[index].agreement(
            self.dimension_gain[:, index], self.floor_gain[:, index], rope=self.rope
        )

    def sentences(self, probability: float = PROBABILITY) -> list[str]:
        """Return one sentence a pair."""
        return [describe_gain(self, i, probability) for i in range(len(self.pairs))]

    def __str__(self) -> str:
        lines = [str(self.fit.status), *self.fit.notes, *self.sentences()]
        return "\n".join([*lines, *(f"assuming: {a}" for a in self.assumptions)])


def symmetry_gain(
    fit: CurveFit | EffectiveDimension,
    baseline: str | None = None,
    *,
    link: str | Link | Mapping[str, Any] | None = None,
    pairs: Sequence[Pair] = (),
    levels: Sequence[float] | None = None,
    anchor: float | None = None,
    rope: float = ROPE,
    reference: Mapping[str, str] | None = None,
) -> SymmetryGain:
    """Measure what alignment is worth, aligned against `baseline`: in dimension and in samples, apart.

    Parameters
    ----------
    fit
        A `CurveFit`, or an `EffectiveDimension` (then its link is used); at most `MOST_DRAWS` of its draws are followed.
    baseline
        Label of a model, data or inference; or the name of a transform (``"o-cp"``): then each transformed data is
        the baseline of the same data untransformed. By default what `choose_baseline` finds, said in the assumptions.
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
    need_power_law(fit)
    fit = fit.thinned(MOST_DRAWS)
    chosen = get_link("ratio" if link is None else link)
    if anchor is not None and anchor <= 0:
        raise InvalidInputError(f"anchor must be a positive excess error, not {anchor}")
    why: tuple[str, ...] = ()
    if baseline is None and not pairs:
        baseline, reason = choose_baseline(fit.curves, fit.triplets, reference=reference)
        why = (reason,)
    compared = tuple(
        pairs or baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference)
    )
    base = [fit.index(pair.baseline) for pair in compared]
    aligned = [fit.index(pair.aligned) for pair in compared]
    exponent, floor = fit.parameter("exponent"), fit.parameter("floor")
    dimension = np.asarray(chosen.dimension(exponent), dtype=float)
    multiplier = data_multiplier(fit, pairs=compared, levels=levels)
    log_shift, within = sample_shift(fit, compared, multiplier, anchor)
    parallel = shift_if_parallel(fit, compared, _log_where_measured(multiplier, log_shift))
    with np.errstate(over="ignore"):
        sample_gain, parallel_gain = np.exp(log_shift), np.exp(parallel)
    return SymmetryGain(
        fit,
        compared,
        chosen,
        dimension[:, base] / dimension[:, aligned],
        sample_gain,
        within,
        parallel_gain,
        floor[:, base] - floor[:, aligned],
        1 / exponent[:, base] - 1 / exponent[:, aligned],
        multiplier,
        tuple(expect(fit.curves, pair) for pair in compared),
        rope,
        (*why, *_assumptions(fit, chosen, anchor)),
    )


def _assumptions(fit: CurveFit, link: Link, anchor: float | None) -> tuple[str, ...]:
    where = f"at an excess error of {anchor:g}" if anchor else "where the power laws start from chance"
    if anchor is None and not np.isfinite(fit.chance).all():
        where = "at the largest error that both curves were measured at"
    return (
        *link.assumptions(fit.curves.metric),
        f"every curve ends in the power law of the {fit.family} family; the sample gain is read {where}.",
        (
            "a gain in the exponent over a finite range can be a finite symmetry that has not yet shown its limit: compare "
            "the slope, and the sensitivity to dropping the smallest sizes."
        ),
        *_pooling_note(fit),
    )


def _pooling_note(fit: CurveFit) -> tuple[str, ...]:
    if "log_scale" not in fit.draws["posterior"]:
        return ()
    return (
        (
            "curves inform each other (partial pooling): an exponent that its own sizes leave open is drawn to those of its "
            "data, model and inference."
        ),
    )


def _log_where_measured(multiplier: DataMultiplier, log_shift: np.ndarray) -> np.ndarray:
    """Return the log multiplier at each pair's middle measured error, or its shift where draws miss that error."""
    found = log_shift.copy()
    for i in range(len(multiplier.pairs)):
        middle = multiplier.central(i)
        if middle is not None and multiplier.reached(i, middle) == 1:
            found[:, i] = np.log(multiplier.at(i, middle))
    return found
