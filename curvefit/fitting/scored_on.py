"""Which curves are scored on the same test points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.triplet import AXES, Triplet

#: Facts that the untransformed test points of two data sets have in common where they are the same.
_SAME_POINTS = ("source", "shape", "n_classes")


def shared_test_sets(
    curves: LearningCurves, triplets: tuple[Triplet, ...], table: pd.DataFrame, notes: list[str]
) -> tuple[str, ...]:
    """Return the name of each curve's test set, the first data set scored on it; nothing where none are shared.

    Data sets of one source are transformed copies: their test points are the same. Without facts every data set has its own.

    Parameters
    ----------
    table
        Runs with their ``curve``, a position in `triplets`, and ``n_test``.
    notes
        Takes what had to be decided.
    """
    if not curves.shared_test_set:
        return ()
    facts = curves.facts.set_index(list(AXES))
    known = [name for name in _SAME_POINTS if name in facts]
    first: dict[tuple[str, ...], str] = {}
    names = []
    for triplet in triplets:
        values = facts.loc[tuple(triplet), known]
        copied = "source" in known and pd.notna(values["source"])
        key = tuple(map(str, values)) if copied else (triplet.data,)
        names.append(first.setdefault(key, triplet.data))
    of_run = np.array(names)[table["curve"]]
    different = table.groupby(of_run)["n_test"].nunique()
    if different.max() > 1:
        notes.append(
            f"runs on {different.idxmax()} have different numbers of test points: none are taken for shared"
        )
        return ()
    return tuple(names)
