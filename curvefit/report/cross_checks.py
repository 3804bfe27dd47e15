"""Least squares beside the posterior: a cross-check that shares neither priors, pooling nor sampler with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.curves.fittable import curve_means
from curvefit.dimension.effective import need_power_law
from curvefit.fitting.intervals import interval_columns
from curvefit.fitting.least_squares import LeastSquares, least_squares
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.fitting import CurveFit

INSIDE, OVERLAPPING, APART, NONE = "inside", "overlapping", "apart", "none"


def cross_check(fit: CurveFit, *, probability: float = 0.9) -> pd.DataFrame:
    """Hold the exponents of a fit against nonlinear least squares on each curve alone.

    Least squares takes means over seeds, and knows nothing of correlated seeds, other curves or priors. Its law is the power law
    with floor, from the chance level where that is known and from any level elsewhere, whatever the family of the fit; without an
    onset where the fit's law has none.

    Parameters
    ----------
    fit
        A fit whose family ends in a power law (`CurveFit.has_power_law`).
    probability
        Mass of the posterior's intervals, and confidence of those of least squares.

    Returns
    -------
    pandas.DataFrame
        A row a triplet: data, model, inference; exponent, exponent_low, exponent_high of the posterior;
        least_squares_exponent with its `_low` and `_high` (0 or infinite where the sizes set no end);
        least_squares_agreement: ``"inside"`` (the posterior's interval holds the estimate), ``"overlapping"`` (the two
        intervals meet), ``"apart"``, or ``"none"`` (no estimate); least_squares_status.

    Raises
    ------
    InvalidInputError
        When the family of the fit has no power law at large sizes.
    """
    need_power_law(fit)
    posterior = np.quantile(fit.parameter("exponent"), equal_tails(probability), axis=0)
    means = curve_means(fit.curves)
    rows = []
    for i, triplet in enumerate(fit.triplets):
        n, value, value_se = (
            means[triplet][name].to_numpy(float) for name in ("n_train", "value", "value_se")
        )
        chance = float(fit.chance[i]) if fit.law.has_onset else None
        alone = least_squares(n, value, value_se, chance=chance, probability=probability)
        rows.append(
            {
                **triplet._asdict(),
                **interval_columns("exponent", posterior[:, i]),
                **interval_columns("least_squares_exponent", (alone.lower, alone.exponent, alone.upper)),
                "least_squares_agreement": _agreement(alone, posterior[0, i], posterior[2, i]),
                "least_squares_status": alone.status,
            }
        )
    return pd.DataFrame(rows)


def cross_check_sentence(table: pd.DataFrame) -> str:
    """Say on how many curves least squares and the posterior agree, and what to think where they do not.

    Parameters
    ----------
    table
        What `cross_check` returned.
    """
    agreement = table["least_squares_agreement"]
    inside, overlapping, apart, none = (
        int((agreement == word).sum()) for word in (INSIDE, OVERLAPPING, APART, NONE)
    )
    said = (
        f"Cross-check by least squares on each curve alone: on {inside} of {_curves(len(table))} its exponent lies within the "
        "posterior's interval."
    )
    if overlapping:
        said += (
            f" On {overlapping} it lies outside, but the two intervals overlap, which is no contradiction: by itself such a curve "
            "says less, since a high floor and a slow exponent look alike at its sizes, and the posterior leans on priors and "
            "on the other curves."
        )
    if apart:
        named = table.loc[agreement == APART, list(AXES)].agg(" | ".join, axis=1).tolist()
        rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
        said += (
            f" On {apart} the intervals lie apart ({'; '.join(named[:3])}{rest}): look at the residuals of these curves, and try "
            "another family or pooling, before quoting their exponents."
        )
    if none:
        said += f" On {none} least squares gives no exponent: too few sizes, or an error that does not fall."
    return said


def _agreement(alone: LeastSquares, lower: float, upper: float) -> str:
    if not np.isfinite(alone.exponent):
        return NONE
    if lower <= alone.exponent <= upper:
        return INSIDE
    return OVERLAPPING if alone.lower <= upper and lower <= alone.upper else APART


def _curves(count: int) -> str:
    return f"{count} curve{'s' if count != 1 else ''}"
