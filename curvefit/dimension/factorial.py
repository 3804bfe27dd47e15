"""Synergy: is the whole of (data, model, inference) more than its parts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from curvefit.dimension.aliasing import Term, identified_degrees, one_of_each_cell
from curvefit.dimension.intervals import PROBABILITY, ROPE, columns, probability_of, spell
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.effects import decompose
from curvefit.fitting.inference_data import labelled_draws, triplet_coords
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    import arviz as az

PARAMETERS = {
    "log_exponent": "log exponent",
    "log_amplitude": "log amplitude",
    "log_onset": "log onset (the size at which the power law leaves chance)",
    "log_error": "log error at the largest size all curves have",
}


@dataclass(frozen=True, slots=True, eq=False)
class Synergy(Saveable):
    """Bayesian analysis of variance of a curve parameter over the grid; build it with `synergy`.

    Parameters
    ----------
    parameter
        Key of `PARAMETERS`.
    triplets
        The cells, in the order of `interaction`.
    effects
        Term (a tuple of axes) to its effects per triplet, ``(draws, triplets)``; they sum to the parameter.
    degrees
        What the cells tell apart, one term or the terms of one order that alias each other, to its degrees of freedom, as
        in `identified_degrees`. Of aliased terms only the sum of their effects means anything.
    complete
        Whether every cell of the grid exists. If not, lower orders were fitted first (least squares) and took
        whatever they share with higher ones, so interactions are understated rather than overstated.
    chains
        Number of chains that the draws come from, one after the other.
    """

    parameter: str
    triplets: tuple[Triplet, ...]
    effects: dict[Term, np.ndarray]
    degrees: dict[tuple[Term, ...], int]
    complete: bool
    chains: int = 1

    @property
    def draws(self) -> az.InferenceData:
        """The draws as ArviZ ``InferenceData``: effects over (term, triplet), their sd and share over terms, interactions.

        Aliased terms are one, as in `summary`.
        """
        sd, share = zip(*(self._sd_and_share(terms) for terms in self.degrees))
        return labelled_draws(
            {
                "effect": np.stack([self._together(terms) for terms in self.degrees], axis=1),
                "sd": np.stack(sd, axis=1),
                "share": np.stack(share, axis=1),
                "interaction": self.interaction,
                "interaction_share": self.interaction_share,
            },
            {
                "effect": ["term", "triplet"],
                "sd": ["term"],
                "share": ["term"],
                "interaction": ["triplet"],
            },
            chains=self.chains,
            coords={**triplet_coords(self.triplets), "term": [_label(terms) for terms in self.degrees]},
        )

    @property
    def interaction_share(self) -> np.ndarray:
        """Share of the variance over triplets that interactions hold, ``(draws,)``."""
        total = sum(_squares(self._together(terms)) for terms in self.degrees)
        together = sum(_squares(self._together(terms)) for terms in self.degrees if len(terms[0]) > 1)
        with np.errstate(invalid="ignore"):
            return np.asarray(together / total)

    @property
    def interaction(self) -> np.ndarray:
        """What each triplet has beyond the main effects of its members, ``(draws, triplets)``."""
        parts = [effect for term, effect in self.effects.items() if len(term) > 1]
        return np.sum(parts, axis=0) if parts else np.zeros_like(self.effects[()])

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return the analysis-of-variance table: one row a term, one ("data + model") for terms that alias each other.

        `sd` is the finite-population standard deviation of the term's effects (these levels, not a population of
        others), ``sqrt(sum of squares over its cells / degrees of freedom)`` with each cell of the term counted once;
        `share` its part of the sum of squares over triplets; `p_matters` the probability that the standard deviation
        exceeds the region of practical equivalence, 0.1.
        """
        rows = []
        for terms, degrees in self.degrees.items():
            sd, share = self._sd_and_share(terms)
            rows.append(
                {
                    "term": _label(terms),
                    "degrees": degrees,
                    **columns("sd", sd, probability),
                    **columns("share", share, probability),
                    "p_matters": probability_of(sd > ROPE, sd),
                }
            )
        return pd.DataFrame(rows)

    def _together(self, terms: tuple[Term, ...]) -> np.ndarray:
        """Return the summed effects of terms, ``(draws, triplets)``; of aliased ones around their mean, which is not told."""
        summed = np.sum([self.effects[term] for term in terms], axis=0)
        if len(terms) == 1:
            return summed
        return summed - summed[:, one_of_each_cell(self.triplets, terms)].mean(axis=1, keepdims=True)

    def _sd_and_share(self, terms: tuple[Term, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return standard deviation and share of terms that are told together, each ``(draws,)``."""
        total = sum(_squares(self._together(others)) for others in self.degrees)
        effect = self._together(terms)
        sd = _finite_sd(effect, one_of_each_cell(self.triplets, terms), self.degrees[terms])
        return sd, _squares(effect) / total

    def triplet_summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row a triplet: factor over what its members' main effects give, and P(factor > 1)."""
        extra = self.interaction
        return pd.DataFrame(
            [
                {
                    **dict(zip(AXES, triplet)),
                    **columns("factor", np.exp(extra[:, i]), probability),
                    "p_above": probability_of(extra[:, i] > 0, extra[:, i]),
                }
                for i, triplet in enumerate(self.triplets)
            ]
        )

    def __str__(self) -> str:
        extra, words = self.interaction, PARAMETERS[self.parameter]
        size = np.sqrt((extra**2).mean(axis=1))
        lines = [
            (
                f"Interactions hold {spell(100 * self.interaction_share)} % of the variance of the {words} over these triplets; "
                f"P(they change it by a factor of more than {np.exp(ROPE):.2g}) = {probability_of(size > ROPE, size):.2f}."
            )
        ]
        most = int(np.argmax(np.abs(np.median(extra, axis=0))))
        lines.append(
            f"Furthest from its parts: {self.triplets[most]}, with {spell(np.exp(extra[:, most]))} times the "
            f"{words.removeprefix('log ')} that the main effects of its members give."
        )
        if not self.complete:
            lines.append("The grid has holes: main effects took what they share with interactions.")
        lines += [
            f"The cells cannot tell {', '.join(map(':'.join, terms))} apart: they stand as one."
            for terms in self.degrees
            if len(terms) > 1
        ]
        return "\n".join([*lines, self.summary().to_string(index=False, float_format="%.3g")])


def synergy(fit: CurveFit, parameter: str = "log_exponent") -> Synergy:
    """Split a curve parameter into main effects and interactions of data, model and inference, draw by draw.

    Parameters
    ----------
    fit
        A `CurveFit` whose triplets form a grid, holes allowed.
    parameter
        ``"log_exponent"``, ``"log_amplitude"`` (of one example: it goes with the exponent), ``"log_onset"`` (where the
        curve leaves chance, what the sample gain compares; families with an onset only) or ``"log_error"`` (at the
        largest size that all curves have).

    Raises
    ------
    InvalidInputError
        When fewer than two axes have two levels, so that there is nothing to interact.

    References
    ----------
    A. Gelman, Analysis of variance: why it is more important than ever, Ann. Statist. 33, 1 (2005).
    """
    if parameter not in PARAMETERS:
        raise unknown_name("parameter of a synergy", parameter, PARAMETERS)
    varied = [axis for axis in AXES if len(fit.levels(axis)) > 1]
    if len(varied) < 2:
        raise InvalidInputError(
            f"synergy needs two axes with two members each; only {', '.join(varied) or 'none'} varies in this fit"
        )
    values = _log_error(fit) if parameter == "log_error" else fit.parameter(parameter)
    terms = decompose(values, fit.triplets)
    labels = {axis: fit.levels(axis) for axis in AXES}
    effects = {}
    for term, effect in terms.items():
        where: tuple = (slice(None), *_positions(fit.triplets, term, labels))
        effects[term] = effect[where] if term else np.broadcast_to(effect.reshape(-1, 1), values.shape)
    cells = prod(len(labels[axis]) for axis in varied)
    return Synergy(
        parameter,
        fit.triplets,
        effects,
        identified_degrees(fit.triplets, [term for term in effects if term]),
        cells == len(fit.triplets),
        fit.n_chains,
    )


def double_difference(
    fit: CurveFit, *, parameter: str = "log_exponent", **members: tuple[str, str]
) -> np.ndarray:
    """Return draws of ``(a1 b1 - a2 b1) - (a1 b2 - a2 b2)`` of a parameter, averaged over the third axis.

    Parameters
    ----------
    fit
        A `CurveFit`.
    parameter
        As in `CurveFit.parameter`.
    **members
        Two of data, model, inference, each with its two labels: ``data=("plain", "rotated"), model=("gap", "fcn")``.

    Returns
    -------
    numpy.ndarray
        ``(draws,)``: by how much the step from the second to the first label of one axis is larger at the first
        label of the other.
    """
    if len(members) != 2 or not set(members) <= set(AXES):
        raise InvalidInputError(
            f"a double difference needs two of {', '.join(AXES)}, each with two labels; got {sorted(members)}"
        )
    for axis, labels in members.items():
        if isinstance(labels, str) or len(labels) != 2:
            raise InvalidInputError(f"a double difference needs two labels of {axis}; got {labels!r}")
    (one, (a1, a2)), (other, (b1, b2)) = members.items()
    (third,) = set(AXES) - set(members)
    values = fit.parameter(parameter)
    found = []
    for level in fit.levels(third):
        cells = {(a, b): Triplet(**{one: a, other: b, third: level}) for a in (a1, a2) for b in (b1, b2)}
        if set(cells.values()) <= set(fit.triplets):
            column = {key: values[:, fit.index(triplet)] for key, triplet in cells.items()}
            found.append(column[a1, b1] - column[a2, b1] - column[a1, b2] + column[a2, b2])
    if not found:
        raise InvalidInputError(f"no {third} has all four of {a1}, {a2} with {b1}, {b2}")
    return np.mean(found, axis=0)


def _log_error(fit: CurveFit) -> np.ndarray:
    usable = fit.curves.usable
    largest = usable.groupby(list(AXES))["n_train"].max().min()
    return np.log(fit.expected_error([largest])[:, :, 0])


def _positions(
    triplets: Sequence[Triplet], term: Term, labels: dict[str, tuple[str, ...]]
) -> tuple[list[int], ...]:
    return tuple([labels[axis].index(getattr(t, axis)) for t in triplets] for axis in term)


def _squares(effect: np.ndarray) -> np.ndarray:
    return np.sum(effect**2, axis=1)


def _label(terms: tuple[Term, ...]) -> str:
    return " + ".join(map(":".join, terms))


def _finite_sd(effect: np.ndarray, cells: list[int], degrees: int) -> np.ndarray:
    if degrees == 0:
        return np.full(len(effect), np.nan)
    return np.sqrt(_squares(effect[:, cells]) / degrees)
