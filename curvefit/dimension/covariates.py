"""Alignment as a covariate: how exponents go with the group that (model, inference) is left with on its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.dimension.expectations import noticed_transform
from curvefit.dimension.intervals import PROBABILITY, columns, probability_of, spell
from curvefit.dimension.pairs import reference_data, shape_of, triplet_facts
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws
from curvefit.seeding import generator
from curvefit.symmetry import alignment, get_group, is_subgroup
from curvefit.triplet import AXES

if TYPE_CHECKING:
    import arviz as az

COVARIATES = {
    "lie_dimension": "log(1 + Lie dimension) of the effective group",
    "orbit_dimension": "log(1 + orbit dimension) of the effective group",
}

CLASS_THEORY = {
    "exact": "no symmetry left to gain, none wrong",
    "none": "a finite group left out: the same exponent, up to its order times the examples; a continuous one: a higher "
    "dimension",
    "partial": "as without, for the part left out",
    "excess": "a wrong group: a plateau where the data lacks it",
    "mismatched": "a wrong group, and the data's own left out",
    "unknown": "no prediction",
}
"""Alignment class of the learned function to what theory says of it (Tahmasebi, Jegelka, arXiv:2303.14269)."""

SLOPE_THEORY = (
    "falls or stays: a larger spurious group leaves more rotated copies of the task to be equally good at "
    "(Li, Zhang, Arora, arXiv:2010.08515)"
)


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentSlope(Saveable):
    """Posterior slope of the log exponent on a property of the group; build it with `alignment_slope`.

    Parameters
    ----------
    covariate
        Key of `COVARIATES`.
    table
        One row a triplet: labels, groups, alignment class, covariate value, and `measured_as`, the triplet whose runs
        these are: another one's where one measurement stands under several names. Such a measurement counts once.
    slope
        ``(draws,)``: slope for triplets like these: posterior of the regression in each draw, so that scatter of
        the triplets around the line counts besides the uncertainty of their exponents.
    here
        ``(draws,)``: slope over exactly these triplets (a finite-population quantity).
    class_factors
        Alignment class to draws of its exponents over the mean of their data set (with its transforms), geometric mean over its
        triplets, ``(draws,)``.
    chains
        Number of chains that the draws come from, one after the other.
    """

    covariate: str
    table: pd.DataFrame
    slope: np.ndarray
    here: np.ndarray
    class_factors: dict[str, np.ndarray]
    chains: int = 1

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: slope, slope_here, and class_factor over alignment classes."""
        return labelled_draws(
            {
                "slope": self.slope,
                "slope_here": self.here,
                "class_factor": np.stack(list(self.class_factors.values()), axis=1),
            },
            {"class_factor": ["alignment"]},
            chains=self.chains,
            coords={"alignment": list(self.class_factors)},
        )

    def counts(self) -> dict[str, int]:
        """Return the number of separately measured curves of each alignment class."""
        return {str(name): part["measured_as"].nunique() for name, part in self.table.groupby("alignment")}

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return the slopes, and what each alignment class does to the exponent, one row each, theory beside.

        `curves` counts the curves that were measured separately.
        """
        counts = self.counts()
        rows = [
            {
                "quantity": f"slope, {whose}",
                "curves": self.table.dropna(subset=[self.covariate])["measured_as"].nunique(),
                **columns("value", draws, probability),
            }
            | {"theory": SLOPE_THEORY}
            for whose, draws in (("triplets like these", self.slope), ("these triplets", self.here))
        ]
        rows += [
            {"quantity": f"exponent factor, alignment {name}", "curves": counts[name]}
            | {**columns("value", draws, probability), "theory": CLASS_THEORY[name]}
            for name, draws in self.class_factors.items()
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        falls = probability_of(self.slope < 0, self.slope)
        lines = [
            (
                f"The log exponent changes by {spell(self.slope)} per unit of {COVARIATES[self.covariate]}, the data's own "
                f"difficulty apart [P(falls) = {falls:.2f}]; theory: it {SLOPE_THEORY}."
            )
        ]
        counts = self.counts()
        lines += [
            f"Alignment {name} ({counts[name]} curves): {spell(factor)} times the mean exponent of its data; theory: "
            f"{CLASS_THEORY[name]}."
            for name, factor in self.class_factors.items()
        ]
        return "\n".join(lines)


def alignment_table(fit: CurveFit, *, reference: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return one row a triplet: its groups, its alignment class, and the size of the group it learns under.

    Two symmetries matter, and they are not the same. The *function* that (M, I) learns may be invariant (circular GAP:
    under shifts); `alignment` compares that with the symmetry G of the data before it was transformed (its `origin`).
    A transform outside the group of (M, I) has `moved` it: its element g makes of it ``g G g'``, which is G again where
    the transform carries G to itself (flips: the shifts). And (M, I) as an *algorithm* has a group under which rotated
    data are learned as well as the originals; the larger it is, the less it knows of images.
    `effective_symmetry` is the larger of that group and the transform's, since learning rotated data with an algorithm
    that lacks the rotation is learning without that advantage; None where neither contains the other. `lie_dimension`
    and `orbit_dimension` are its sizes, ``log(1 + dimension)``.

    Parameters
    ----------
    fit
        A `CurveFit` whose facts name symmetries and shapes.
    reference
        As in `invariance_table`.

    Raises
    ------
    InvalidInputError
        When the facts name no symmetry or no shape.
    """
    facts = triplet_facts(fit.curves, fit.triplets)
    origins = reference_data(fit.curves, reference)
    symmetry_of = dict(facts[["data", "data_symmetry"]].itertuples(index=False))
    rows = []
    for i in range(len(facts)):
        row = facts.iloc[i].copy()
        shape = shape_of(row)
        if row["model_symmetry"] is None or shape is None:
            raise InvalidInputError(
                f"the facts of {row['data']} | {row['model']} | {row['inference']} name no model_symmetry or no shape"
            )
        own, noticed = str(row["model_symmetry"]), noticed_transform(row)
        origin = origins.get(row["data"], row["data"])
        row["data_symmetry"] = symmetry_of.get(origin, row["data_symmetry"])
        effective: str | None = own
        if noticed != "trivial":
            effective = noticed if is_subgroup(own, noticed, shape=shape) else None
        group = None if effective is None else get_group(effective, shape=shape)
        rows.append(
            {
                **{name: row[name] for name in AXES},
                "origin": origin,
                **{name: row[name] for name in ("data_symmetry", "transform", "model_symmetry")},
                "function_symmetry": row["function_symmetry"],
                "moved": noticed != "trivial",
                "effective_symmetry": effective,
                "alignment": _function_alignment(row, noticed, shape),
                "lie_dimension": np.nan if group is None else np.log1p(group.dimension),
                "orbit_dimension": np.nan if group is None else np.log1p(group.orbit_dimension),
            }
        )
    return pd.DataFrame(rows)


def alignment_slope(
    fit: CurveFit,
    covariate: str = "lie_dimension",
    *,
    reference: Mapping[str, str] | None = None,
    seed: int = 0,
) -> AlignmentSlope:
    """Regress the log exponent on a property of the effective group, draw by draw.

    Each data set with its transforms has its own intercept, so that hard and easy data do not pose as alignment, and
    the group counts relative to the data's own. A measurement that stands under several names (a kernel that a rotation
    leaves as it is, two architectures with one kernel) is one curve, as it is in the fit.

    Parameters
    ----------
    fit
        A `CurveFit` whose facts name symmetries and shapes.
    covariate
        Key of `COVARIATES`.
    reference
        As in `invariance_table`.
    seed
        Root of the random numbers of the regression's own posterior.

    Raises
    ------
    InvalidInputError
        When the covariate does not vary within a data set and its transforms.
    """
    if covariate not in COVARIATES:
        raise unknown_name("covariate", covariate, COVARIATES)
    table = alignment_table(fit, reference=reference)
    table["measured_as"] = fit.measurements
    log_exponent = np.log(fit.parameter("exponent"))
    curves = _separate(table, "alignment")
    beside = _within(log_exponent[:, curves.index], pd.factorize(curves["origin"])[0])
    classes = {
        str(name): np.exp(beside[:, rows].mean(axis=1))
        for name, rows in curves.groupby("alignment", sort=True).indices.items()
    }
    curves = _separate(table.dropna(subset=[covariate]), covariate)
    family = pd.factorize(curves["origin"])[0]
    x = _within(curves[covariate].to_numpy(float), family)
    y = _within(log_exponent[:, curves.index], family)
    squares = float(x @ x)
    if squares < 1e-12:
        raise InvalidInputError(f"{covariate} is the same for all triplets of each data set: no slope")
    here = y @ x / squares
    residual = y - here[:, None] * x
    degrees = curves["measured_as"].nunique() - (family.max() + 1) - 1
    rng = generator("alignment-slope", seed)
    if degrees > 0:
        variance = np.sum(residual**2, axis=1) / rng.chisquare(degrees, size=len(y))
        wider = here + np.sqrt(variance / squares) * rng.standard_normal(len(y))
    else:
        wider = np.full_like(here, np.nan)
    return AlignmentSlope(covariate, table, wider, here, classes, fit.n_chains)


def _function_alignment(facts: pd.Series, transform: str, shape: tuple[int, int, int]) -> str:
    """Return how the symmetry of the learned function agrees with the data's once `transform` has moved it."""
    if facts["function_symmetry"] is None:
        return "unknown"
    data, function = str(facts["data_symmetry"]), str(facts["function_symmetry"])
    return str(alignment(data, function, shape=shape, transform=transform))


def _separate(table: pd.DataFrame, beside: str) -> pd.DataFrame:
    """Return the rows of an alignment table that are measurements of their own, told by data and one column."""
    return table.drop_duplicates(["measured_as", "origin", beside])


def _within(values: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Return `values`, ``(..., triplets)``, minus the mean of each triplet's family."""
    member = np.eye(family.max() + 1)[family]
    return values - (values @ member / member.sum(axis=0)) @ member.T
