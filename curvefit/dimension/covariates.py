"""Alignment as a covariate: how exponents go with the group that (model, inference) is left with on its data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.dimension.intervals import PROBABILITY, columns, probability_of, spell
from curvefit.dimension.pairs import shape_of, triplet_facts
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.curve_fit import CurveFit
from curvefit.seeding import generator
from curvefit.symmetry import alignment, get_group, is_subgroup
from curvefit.triplet import AXES

COVARIATES = {
    "lie_dimension": "log(1 + Lie dimension) of the effective group",
    "orbit_dimension": "log(1 + orbit dimension) of the effective group",
}


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentSlope:
    """Posterior slope of the log exponent on a property of the group; build it with `alignment_slope`.

    Parameters
    ----------
    covariate
        Key of `COVARIATES`.
    table
        One row a triplet: labels, groups, alignment class, covariate value.
    draws
        ``(draws,)``: slope for triplets like these: posterior of the regression in each draw, so that scatter of
        the triplets around the line counts besides the uncertainty of their exponents.
    here
        ``(draws,)``: slope over exactly these triplets (a finite-population quantity).
    class_exponents
        Alignment class to draws of the mean log exponent over its triplets, ``(draws,)``.
    """

    covariate: str
    table: pd.DataFrame
    draws: np.ndarray
    here: np.ndarray
    class_exponents: dict[str, np.ndarray]

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return the slopes and the geometric mean exponent of each alignment class, one row each."""
        rows = [
            {"quantity": "slope, triplets like these", **columns("value", self.draws, probability)},
            {"quantity": "slope, these triplets", **columns("value", self.here, probability)},
        ]
        rows += [
            {"quantity": f"exponent, alignment {name}", **columns("value", np.exp(draws), probability)}
            for name, draws in self.class_exponents.items()
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        falls = probability_of(self.draws < 0, self.draws)
        return (
            f"The log exponent changes by {spell(self.draws)} per unit of {COVARIATES[self.covariate]} "
            f"(P(falls) = {falls:.2f}); theory: it falls or stays, since a larger spurious group leaves more copies "
            "of the task to be equally good at."
        )


def alignment_table(fit: CurveFit) -> pd.DataFrame:
    """Return one row a triplet: data symmetry, transform, model symmetry, effective group, alignment, dimensions.

    The effective group is the larger of the group of (model, inference) and that of the transform, since learning
    rotated data with a group that lacks the rotation is learning without that advantage; where neither
    contains the other it is unknown. `alignment` compares it with the symmetry of the data.

    Raises
    ------
    InvalidInputError
        When the facts name no symmetry or no shape.
    """
    facts = triplet_facts(fit.curves, fit.triplets)
    rows = []
    for i in range(len(facts)):
        row = facts.iloc[i]
        shape = shape_of(row)
        if row["model_symmetry"] is None or shape is None:
            raise InvalidInputError(
                f"the facts of {row['data']} | {row['model']} | {row['inference']} name no model_symmetry or no shape"
            )
        own, transform = str(row["model_symmetry"]), str(row["transform"])
        if is_subgroup(transform, own, shape=shape):
            effective: str | None = own
        else:
            effective = transform if is_subgroup(own, transform, shape=shape) else None
        group = None if effective is None else get_group(effective, shape=shape)
        rows.append(
            {
                **{name: row[name] for name in (*AXES, "data_symmetry", "transform", "model_symmetry")},
                "effective_symmetry": effective,
                "alignment": "unknown"
                if effective is None
                else str(alignment(str(row["data_symmetry"]), effective, shape=shape)),
                "lie_dimension": np.nan if group is None else np.log1p(group.dimension),
                "orbit_dimension": np.nan if group is None else np.log1p(group.orbit_dimension),
            }
        )
    return pd.DataFrame(rows)


def alignment_slope(fit: CurveFit, covariate: str = "lie_dimension", *, seed: int = 0) -> AlignmentSlope:
    """Regress the log exponent on a property of the effective group, draw by draw.

    Each data set's family (source and data symmetry) has its own intercept, so that hard and easy data do not
    pose as alignment.

    Parameters
    ----------
    fit
        A `CurveFit` whose facts name symmetries and shapes.
    covariate
        Key of `COVARIATES`.
    seed
        Root of the random numbers of the regression's own posterior.

    Raises
    ------
    InvalidInputError
        When the covariate does not vary within a family.
    """
    if covariate not in COVARIATES:
        raise unknown_name("covariate", covariate, COVARIATES)
    table = alignment_table(fit)
    log_exponent = np.log(fit.parameter("exponent"))
    classes = {
        str(name): log_exponent[:, rows.index].mean(axis=1)
        for name, rows in table.groupby("alignment", sort=True)
    }
    known = table[covariate].notna().to_numpy()
    sources = triplet_facts(fit.curves, fit.triplets)["source"].astype(str)
    family = pd.factorize(sources + "|" + table["data_symmetry"].astype(str))[0][known]
    x, y = table.loc[known, covariate].to_numpy(float), log_exponent[:, known]
    intercepts = np.eye(family.max() + 1)[family]
    within = x - intercepts @ (intercepts.T @ x / intercepts.sum(axis=0))
    squares = float(within @ within)
    if squares < 1e-12:
        raise InvalidInputError(f"{covariate} is the same for all triplets of each data family: no slope")
    here = y @ within / squares
    centred = y - (y @ intercepts / intercepts.sum(axis=0)) @ intercepts.T
    residual = centred - here[:, None] * within
    degrees = len(x) - intercepts.shape[1] - 1
    rng = generator("alignment-slope", seed)
    if degrees > 0:
        variance = np.sum(residual**2, axis=1) / rng.chisquare(degrees, size=len(y))
        wider = here + np.sqrt(variance / squares) * rng.standard_normal(len(y))
    else:
        wider = np.full_like(here, np.nan)
    return AlignmentSlope(covariate, table, wider, here, classes)
