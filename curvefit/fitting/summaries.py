"""What a fit says: a table and sentences, status first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.errors import InvalidInputError
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


def summarise(fit: CurveFit, probability: float) -> pd.DataFrame:
    """Return a row per triplet: medians, intervals, the error at the largest size, and identifiability."""
    if not 0 < probability < 1:
        raise InvalidInputError(f"probability {probability!r} must lie between 0 and 1")
    names = [n for n in ("exponent", "floor", "amplitude") if n in fit.draws["posterior"]]
    names += [n for n in fit.law.parameter_names if n not in names and fit.law[n].pooling != "common"]
    usable = fit.curves.usable
    tail = (1 - probability) / 2
    rows = []
    quantiles = {n: np.quantile(fit.parameter(n), [0.5, tail, 1 - tail], axis=0) for n in names}
    largest = largest_sizes(fit)
    limits = exponent_limits(fit)
    for j, triplet in enumerate(fit.triplets):
        row: dict[str, object] = dict(zip(AXES, triplet))
        for name in names:
            middle, lower, upper = quantiles[name][:, j]
            row |= {name: middle, f"{name}_lower": lower, f"{name}_upper": upper}
        mine = usable[(usable[list(AXES)] == list(triplet)).all(axis=1)]
        error = np.quantile(fit.expected_error([largest[j]], at=[j]), [0.5, tail, 1 - tail])
        row |= {
            "sizes": mine["n_train"].nunique(),
            "n_min": int(mine["n_train"].min()),
            "n_max": int(largest[j]),
            "error_at_n_max": error[0],
            "error_at_n_max_lower": error[1],
            "error_at_n_max_upper": error[2],
        }
        if limits is not None:
            row["exponent_sd_limit"] = limits[j]
        rows.append(row)
    return pd.DataFrame(rows)


def describe(fit: CurveFit, probability: float = 0.9) -> str:
    """Return the status and a sentence per triplet."""
    table = summarise(fit, probability)
    lines = [f"{fit.family} fit of {len(fit.triplets)} curve(s), {fit.likelihood}: {fit.status}"]
    lines += [f"note: {note}" for note in fit.notes]
    percent = f"{100 * probability:g} % interval"
    for triplet, row in zip(fit.triplets, table.to_dict("records")):
        parts = []
        if "exponent" in row:
            parts.append(
                f"exponent {row['exponent']:.2f} ({percent} {row['exponent_lower']:.2f} to {row['exponent_upper']:.2f})"
            )
        if "floor" in row:
            parts.append(f"floor {row['floor']:.3g} ({row['floor_lower']:.3g} to {row['floor_upper']:.3g})")
        parts.append(f"error {row['error_at_n_max']:.3g} at n = {row['n_max']:,}")
        sentence = f"{triplet}: {', '.join(parts)}."
        limit = row.get("exponent_sd_limit")
        if limit is not None and limit > WEAK_LIMIT:
            sentence += " " + weak_sentence(limit)
        lines.append(sentence)
    return "\n".join(lines)


#: Above this standard deviation of the log exponent a curve alone says little about its exponent.
WEAK_LIMIT = 0.5


def weak_sentence(limit: float) -> str:
    """Return the sentence that says that a curve's own sizes cannot tell the floor from the exponent."""
    size = f"±{limit:.1f}" if limit < 10 else "more than ±10"
    return (
        "These sizes alone cannot tell the floor from the exponent "
        f"({size} in the log of the exponent); the interval leans on the other curves and the priors."
    )


def largest_sizes(fit: CurveFit) -> np.ndarray:
    """Return the largest usable size of every triplet."""
    sizes = fit.curves.usable.groupby(list(AXES), sort=False)["n_train"].max()
    return np.array([float(sizes.loc[tuple(t)]) for t in fit.triplets])


def exponent_limits(fit: CurveFit) -> np.ndarray | None:
    """Return the stored Cramer-Rao limits of the log exponents, or None for fits that have none."""
    constant = fit.draws["constant_data"]
    return np.asarray(constant["exponent_sd_limit"].values) if "exponent_sd_limit" in constant else None
