"""Which family and likelihood suit the data, and the data on the likelihood's scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.families import AbstractFamily, get_family
from curvefit.fitting.known_likelihoods import LIKELIHOODS, Likelihood
from curvefit.fitting.scale import AbstractScale
from curvefit.triplet import Triplet

#: A count below this, in the mean of a cell, makes the normal approximation on the logit scale doubtful.
SMALL_COUNT = 5.0


def resolve_family(
    law: AbstractFamily, chance: np.ndarray, triplets: tuple[Triplet, ...], metric: str, notes: list[str]
) -> tuple[AbstractFamily, np.ndarray]:
    """Return the family and the chance levels it uses: another family where it needs a level that is unknown."""
    missing = [str(t) for t, level in zip(triplets, chance) if not np.isfinite(level)]
    if not law.needs_chance:
        return law, np.ones(len(triplets))
    if not missing:
        if (chance <= 0).any():
            raise InvalidInputError(f"chance_error must be positive, found {chance.min():g}")
        if metric == "error-rate" and (chance > 1).any():
            raise InvalidInputError(
                f"chance_error of an error rate must be at most 1, found {chance.max():g}; divide percentages by 100"
            )
        return law, chance
    if law.without_chance is None:
        raise InvalidInputError(
            f"family {law.name!r} starts at the chance level, which is unknown for {missing[0]!r}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; give chance_error, "
            "or use family='shifted-power-law', which estimates where curves start"
        )
    advice = "a column chance_error (0.9 for ten balanced classes) makes exponents more certain"
    notes.append(
        f"no chance level is known for {len(missing)} curve(s): fitted {law.without_chance} instead of {law.name}"
        + (f"; {advice}" if metric == "error-rate" else "")
    )
    return get_family(law.without_chance), np.ones(len(triplets))


def resolve_likelihood(
    likelihood: str, table: pd.DataFrame, curves: LearningCurves, counts: bool, notes: list[str]
) -> Likelihood:
    """Return the likelihood that suits the data, or the one asked for if it can be had; decisions go to `notes`."""
    rates = curves.metric == "error-rate"
    if likelihood != "auto":
        asked = LIKELIHOODS[likelihood]
        if asked.needs_counts and not counts:
            raise InvalidInputError(f"the {likelihood} likelihood needs n_errors and n_test in every row")
        if asked.scale.of_rates and not rates:
            raise InvalidInputError(
                f"likelihood {likelihood!r} is for error rates, the metric is {curves.metric!r}; use 'log-gaussian'"
            )
        notes += _ignored_correlation(asked, curves.training_sets)
        return asked
    if not rates:
        return LIKELIHOODS["log-gaussian"]
    gaussian, of_counts = LIKELIHOODS["logit-gaussian"], LIKELIHOODS["beta-binomial"]
    if not counts:
        return gaussian
    means = table.groupby(["curve", "n_train"])[["n_errors", "n_test"]].mean()
    small = np.minimum(means["n_errors"], means["n_test"] - means["n_errors"]) < SMALL_COUNT
    if not small.any():
        return gaussian
    if curves.training_sets != "independent" and small.mean() < 0.2:
        notes.append(
            f"{int(small.sum())} of {len(small)} cells count fewer than {SMALL_COUNT:g} errors; the Gaussian "
            "likelihood is used all the same because nested training sets need its correlations"
        )
        return gaussian
    notes.append(
        f"{int(small.sum())} of {len(small)} cells count fewer than {SMALL_COUNT:g} errors: beta-binomial likelihood"
    )
    notes += _ignored_correlation(of_counts, curves.training_sets)
    return of_counts


def _ignored_correlation(likelihood: Likelihood, training_sets: str) -> list[str]:
    """Return what to say of a likelihood that takes seed noise as independent along n; nothing of others."""
    if likelihood.noise == "gaussian" or training_sets == "independent":
        return []
    known, doubt = ("are nested", "") if training_sets == "nested" else ("may be nested", " if they are")
    said = (
        f"the training sets {known}, which the {likelihood.name} likelihood ignores (a Gaussian one does not)"
    )
    return [f"{said}: intervals are too short{doubt}"]


def transformed_values(
    table: pd.DataFrame, scale: AbstractScale, counts: bool, notes: list[str]
) -> np.ndarray:
    """Return every run's value on the likelihood's scale."""
    value = table["value"].to_numpy(float)
    if not scale.of_rates:
        if (value <= 0).any():
            raise InvalidInputError(
                f"{int((value <= 0).sum())} value(s) are 0 or negative (smallest {value.min():g}): a log-scale "
                "likelihood needs positive values; drop those rows or add the known lowest loss"
            )
        return scale.transform(value)
    if counts:
        k, m = table["n_errors"].to_numpy(float), table["n_test"].to_numpy(float)
        return np.log(k + 0.5) - np.log(m - k + 0.5)
    inside = value[(value > 0) & (value < 1)]
    if not len(inside):
        raise InvalidInputError("all error rates are 0 or 1; give n_test so that they can be read as counts")
    for level, gap in ((0, 0.5 * inside.min()), (1, max(0.5 * (1 - inside.max()), np.finfo(float).eps))):
        at = value <= 0 if level == 0 else value >= 1
        if at.any():
            notes.append(
                f"{int(at.sum())} rates of {level} without n_test were moved inside by {gap:.2g}: floor and exponent "
                "lean on that replacement; give n_test"
            )
        value = np.where(at, abs(level - gap), value)
    return scale.transform(value)


def known_variance(table: pd.DataFrame, scale: AbstractScale) -> np.ndarray:
    """Return the variance that given standard errors mean on the likelihood's scale; 0 where there is none."""
    se = table["value_se"].fillna(0.0).to_numpy(float)
    slope = scale.slope(table["value"].to_numpy(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(se > 0, np.minimum((se / np.maximum(slope, 1e-12)) ** 2, 25.0), 0.0)
