"""Which curves are scored on the same test points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.triplet import Triplet


def shared_test_sets(
    curves: LearningCurves, triplets: tuple[Triplet, ...], table: pd.DataFrame, notes: list[str]
) -> tuple[str, ...]:
    """Return the name of each curve's test set, that of its data set; nothing where none are shared.

    Transformed copies of a data set have test sets of their own.

    Parameters
    ----------
    table
        Runs with their ``curve``, a position in `triplets`, and ``n_test``.
    notes
        Takes what had to be decided.
    """
    if not curves.shared_test_set:
        return ()
    names = tuple(triplet.data for triplet in triplets)
    of_run = np.array(names)[table["curve"]]
    different = table.groupby(of_run)["n_test"].nunique()
    if different.max() > 1:
        notes.append(
            f"runs on {different.idxmax()} have different numbers of test points: none are taken for shared"
        )
        return ()
    return names
