"""What theory says of a gain before it is measured, from the groups of data and of (model, inference)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.dimension.intervals import ROPE, probability_of
from curvefit.dimension.pairs import Pair, shape_of, triplet_facts
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.symmetry import get_group, is_subgroup

Kind = Literal[
    "same-curve",
    "finite-group",
    "finite-group-and-fewer-copies",
    "continuous-group",
    "wrong-group",
    "fewer-copies",
    "lost-alignment",
    "unknown",
]

THEORY: dict[str, tuple[str, str, str]] = {
    "same-curve": (
        "unchanged",
        "one",
        (
            "the rotation lies in the group of (model, inference), so both curves are equal in distribution "
            "(Li, Zhang, Arora, arXiv:2010.08515)"
        ),
    ),
    "finite-group": (
        "unchanged",
        "tends to the order of the group",
        (
            "a finite group that the data has multiplies the examples and leaves the exponent "
            "(Tahmasebi, Jegelka, arXiv:2303.14269)"
        ),
    ),
    "continuous-group": (
        "falls by the dimension of the orbits",
        "a volume factor besides",
        (
            "a continuous group that the data has lowers the dimension by that of its orbits "
            "(Tahmasebi, Jegelka, arXiv:2303.14269)"
        ),
    ),
    "finite-group-and-fewer-copies": (
        "may fall",
        "may rise beyond the order of the group",
        (
            "a finite group that the data has multiplies the examples, and besides the group of (model, inference) is "
            "smaller, about which theory gives no number"
        ),
    ),
    "wrong-group": (
        "may be undefined: a plateau",
        "may fall below one",
        (
            "the data is not built to have this symmetry; where it lacks it the target cannot be represented and the "
            "error stays at a plateau"
        ),
    ),
    "fewer-copies": (
        "may fall",
        "may rise",
        (
            "a smaller group of (model, inference) has fewer rotated copies of the task to be equally good at; "
            "theory bounds the larger group from below and gives no number (Li, Zhang, Arora, arXiv:2010.08515)"
        ),
    ),
    "lost-alignment": (
        "may fall",
        "may rise",
        "the rotation lies outside the group of (model, inference), so what alignment was worth may be lost",
    ),
    "unknown": (
        "no prediction",
        "no prediction",
        "the groups of the two are equal, not comparable, or unknown",
    ),
}
"""Kind to (effective dimension, sample gain, reason with its source)."""

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
        For a continuous group: by how much the dimension falls.
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
        if self.kind == "continuous-group" and not self.orbit_dimension:
            raise InvalidInputError("a continuous group needs the dimension of its orbits, at least 1")

    @property
    def dimension(self) -> str:
        """What theory says of the effective dimension."""
        if self.orbit_dimension:
            return f"falls by {self.orbit_dimension}"
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
        if self.kind == "wrong-group":
            plateau = higher or probability_of(floor_gain < 0, floor_gain) >= SURE
            return "allowed" if plateau or lower or same else "open"
        if not (lower or higher or same):
            return "open"
        if self.kind == "same-curve":
            return "confirmed" if same else "contradicted"
        if self.kind == "continuous-group":
            return "confirmed" if lower else "contradicted"
        if self.kind == "finite-group":
            return "confirmed" if same else "allowed" if lower else "contradicted"
        return "allowed"

    def __str__(self) -> str:
        which = f" ({self.group})" if self.group else ""
        return f"theory{which}: dimension {self.dimension}, sample gain {self.sample_gain}; {THEORY[self.kind][2]}."


def expectation_table() -> pd.DataFrame:
    """Return the theory table: kind, effective dimension, sample gain, reason."""
    rows = [(kind, *words) for kind, words in THEORY.items()]
    return pd.DataFrame(rows, columns=["kind", "dimension", "sample_gain", "reason"])


def expect(curves: LearningCurves, pair: Pair) -> Expectation:
    """Return what theory says of the gain of `pair`, from the facts in the curves.

    A pair that differs in the data by a transform is judged by whether the transform lies in the group of
    (model, inference); a pair that differs in model or inference by the groups of the learned functions, and
    where these are equal by the groups of the two algorithms.
    """
    facts = triplet_facts(curves, [pair.baseline, pair.aligned])
    base, aligned = facts.iloc[0], facts.iloc[1]
    shape = shape_of(aligned)
    if base["model_symmetry"] is None or aligned["model_symmetry"] is None:
        return Expectation("unknown")

    def inside(small: object, large: object) -> bool:
        return is_subgroup(str(small), str(large), shape=shape)

    if pair.changed == "data":
        if base["transform"] == aligned["transform"]:
            return Expectation("unknown")
        kept = all(inside(side["transform"], side["model_symmetry"]) for side in (base, aligned))
        return Expectation("same-curve" if kept else "lost-alignment", str(base["transform"]))
    if "data" in pair.changed:
        return Expectation("unknown")
    old, new = base["function_symmetry"] or "trivial", aligned["function_symmetry"] or "trivial"
    if not inside(new, old):
        task = task_symmetry(aligned)
        if not inside(new, task):
            return Expectation("wrong-group", str(new))
        gained = _group_gain(str(old), str(new), shape)
        smaller = not inside(base["model_symmetry"], aligned["model_symmetry"])
        if smaller and gained.kind == "finite-group":
            return Expectation("finite-group-and-fewer-copies", str(new))
        return gained if not smaller else Expectation("unknown", str(new))
    if inside(aligned["model_symmetry"], base["model_symmetry"]) and not inside(
        base["model_symmetry"], aligned["model_symmetry"]
    ):
        return Expectation("fewer-copies", str(aligned["model_symmetry"]))
    return Expectation("unknown")


def task_symmetry(facts: pd.Series) -> str:
    """Return the symmetry that the learner can use: a transform outside its own group moves the data's elsewhere."""
    transform, symmetry = str(facts["transform"]), str(facts["model_symmetry"])
    return str(facts["data_symmetry"]) if is_subgroup(transform, symmetry) else "trivial"


def _group_gain(old: str, new: str, shape: tuple[int, int, int] | None) -> Expectation:
    if shape is None:
        return Expectation("unknown", new)
    before, after = (get_group(name, shape=shape) for name in (old, new))
    drop = after.orbit_dimension - before.orbit_dimension
    if drop > 0:
        return Expectation("continuous-group", new, orbit_dimension=drop)
    if after.order is not None and before.order is not None:
        return Expectation("finite-group", new, order=after.order / before.order)
    return Expectation("unknown", new)
