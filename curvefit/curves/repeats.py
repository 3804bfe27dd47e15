"""Curves that are one measurement under several names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.triplet import AXES

COINCIDENCE = 1e-9
"""Two separate measurements are taken for one when they would agree in every run with less than this probability."""


def same_measurement(curves: LearningCurves) -> np.ndarray:
    """Return, for every triplet, the position of the first triplet that is the same measurement, or its own.

    A kernel that a rotation leaves unchanged has one learning curve, whatever the rotated data is called, and two
    architectures can share a kernel: records then agree in every size, seed and count. Counted twice, such a curve would
    pass for independent evidence. Agreement by chance is excluded: counts of separate runs with the same error rate
    are equal with probability ``1 / sqrt(4 pi v)`` each, v their binomial variance.

    Returns
    -------
    numpy.ndarray
        ``(triplets,)``, in the order of ``curves.triplets``.
    """
    table = curves.usable.sort_values(["n_train", "seed"], kind="stable")
    first: dict[bytes, int] = {}
    groups = dict(list(table.groupby(list(AXES), sort=False)))
    found = np.arange(len(curves.triplets))
    for position, triplet in enumerate(curves.triplets):
        runs = groups.get(tuple(triplet))
        if runs is None or _log_coincidence(runs) > np.log(COINCIDENCE):
            continue
        content = runs[["n_train", "seed", "n_errors", "n_test", "value"]].to_numpy(float)
        key = str(runs["metric"].iloc[0]).encode() + np.ascontiguousarray(content).tobytes()
        found[position] = first.setdefault(key, position)
    return found


def _log_coincidence(runs: pd.DataFrame) -> float:
    """Return the log probability that a second measurement of the same curve gives the same numbers."""
    counts, tests = runs["n_errors"].to_numpy(float), runs["n_test"].to_numpy(float)
    if np.isfinite(counts).all() and np.isfinite(tests).all():
        variance = counts * (1 - counts / tests)
        return float(-0.5 * np.log(np.maximum(4 * np.pi * variance, 1.0)).sum())
    return -np.log(1e6) * runs["value"].nunique()
