"""What theory says of every kind of gain: the words, with their sources."""

from __future__ import annotations

from typing import Literal

import pandas as pd

Kind = Literal[
    "same-curve",
    "finite-group",
    "finite-group-and-fewer-copies",
    "continuous-group",
    "continuous-group-and-fewer-copies",
    "wrong-group",
    "wrong-group-of-baseline",
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
    "continuous-group-and-fewer-copies": (
        "falls by the dimension of the orbits or more",
        "a volume factor besides",
        (
            "a continuous group that the data has lowers the dimension by that of its orbits "
            "(Tahmasebi, Jegelka, arXiv:2303.14269), and besides the group of (model, inference) is smaller, about "
            "which theory gives no number"
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
    "wrong-group-of-baseline": (
        "may fall from an undefined one: a plateau",
        "may rise above one",
        (
            "the data is not built to have this symmetry of the baseline's function; where it lacks it the baseline's "
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
        "the groups of the two are equal, not comparable, both wrong, or unknown",
    ),
}
"""Kind to (effective dimension, sample gain, reason with its source)."""

FALLS = {
    "continuous-group": "falls by {}",
    "continuous-group-and-fewer-copies": "falls by at least {}",
}
"""Kinds of which theory says by how much the effective dimension falls, in words."""


def expectation_table() -> pd.DataFrame:
    """Return the theory table: kind, effective dimension, sample gain, reason."""
    rows = [(kind, *words) for kind, words in THEORY.items()]
    return pd.DataFrame(rows, columns=["kind", "dimension", "sample_gain", "reason"])
