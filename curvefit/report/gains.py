"""What alignment is worth, for the report: gains over every baseline that the curves offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.report.cells import interval_cell, make_table, probability_cell
from curvefit.report.content import ReportTable
from curvefit.report.tables import source_sentence, with_source
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit

FREEST_MODEL = "fcn"


def gains_of(fit: CurveFit) -> Iterator[tuple[str, SymmetryGain]]:
    """Yield (baseline, gain) for the model without locality and for every transform of the data.

    Baselines that the curves do not offer are left out; nothing is yielded when there is none.
    """
    from curvefit.dimension.gain import symmetry_gain

    for baseline in baselines(fit):
        yield baseline, symmetry_gain(fit, baseline)


def baselines(fit: CurveFit) -> list[str]:
    """Return the baselines that gains can be measured against: a fully connected model, transforms."""
    found = []
    models = {triplet.model for triplet in fit.triplets}
    if FREEST_MODEL in models and len(models) > 1:
        found.append(FREEST_MODEL)
    from curvefit.dimension.pairs import transform_pairs, triplet_facts

    pairs = transform_pairs(fit.curves)
    if pairs:
        facts = triplet_facts(fit.curves, [pair.baseline for pair in pairs])
        found += [str(name) for name in dict.fromkeys(facts["transform"])]
    return found


def gain_frame(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> pd.DataFrame:
    """Return the summary of a gain with the triplets spelled out and the data multiplier beside it."""
    frame = gain.summary(probability)
    triplets = pd.DataFrame([pair.aligned for pair in gain.pairs], columns=list(AXES))
    against = pd.DataFrame(
        [pair.baseline for pair in gain.pairs], columns=[f"baseline_{axis}" for axis in AXES]
    )
    rest = frame.drop(columns=["aligned", "baseline"])
    frame = pd.concat([triplets, against, rest], axis=1).assign(baseline=baseline)
    return with_source(frame.join(_multipliers(gain, probability)), gain.fit.curves)


def gain_table(gain: SymmetryGain, baseline: str, *, probability: float = 0.9) -> ReportTable:
    """Return a row per comparison: dimension gain and sample gain, apart, and what theory expects."""
    frame = gain_frame(gain, baseline, probability=probability)
    return make_table(
        f"gains-{baseline}",
        frame,
        title=f"Gains over {baseline}"
        if gain.pairs[0].changed == "model"
        else f"What a rotation by {baseline} takes away",
        caption="Factors above 1 mean that the first triplet does better than its counterpart ("
        f"{baseline}, all else equal): in the "
        "effective dimension (exponent) and in samples (amplitude), never merged; beside them the data multiplier "
        f"at one error. {probability:.0%} intervals; what the numbers assume is said under Methods. "
        f"{source_sentence(gain.fit.curves)} {_theory_words(frame)}".strip(),
        columns=[
            *((axis, axis, None) for axis in AXES),
            ("dimension_gain", "dimension gain", interval_cell),
            ("p_dimension_gain", "p (gain > 1)", probability_cell),
            ("sample_gain", "sample gain", interval_cell),
            ("multiplier", "data multiplier", interval_cell),
            ("at_error", "at error", None),
            ("theory", "theory", None),
            ("source", "source", None),
        ],
    )


def _theory_words(frame: pd.DataFrame) -> str:
    """Spell out what each kind of expectation in the table means."""
    from curvefit.dimension.expectations import THEORY

    kinds = [kind for kind in dict.fromkeys(frame.get("theory", ())) if kind in THEORY]
    told = (
        f"{kind}: dimension {THEORY[kind][0]}, sample gain {THEORY[kind][1]}; {THEORY[kind][2]}"
        for kind in kinds
    )
    return " ".join(f"Theory, {text}." for text in told)


def _multipliers(gain: SymmetryGain, probability: float) -> pd.DataFrame:
    """Return the multiplier at the middle error that both curves were measured at, a row a pair."""
    tails = [0.5, (1 - probability) / 2, (1 + probability) / 2]
    rows = []
    for i in range(len(gain.pairs)):
        level = gain.multiplier.central(i)
        draws = np.array([]) if level is None else gain.multiplier.at(i, level)
        known = draws[~np.isnan(draws)]
        if level is None or known.size == 0:
            rows.append((np.nan, np.nan, np.nan, np.nan))
            continue
        middle, low, high = np.quantile(known, tails, method="nearest")
        rows.append((middle, low, high, float(gain.multiplier.levels[i, level])))
    return pd.DataFrame(rows, columns=["multiplier", "multiplier_low", "multiplier_high", "at_error"])
