"""Which triplets are compared: pairs that differ in one member, found from labels and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError, unknown_name
from curvefit.triplet import AXES, Triplet

FACT_DEFAULTS: Mapping[str, Any] = {
    "transform": "trivial",
    "data_symmetry": "trivial",
    "model_symmetry": None,
    "function_symmetry": None,
    "source": None,
    "shape": None,
    "dimension": None,
    "predicted_exponent": None,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two triplets that differ in one member.

    Parameters
    ----------
    baseline
        The misaligned one, or the one without the symmetry.
    aligned
        The one whose gain over the baseline is asked for.
    """

    baseline: Triplet
    aligned: Triplet

    @property
    def differing(self) -> tuple[str, ...]:
        """Axes in which the two differ."""
        return tuple(axis for axis in AXES if getattr(self.baseline, axis) != getattr(self.aligned, axis))

    @property
    def changed(self) -> str:
        """Axis in which the two differ: data, model or inference."""
        return " and ".join(self.differing)

    def members(self, side: Literal["baseline", "aligned"]) -> str:
        """Return the labels of one side that the other side does not share."""
        return " | ".join(getattr(getattr(self, side), axis) for axis in self.differing)

    def __str__(self) -> str:
        return f"{self.aligned} against {self.members('baseline')}"


def baseline_name(pairs: Sequence[Pair]) -> str:
    """Return the label that the baselines of all pairs have and no aligned triplet has; "the baseline" if there is none."""
    against = [{(axis, getattr(pair.baseline, axis)) for axis in pair.differing} for pair in pairs]
    shared = dict(set.intersection(*against))
    return " | ".join(shared[axis] for axis in AXES if axis in shared) or "the baseline"


def pair_coords(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the coordinates of a ``pair`` dimension of draws: its label, and both triplets."""
    sides = {side: ("pair", [str(getattr(pair, side)) for pair in pairs]) for side in ("aligned", "baseline")}
    return {"pair": [str(pair) for pair in pairs], **sides}


def triplet_facts(curves: LearningCurves, triplets: Sequence[Triplet]) -> pd.DataFrame:
    """Return the facts of `triplets`, one row each in their order, absent facts filled with defaults."""
    frame = curves.facts.drop_duplicates(list(AXES)).set_index(list(AXES))
    frame = frame.reindex(pd.MultiIndex.from_tuples([tuple(t) for t in triplets], names=list(AXES)))
    for name, default in FACT_DEFAULTS.items():
        values = frame[name] if name in frame else pd.Series([None] * len(frame), index=frame.index)
        filled = [default if _missing(value) else value for value in values]
        frame[name] = pd.Series(filled, index=frame.index, dtype=object)
    return frame.reset_index().astype(object)


def shape_of(facts: pd.Series) -> tuple[int, int, int] | None:
    """Return the image shape in a row of `triplet_facts`, or None when it is unknown."""
    if facts["shape"] is None:
        return None
    height, width, channels = (int(side) for side in facts["shape"])
    return height, width, channels


def reference_data(curves: LearningCurves, reference: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return, for each transformed data label, the label of the same data without the transform.

    Parameters
    ----------
    curves
        Curves whose facts name the `transform` of each data label.
    reference
        Overrides: ``{transformed label: reference label}``.

    Raises
    ------
    InvalidInputError
        When two labels could both be the reference; say which by `reference`.
    """
    facts = triplet_facts(curves, curves.triplets).drop_duplicates("data").set_index("data")
    given = dict(reference or {})
    for label in (*given, *given.values()):
        if label not in facts.index:
            raise unknown_name("data", label, facts.index)
    plain = facts[facts["transform"] == "trivial"]
    found = {}
    for label, row in facts[facts["transform"] != "trivial"].iterrows():
        if label in given:
            found[str(label)] = given[str(label)]
            continue
        same = plain[[_same(other, row) for _, other in plain.iterrows()]]
        match = _closest(str(label), str(row["transform"]), row["data_symmetry"], same)
        if match is not None:
            found[str(label)] = match
    return found


def transform_pairs(curves: LearningCurves, *, reference: Mapping[str, str] | None = None) -> list[Pair]:
    """Return the pairs (transformed data, the same data untransformed) at equal model and inference."""
    plain_label = reference_data(curves, reference)
    present = set(curves.triplets)
    return [
        Pair(triplet, partner)
        for triplet in curves.triplets
        if triplet.data in plain_label
        and (partner := triplet._replace(data=plain_label[triplet.data])) in present
    ]


def _same(one: pd.Series, other: pd.Series) -> bool:
    return one["source"] == other["source"] and str(one["shape"]) == str(other["shape"])


def _closest(label: str, transform: str, data_symmetry: str, plain: pd.DataFrame) -> str | None:
    if len(plain) <= 1:
        return str(plain.index[0]) if len(plain) else None
    spelled = label.replace(transform, "trivial")
    if spelled in plain.index:
        return spelled
    beginnings = [str(other) for other in plain.index if label.startswith(str(other))]
    if beginnings:
        return max(beginnings, key=len)
    stem = label.replace(transform, "")
    scores = {
        str(other): SequenceMatcher(None, stem, str(other).replace("trivial", "")).ratio()
        + (row["data_symmetry"] == data_symmetry)
        for other, row in plain.iterrows()
    }
    best = sorted(scores, key=lambda other: -scores[other])
    if scores[best[0]] - scores[best[1]] < 1e-9:
        raise InvalidInputError(
            f"data {label!r} could be a transform of {best[0]!r} or of {best[1]!r}; say which by "
            f"reference={{{label!r}: {best[0]!r}}}"
        )
    return best[0]


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value) or value is pd.NA
