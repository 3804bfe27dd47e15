"""Which rotations leave the curve of (model, inference) unchanged: measured, beside what theory says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.difference import compare_curves
from curvefit.dimension.expectations import expect
from curvefit.dimension.intervals import PROBABILITY, ROPE, columns, probability_of
from curvefit.dimension.pairs import Pair, transform_pairs, triplet_facts
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit

DECISION = 0.9
"""Probability at which a curve is called unchanged, or changed."""
FALSE_CHANGES = 0.02
"""Largest share of equal curves that may be called changed: a bound on the p-value of equality."""

THEORY_OF = {"same-curve": "unchanged", "lost-alignment": "may change", "unknown": "unknown"}
"""What an expectation of a data pair says of the curve."""


def invariance_table(
    fit: CurveFit | LearningCurves,
    *,
    reference: Mapping[str, str] | None = None,
    rope: float = ROPE,
    decision: float = DECISION,
    probability: float = PROBABILITY,
) -> pd.DataFrame:
    """Say for every (model, inference) and transform of the data whether the learning curve is unchanged.

    The verdict rests on the data: the mean log error ratio over the sizes and its bend along them
    (`compare_curves`), paired by seed. It is "unchanged" when both lie within the region of practical
    equivalence with probability at least `decision`, "changed" when they do with probability at most
    ``1 - decision`` and equality is refuted at `FALSE_CHANGES` (wide errors alone refute nothing), else
    "undecided". Equality of curves is sharper than equality of exponents, which
    stands beside it.

    Parameters
    ----------
    fit
        A fit, or the curves alone (then the exponent columns are NaN, as for a family without a power law).
    reference
        ``{transformed data label: untransformed label}`` where facts and labels leave a doubt.
    rope
        Half-width of the region of practical equivalence of log error and log exponent.
    decision
        Probability that a verdict asks for.
    probability
        Posterior probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per model, inference and transformed data: data, reference, transform, n_sizes, error_ratio
        (transformed over untransformed, geometric mean over sizes) with bounds, bend, bend_se, p_unchanged, p_value of equality, verdict,
        exponent_ratio with bounds, p_exponent_unchanged, model_symmetry, theory ("unchanged" when the transform's
        group lies in that of (model, inference), "may change" when not, "unknown" without facts), agreement.
        Agreement is "confirmed" or "contradicted" where theory says "unchanged", "allowed" where it lets the curve
        change, whether it did or not (then the data gave no advantage to lose), or "open". The rows keep the order
        of the triplets.

    Raises
    ------
    InvalidInputError
        When no data label is a transform of another.
    """
    curves = fit.curves if isinstance(fit, CurveFit) else fit
    pairs = transform_pairs(curves, reference=reference)
    if not pairs:
        raise InvalidInputError(
            "no data in these curves is a transform of another: the facts name no transform, "
            "or the untransformed data is missing"
        )
    facts = triplet_facts(curves, curves.triplets)
    position = {triplet: i for i, triplet in enumerate(curves.triplets)}
    rows = []
    for pair in pairs:
        known = facts.iloc[position[pair.baseline]]
        measured = _measure(curves, pair, rope=rope, decision=decision, probability=probability)
        believed = _exponents(fit, pair, rope=rope, probability=probability)
        theory = THEORY_OF[expect(curves, pair).kind]
        rows.append(
            {
                "model": pair.baseline.model,
                "inference": pair.baseline.inference,
                "transform": known["transform"],
                "data": pair.baseline.data,
                "reference": pair.aligned.data,
                **measured,
                **believed,
                "model_symmetry": known["model_symmetry"],
                "theory": theory,
                "agreement": _agreement(theory, measured["verdict"]),
            }
        )
    return pd.DataFrame(rows)


def describe_invariance(table: pd.DataFrame) -> list[str]:
    """Return a sentence per (model, inference) of an `invariance_table`, theory's word beside the measurement."""
    sentences = []
    for (model, inference), rows in table.groupby(["model", "inference"], sort=False):
        parts = [
            f"{row.data} {row.verdict} (error x {row.error_ratio:.2f}, {row.error_ratio_low:.2f} to "
            f"{row.error_ratio_high:.2f}; theory: {row.theory}, {row.agreement})"
            for row in rows.itertuples(index=False)
        ]
        symmetry = rows["model_symmetry"].iloc[0]
        group = f", group {symmetry}" if symmetry else ""
        sentences.append(f"{model} | {inference}{group}: " + "; ".join(parts) + ".")
    return sentences


def _measure(
    curves: LearningCurves, pair: Pair, *, rope: float, decision: float, probability: float
) -> dict[str, Any]:
    difference = compare_curves(curves, pair.baseline, pair.aligned)
    p_equal, p_value = difference.probability_equal(rope), difference.p_value()
    ratio, low, high = difference.ratio(probability)
    if p_equal >= decision:
        verdict = "unchanged"
    elif p_equal <= 1 - decision and p_value <= FALSE_CHANGES:
        verdict = "changed"
    else:
        verdict = "undecided"
    return {
        "n_sizes": difference.n_sizes,
        "error_ratio": ratio,
        "error_ratio_low": low,
        "error_ratio_high": high,
        "bend": difference.bend,
        "bend_se": difference.bend_se,
        "p_unchanged": p_equal,
        "p_value": p_value,
        "verdict": verdict,
    }


def _exponents(
    fit: CurveFit | LearningCurves, pair: Pair, *, rope: float, probability: float
) -> dict[str, float]:
    if isinstance(fit, CurveFit) and fit.has_power_law and {pair.baseline, pair.aligned} <= set(fit.triplets):
        exponent = fit.parameter("exponent")
        one, other = (fit.triplets.index(t) for t in (pair.baseline, pair.aligned))
        difference = np.log(exponent[:, one]) - np.log(exponent[:, other])
    else:
        difference = np.array([np.nan])
    return {
        **columns("exponent_ratio", np.exp(difference), probability),
        "p_exponent_unchanged": probability_of(np.abs(difference) < rope, difference),
    }


def _agreement(theory: str, verdict: str) -> str:
    if verdict == "undecided" or theory == "unknown":
        return "open"
    if theory == "unchanged":
        return "confirmed" if verdict == "unchanged" else "contradicted"
    return "allowed"  # theory lets the curve change, so neither verdict could refute it
