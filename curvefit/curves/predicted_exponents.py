"""Exponents that theory expects of curves, by what their facts say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES


def predicted_exponents(facts: pd.DataFrame) -> pd.Series:
    """Return the exponents that theory expects, by (data, model, inference); NaN where it is silent.

    A prediction in the facts of a dataset speaks of a student with the symmetry of the target: it is left out where
    the facts say that the data has a symmetry and the learned function has another.
    """
    index = pd.MultiIndex.from_frame(facts[list(AXES)])
    if "predicted_exponent" not in facts.columns:
        return pd.Series(np.nan, index=index)
    values = pd.to_numeric(facts["predicted_exponent"])
    if {"data_symmetry", "function_symmetry"} <= set(facts.columns):
        target = facts["data_symmetry"].fillna("trivial")
        values = values.where((target == "trivial") | (target == facts["function_symmetry"].fillna(target)))
    return pd.Series(values.to_numpy(dtype=float), index=index)
