"""What a fit says: a table and sentences, status first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.arguments import equal_tails
from curvefit.fitting.intervals import interval_columns
from curvefit.triplet import AXES

if TYPE_CHECKING:
    from curvefit.fitting.curve_fit import CurveFit


def summarise(fit: CurveFit, probability: float) -> pd.DataFrame:
    """Return a row per triplet: medians, intervals, the error at the largest size, and identifiability."""
    tails = list(equal_tails(probability))
    names = [n for n in ("exponent", "floor", "amplitude") if n in fit.draws["posterior"]]
    names += [n for n in fit.law.parameter_names if n not in names and fit.law[n].pooling != "common"]
    sizes = sizes_of(fit)
    columns: dict[str, object] = {axis: [t[k] for t in fit.triplets] for k, axis in enumerate(AXES)}
    for name in names:
        columns |= interval_columns(name, np.quantile(fit.parameter(name), tails, axis=0))
    columns |= {"sizes": sizes["nunique"], "n_min": sizes["min"], "n_max": sizes["max"]}
    columns |= interval_columns("error_at_n_max", _last_errors(fit, sizes["max"], tails))
    limits = exponent_limits(fit)
    if limits is not None:
        columns["exponent_sd_limit"] = limits
    return pd.DataFrame(columns)


def _last_errors(fit: CurveFit, largest: np.ndarray, tails: list[float]) -> np.ndarray:
    """Return quantiles of the error at every triplet's largest size, shape (tails, triplets); triplets of one size at once."""
    found = np.empty((len(tails), len(largest)))
    for size in np.unique(largest):
        at = np.flatnonzero(largest == size)
        found[:, at] = np.quantile(fit.expected_error([size], at=list(at))[:, :, 0], tails, axis=0)
    return found


def describe(fit: CurveFit, probability: float = 0.9) -> str:
    """Return the status and a sentence per triplet, for the first `AT_MOST` of them."""
    table = summarise(fit, probability).head(AT_MOST)
    lines = [f"{fit.family} fit of {len(fit.triplets)} curve(s), {fit.likelihood}: {fit.status}"]
    lines += [f"note: {note}" for note in fit.notes]
    percent = f"{100 * probability:g} % interval"
    for triplet, row in zip(fit.triplets, table.to_dict("records")):
        parts = []
        if "exponent" in row:
            parts.append(
                f"exponent {row['exponent']:.2f} ({percent} {row['exponent_low']:.2f} to {row['exponent_high']:.2f})"
            )
        if "floor" in row:
            middle, low, high = without_dust(row["floor"], row["floor_low"], row["floor_high"])
            parts.append(f"floor {middle:.3g} ({low:.3g} to {high:.3g})")
        parts.append(f"error {row['error_at_n_max']:.3g} at n = {row['n_max']:,}")
        sentence = f"{triplet}: {', '.join(parts)}."
        limit = row.get("exponent_sd_limit")
        if limit is not None and limit > WEAK_LIMIT:
            sentence += " " + weak_sentence(limit)
        lines.append(sentence)
    if len(fit.triplets) > AT_MOST:
        lines.append(f"... and {len(fit.triplets) - AT_MOST:,} more; summary() has all")
    return "\n".join(lines)


def without_dust(*values: float) -> tuple[float, ...]:
    """Return the values with a plain 0 for those that are practically 0 beside the largest.

    Examples
    --------
    >>> without_dust(0.014, 5.4e-14, 0.147)
    (0.014, 0.0, 0.147)
    """
    least = 1e-3 * max(map(abs, values))
    return tuple(value if abs(value) >= least else 0.0 for value in values)


#: Most curves that get a sentence in the text of a fit.
AT_MOST = 40
#: Above this standard deviation of the log exponent a curve alone says little about its exponent.
WEAK_LIMIT = 0.5


def weak_sentence(limit: float) -> str:
    """Return the sentence that says that a curve's own sizes cannot tell the floor from the exponent."""
    size = f"±{limit:.1f}" if limit < 10 else "more than ±10"
    return (
        "These sizes alone cannot tell the floor from the exponent "
        f"({size} in the log of the exponent); the interval leans on the other curves and the priors."
    )


def sizes_of(fit: CurveFit) -> dict[str, np.ndarray]:
    """Return how many usable sizes every triplet has (``nunique``), its smallest and its largest (``min``, ``max``)."""
    sizes = fit.curves.usable.groupby(list(AXES), sort=False)["n_train"].agg(["nunique", "min", "max"])
    mine = sizes.loc[[tuple(t) for t in fit.triplets]]
    return {name: mine[name].to_numpy(int) for name in mine}


def exponent_limits(fit: CurveFit) -> np.ndarray | None:
    """Return the stored Cramer-Rao limits of the log exponents, or None for fits that have none."""
    constant = fit.draws["constant_data"]
    return np.asarray(constant["exponent_sd_limit"].values) if "exponent_sd_limit" in constant else None
