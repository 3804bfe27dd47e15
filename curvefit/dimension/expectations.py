"""What theory says of a gain before it is measured, from the groups of data and of (model, inference)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.intervals import ROPE, probability_of
from curvefit.dimension.pairs import Pair, shape_of, triplet_facts
from curvefit.dimension.theory_table import FALLS, THEORY, Kind
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.symmetry import get_group, is_subgroup

SURE = 0.95
"""Posterior probability from which on a gain is said to be, or not to be."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What theory says of one gain.

    Parameters
    ----------
    kind
        Key of `THEORY`.
    group
        Registered name of the group that makes the difference, if any.
    order
        For a finite group: how many examples one is worth in the limit.
    orbit_dimension
        For a continuous group: by how much the dimension falls, at least.
    """

    kind: Kind
    group: str | None = None
    order: float | None = None
    orbit_dimension: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in THEORY:
            raise unknown_name("kind of expectation", self.kind, THEORY)
        if self.kind == "finite-group" and (self.order is None or self.order < 1):
            raise InvalidInputError(f"a finite group needs its order, at least 1, not {self.order!r}")
        if self.kind in FALLS and not self.orbit_dimension:
            raise InvalidInputError("a continuous group needs the dimension of its orbits, at least 1")

    @property
    def dimension(self) -> str:
        """What theory says of the effective dimension."""
        if self.orbit_dimension:
            return FALLS[self.kind].format(self.orbit_dimension)
        return THEORY[self.kind][0]

    @property
    def sample_gain(self) -> str:
        """What theory says of the sample gain."""
        if self.order:
            return f"tends to {self.order:g}"
        return THEORY[self.kind][1]

    def agreement(self, dimension_gain: np.ndarray, floor_gain: np.ndarray, *, rope: float = ROPE) -> str:
        """Return how a measured gain compares: confirmed, allowed, contradicted, or open.

        Parameters
        ----------
        dimension_gain, floor_gain
            Draws of one pair, ``(draws,)``, as in `SymmetryGain`.
        rope
            Half-width of the region of practical equivalence of the log dimension gain; a change counts when it lies
            outside with probability `SURE`.

        Returns
        -------
        str
            "allowed" is a measurement that theory neither asks for nor excludes: all that is decided where it says
            "may", or a change of exponent by a finite group over a finite range.
        """
        lower, higher, same = (
            probability_of(where, dimension_gain) >= SURE
            for where in (
                dimension_gain > np.exp(rope),
                dimension_gain < np.exp(-rope),
                np.abs(np.log(dimension_gain)) <= rope,
            )
        )
        if self.kind == "unknown":
            return "open"
        plateau = {"wrong-group": floor_gain < 0, "wrong-group-of-baseline": floor_gain > 0}.get(self.kind)
        risen = plateau is not None and probability_of(plateau, floor_gain) >= SURE
        if not (lower or higher or same or risen):
            return "open"
        if self.kind == "same-curve":
            return "confirmed" if same else "contradicted"
        if self.kind in FALLS:
            return "confirmed" if lower else "contradicted"
        if self.kind == "finite-group":
            return "confirmed" if same else "allowed" if lower else "contradicted"
        return "allowed"

    def __str__(self) -> str:
        which = f" ({self.group})" if self.group else ""
        return f"theory{which}: dimension {self.dimension}, sample gain {self.sample_gain}; {THEORY[self.kind][2]}."


def expect(curves: LearningCurves, pair: Pair) -> Expectation:
    """Return what theory says of the gain of `pair`, from the facts in the curves.

    A pair that differs in the data by a transform is judged by whether the transform lies in the group of
    (model, inference); a pair that differs in model or inference by the groups of the learned functions, each of
    which is right where the data has it as that learner meets it, and where these are equal by the groups of the
    two algorithms.
    """
    facts = triplet_facts(curves, [pair.baseline, pair.aligned])
    base, aligned = facts.iloc[0], facts.iloc[1]
    if base["model_symmetry"] is None or aligned["model_symmetry"] is None:
        return Expectation("unknown")
    if pair.changed == "data":
        if base["transform"] == aligned["transform"]:
            return Expectation("unknown")
        kept = all(noticed_transform(side) == "trivial" for side in (base, aligned))
        return Expectation("same-curve" if kept else "lost-alignment", str(base["transform"]))
    return Expectation("unknown") if "data" in pair.changed else _expect_on_same_data(base, aligned)


def noticed_transform(facts: pd.Series) -> str:
    """Return the transform in a row of `triplet_facts`, "trivial" where it lies in the group of (model, inference).

    Rotated by an element g of what is returned, data of symmetry G have for this learner the symmetry ``g G g'``.
    """
    transform = str(facts["transform"])
    kept = is_subgroup(transform, str(facts["model_symmetry"]), shape=shape_of(facts))
    return "trivial" if kept else transform


def _expect_on_same_data(base: pd.Series, aligned: pd.Series) -> Expectation:
    shape = shape_of(aligned)
    old, new = (str(side["function_symmetry"] or "trivial") for side in (base, aligned))
    old_right, new_right = (
        is_subgroup(group, str(side["data_symmetry"]), shape=shape, transform=noticed_transform(side))
        for group, side in ((old, base), (new, aligned))
    )
    if old_right and not new_right:
        return Expectation("wrong-group", new)
    if new_right and not old_right:
        return Expectation("wrong-group-of-baseline", old)
    whole, part = (str(side["model_symmetry"]) for side in (base, aligned))
    if not (old_right and is_subgroup(old, new, shape=shape) and is_subgroup(part, whole, shape=shape)):
        return Expectation("unknown")
    fewer_copies = not is_subgroup(whole, part, shape=shape)
    if is_subgroup(new, old, shape=shape):
        return Expectation("fewer-copies", part) if fewer_copies else Expectation("unknown")
    return _expect_of_group(old, new, shape, fewer_copies=fewer_copies)


def _expect_of_group(
    old: str, new: str, shape: tuple[int, int, int] | None, *, fewer_copies: bool
) -> Expectation:
    if shape is None:
        return Expectation("unknown", new)
    before, after = (get_group(name, shape=shape) for name in (old, new))
    drop = after.orbit_dimension - before.orbit_dimension
    if drop > 0:
        kind: Kind = "continuous-group-and-fewer-copies" if fewer_copies else "continuous-group"
        return Expectation(kind, new, orbit_dimension=drop)
    if after.order is None or before.order is None:
        return Expectation("unknown", new)
    if fewer_copies:
        return Expectation("finite-group-and-fewer-copies", new)
    return Expectation("finite-group", new, order=after.order / before.order)
