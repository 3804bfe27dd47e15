"""Ruler: what exponent this (model, inference) has on teachers of known dimension, read backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from curvefit.dimension.intervals import PROBABILITY, columns, number, spell
from curvefit.dimension.pairs import triplet_facts
from curvefit.dimension.saved import Saveable
from curvefit.errors import InvalidInputError
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.inference_data import labelled_draws
from curvefit.seeding import generator

if TYPE_CHECKING:
    import arviz as az

N_RULERS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Ruler(Saveable):
    """A monotone map from exponent to dimension with its uncertainty; build it with `calibrate_ruler`.

    It is a link: ``effective_dimension(fit, link=ruler)`` and ``symmetry_gain(fit, link=ruler)``. Each draw is one monotone curve through one posterior draw of every teacher's exponent, with the teachers
    re-weighted at random (Bayesian bootstrap) so that disagreement between teachers of like dimension counts.
    Between teachers log exponent is linear in log dimension; beyond them nothing is claimed.

    Parameters
    ----------
    dimensions
        Known dimensions of the teachers, ``(knots,)``, increasing.
    log_exponents
        ``(draws, knots)``, decreasing along the knots.
    teacher
        (model, inference) of the teachers, for the sentence; None when they are mixed.
    """

    dimensions: np.ndarray
    log_exponents: np.ndarray
    teacher: tuple[str, str] | None = None

    name: ClassVar[str] = "ruler"
    relative: ClassVar[bool] = False

    def dimension(self, exponent: Any) -> np.ndarray:
        """Return the dimension at each exponent, ``(draws, triplets)``; NaN beyond the ends of the ruler.

        All exponents of a draw are read off the same ruler, so that its uncertainty is common to them.
        """
        exponents = np.asarray(exponent, dtype=float)
        read = self.measure(exponents)
        return np.where(np.isfinite(read), read, np.nan)

    def assumptions(self, metric: str) -> tuple[str, ...]:
        """Return what a dimension off this ruler takes for granted, a sentence each."""
        whose = "the teachers" if self.teacher is None else f"{' | '.join(self.teacher)} on its teachers"
        return (
            (
                f"link ruler: exponents of {whose}, of dimension {number(self.dimensions[0])} to "
                f"{number(self.dimensions[-1])}, read backwards (measured, no formula); holds for the same model and "
                f"inference, {metric}, noise and range of sizes, and for tasks like the teachers."
            ),
        )

    def measure(self, exponent: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Return the dimension of a task whose curve has these exponents.

        Parameters
        ----------
        exponent
            Posterior draws ``(draws,)`` or ``(draws, triplets)``, independent of the ruler's own.
        seed
            Pairs the draws with rulers, and picks a dimension uniformly where a ruler is flat.

        Returns
        -------
        numpy.ndarray
            In the shape of `exponent`; minus infinity below the smallest teacher, infinity above the largest: the
            ruler ends there.
        """
        exponent = np.atleast_1d(np.asarray(exponent, dtype=float))
        rng = generator("ruler", seed)
        chosen = self.log_exponents[rng.integers(len(self.log_exponents), size=len(exponent))]
        share = rng.random(len(exponent))
        columns_of = exponent.reshape(len(exponent), -1).T
        with np.errstate(invalid="ignore", divide="ignore"):
            read = [_read(chosen, np.log(self.dimensions), np.log(column), share) for column in columns_of]
        return np.stack(read, axis=1).reshape(exponent.shape)

    def describe(self, exponent: np.ndarray, *, probability: float = PROBABILITY, seed: int = 0) -> str:
        """Return ``learns like a task of dimension k`` with its interval, or on which side the ruler ends."""
        drawn = self.measure(exponent, seed=seed)
        below, above = np.isneginf(drawn).mean(), np.isposinf(drawn).mean()
        if below > 0.5:
            return f"learns like a task of dimension below {number(self.dimensions[0])}, where the ruler ends"
        if above > 0.5:
            return (
                f"learns like a task of dimension above {number(self.dimensions[-1])}, where the ruler ends"
            )
        ends = f"; {below + above:.0%} of the posterior lies beyond the ruler" if below + above > 0 else ""
        return f"learns like a task of dimension {spell(drawn, probability)}{ends}"

    @property
    def draws(self) -> az.InferenceData:
        """The rulers as ArviZ ``InferenceData``: exponent over (chain, draw, dimension of the teacher)."""
        return labelled_draws(
            {"exponent": np.exp(self.log_exponents)},
            {"exponent": ["dimension"]},
            chains=1,
            coords={"dimension": self.dimensions},
        )

    def summary(self, probability: float = PROBABILITY) -> pd.DataFrame:
        """Return one row a knot: dimension and exponent with its interval."""
        return pd.DataFrame(
            [
                {"dimension": d, **columns("exponent", np.exp(self.log_exponents[:, k]), probability)}
                for k, d in enumerate(self.dimensions)
            ]
        )


def calibrate_ruler(
    dimensions: Sequence[float] | np.ndarray,
    exponents: np.ndarray,
    *,
    n_rulers: int = N_RULERS,
    seed: int = 0,
) -> Ruler:
    """Build a ruler from the exponents of teachers of known dimension.

    Parameters
    ----------
    dimensions
        Known dimension of each teacher, ``(teachers,)``; several teachers may share one.
    exponents
        Posterior draws, ``(draws, teachers)``.
    n_rulers
        Number of monotone curves drawn.
    seed
        Root of all random numbers.

    Raises
    ------
    InvalidInputError
        With fewer than two distinct dimensions, or exponents that are not positive.
    """
    known = np.asarray(dimensions, dtype=float)
    draws = np.asarray(exponents, dtype=float)
    knots, member = np.unique(known, return_inverse=True)
    if len(knots) < 2 or draws.ndim != 2 or draws.shape[1] != len(known):
        raise InvalidInputError(
            f"a ruler needs exponents (draws, teachers) of teachers of two dimensions or more; got dimensions "
            f"{list(dimensions)} and exponents of shape {draws.shape}"
        )
    if not ((draws > 0) & np.isfinite(draws)).all() or (knots <= 0).any():
        raise InvalidInputError("exponents and dimensions of a ruler's teachers must be positive and finite")
    rng = generator("calibrate-ruler", seed)
    weights = rng.exponential(size=(n_rulers, len(known)))
    values = np.log(draws[rng.integers(len(draws), size=n_rulers)])
    total = np.stack([weights[:, member == k].sum(axis=1) for k in range(len(knots))], axis=1)
    mean = (
        np.stack([(weights * values)[:, member == k].sum(axis=1) for k in range(len(knots))], axis=1) / total
    )
    curves = np.array([falling(row, weight) for row, weight in zip(mean, total)])
    return Ruler(knots, curves)


def ruler_from_fit(fit: CurveFit, *, model: str, inference: str, seed: int = 0) -> Ruler:
    """Build the ruler of one (model, inference) from its curves on teachers whose facts name a dimension.

    Raises
    ------
    InvalidInputError
        When fewer than two dimensions are known.
    """
    facts = triplet_facts(fit.curves, fit.triplets)
    mine = [
        i
        for i, t in enumerate(fit.triplets)
        if (t.model, t.inference) == (model, inference) and facts["dimension"].iloc[i] is not None
    ]
    known = [float(facts["dimension"].iloc[i]) for i in mine]
    if len(set(known)) < 2:
        raise InvalidInputError(
            f"the ruler of {model} | {inference} needs teachers of two known dimensions; the facts name {known}"
        )
    built = calibrate_ruler(known, fit.parameter("exponent")[:, mine], seed=seed)
    return replace(built, teacher=(model, inference))


def ruler_error(dimensions: Sequence[float], exponents: np.ndarray, *, seed: int = 0) -> pd.DataFrame:
    """Measure each teacher with a ruler made of all other teachers, so that its error is known.

    Only teachers whose dimension lies inside the others' range can be measured.

    Returns
    -------
    pandas.DataFrame
        One row per measurable teacher: known dimension, measured dimension with bounds, `log_error`.
    """
    known = np.asarray(dimensions, dtype=float)
    draws = np.asarray(exponents, dtype=float)
    rows = []
    for i, dimension in enumerate(known):
        others = np.delete(np.arange(len(known)), i)
        if not known[others].min() <= dimension <= known[others].max() or len(set(known[others])) < 2:
            continue
        ruler = calibrate_ruler(known[others], draws[:, others], seed=seed)
        measured = columns("measured", ruler.measure(draws[:, i], seed=seed))
        rows.append(
            {"dimension": dimension, **measured, "log_error": float(np.log(measured["measured"] / dimension))}
        )
    return pd.DataFrame(rows, columns=["dimension", "measured", "measured_low", "measured_high", "log_error"])


def falling(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the decreasing sequence closest to `values` in weighted least squares (pool adjacent violators).

    Examples
    --------
    >>> falling(np.array([3.0, 1.0, 2.0]), np.ones(3))
    array([3. , 1.5, 1.5])
    """
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights):
        blocks.append([float(value), float(weight), 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            weight_sum = before[1] + last[1]
            pooled = (before[0] * before[1] + last[0] * last[1]) / weight_sum
            blocks.append([pooled, weight_sum, before[2] + last[2]])
    return np.concatenate([np.full(int(count), value) for value, _, count in blocks])


def _read(
    curves: np.ndarray, log_dimensions: np.ndarray, log_exponent: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Return the dimension at which each falling curve takes each value."""
    value = log_exponent[:, None]
    found = np.full(len(log_exponent), np.nan)
    found[log_exponent > curves[:, 0]] = -np.inf
    found[log_exponent < curves[:, -1]] = np.inf
    upper, lower = curves[:, :-1], curves[:, 1:]
    inside = (value <= upper) & (value >= lower)
    first, last = inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    segment = np.where(share < 0.5, first, last)
    rows = np.flatnonzero(inside.any(axis=1))
    k = segment[rows]
    drop = upper[rows, k] - lower[rows, k]
    along = np.where(
        drop > 0, (upper[rows, k] - log_exponent[rows]) / np.where(drop > 0, drop, 1), share[rows]
    )
    found[rows] = np.exp(log_dimensions[k] + along * (log_dimensions[k + 1] - log_dimensions[k]))
    return found
