"""Effective dimension of every triplet, through a named link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from curvefit.dimension.baselines import baseline_pairs
from curvefit.dimension.covariates import alignment_table
from curvefit.dimension.intervals import PROBABILITY, columns, spell
from curvefit.dimension.links import Link, get_link
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError
from curvefit.families import FAMILIES, AbstractFamily
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.triplet import AXES

if TYPE_CHECKING:
    import arviz as az


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveDimension(Saveable):
    """Posterior of the effective dimension of every triplet; build it with `effective_dimension`.

    Parameters
    ----------
    fit
        Where the exponents come from.
    link
        How an exponent becomes a dimension.
    dimension
        ``(draws, triplets)``; NaN where the link gives none. For a relative link they are factors.
    baseline
        Label that a relative link's factors refer to, or None for the geometric mean of all triplets.
    assumptions
        What the numbers take for granted, a sentence each.
    """

    fit: CurveFit
    link: Link
    dimension: np.ndarray
    baseline: str | None
    assumptions: tuple[str, ...]

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: exponent and dimension over (chain, draw, triplet)."""
        return labelled_draws(
            {"exponent": self.fit.parameter("exponent"), "dimension": self.dimension},
            {"exponent": ["triplet"], "dimension": ["triplet"]},
            chains=self.fit.n_chains,
            coords=triplet_coords(self.fit.triplets),
        )

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row a triplet: exponent and dimension with equal-tailed intervals.

        `defined` is the share of draws for which the link gives a dimension.
        """
        exponent = self.fit.parameter("exponent")
        rows = [
            {
                **dict(zip(AXES, triplet)),
                **columns("exponent", exponent[:, i], probability),
                **columns("dimension", self.dimension[:, i], probability),
                "defined": float(np.isfinite(self.dimension[:, i]).mean()),
            }
            for i, triplet in enumerate(self.fit.triplets)
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        unit = "times the baseline" if self.link.relative else f"through link {self.link.name}"
        lines = [str(self.fit.status), *self.fit.notes]
        lines += [
            f"{triplet}: effective dimension {spell(self.dimension[:, i])} {unit}."
            for i, triplet in enumerate(self.fit.triplets)
        ]
        return "\n".join([*lines, *(f"assuming: {a}" for a in self.assumptions)])


def effective_dimension(
    fit: CurveFit,
    link: str | Link | Mapping[str, Any] = "ratio",
    *,
    baseline: str | None = None,
    reference: Mapping[str, str] | None = None,
) -> EffectiveDimension:
    """Turn the exponents of a fit into effective dimensions.

    Parameters
    ----------
    fit
        A `CurveFit`.
    link
        Name of a registered link, ``{"name": ..., setting: value}``, or a link object such as a `Ruler`.
    baseline
        For a relative link only: label of a model, data or inference, or name of a transform, whose triplets have
        dimension 1; triplets without a counterpart there are NaN. Without it the geometric mean of all is 1.
    reference
        As in `invariance_table`.

    Raises
    ------
    UnknownNameError
        When link or baseline has no such name.
    InvalidInputError
        When the fitted family has no power law at large sizes, or a baseline is named for a link whose dimensions
        are absolute.
    """
    need_power_law(fit)
    chosen = get_link(link)
    if baseline is not None and not chosen.relative:
        raise InvalidInputError(
            f"link {chosen.name!r} gives dimensions, not factors of those at a baseline: leave out baseline={baseline!r}, "
            "or take link='ratio'"
        )
    exponent = fit.parameter("exponent")
    draws = np.asarray(chosen.dimension(exponent), dtype=float)
    assumptions = list(chosen.assumptions(fit.curves.metric))
    if chosen.relative:
        draws, sentence = _relative(fit, draws, baseline, reference)
        assumptions.append(sentence)
    lost = float(np.isnan(draws).mean())
    if lost > 0:
        assumptions.append(f"{lost:.0%} of the draws have no dimension through this link and are left out.")
    return EffectiveDimension(fit, chosen, draws, baseline, tuple(assumptions))


def dimension_alignment(dimension: EffectiveDimension, *, probability: float = PROBABILITY) -> pd.DataFrame:
    """Return a row per triplet: alignment class, log size of its effective group, dimension with interval.

    Raises
    ------
    InvalidInputError
        When the facts name no symmetry or no shape.
    """
    return alignment_table(dimension.fit).merge(dimension.summary(probability), on=list(AXES))


def need_power_law(fit: CurveFit) -> None:
    """Check that the family of a fit ends in a power law.

    Raises
    ------
    InvalidInputError
        When it does not, so that there is no exponent to read a dimension from.
    """
    if not fit.has_power_law:
        names = ", ".join(
            n for n in FAMILIES.names() if type(FAMILIES[n]).amplitude is not AbstractFamily.amplitude
        )
        raise InvalidInputError(
            f"family {fit.family!r} has no power law at large sizes, so no exponent to compare or to read a dimension from; "
            f"fit one of: {names}"
        )


def _relative(
    fit: CurveFit, draws: np.ndarray, baseline: str | None, reference: Mapping[str, str] | None
) -> tuple[np.ndarray, str]:
    if baseline is None:
        unit = np.exp(np.log(draws).mean(axis=1, keepdims=True))
        return draws / unit, "dimensions are factors of the geometric mean over all triplets."
    pairs = baseline_pairs(fit.curves, fit.triplets, baseline=baseline, reference=reference)
    factors = np.full_like(draws, np.nan)
    for pair in pairs:
        base, aligned = fit.index(pair.baseline), fit.index(pair.aligned)
        factors[:, aligned] = draws[:, aligned] / draws[:, base]
        factors[:, base] = 1.0
    return factors, f"dimensions are factors of the counterpart at the baseline {baseline!r}."
