"""Error rates of 0 without the number of test points: how small they are is then not known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.triplet import AXES

MOST_TEST_POINTS = 10_000
FEWEST_RATES = 4
"""A number of test points is proposed from so many different rates between 0 and 1."""


def zeros_without_counts(usable: pd.DataFrame) -> list[tuple[tuple[str, ...], str]]:
    """Return the triplets with rates of 0 that are no counts, each with a sentence that asks for n_test."""
    counted = usable["n_test"].notna() & usable["n_errors"].notna()
    rates = usable[(usable["metric"] == "error-rate") & ~counted]
    found = []
    for triplet, part in rates.groupby(list(AXES), sort=False):
        zeros = int((part["value"] == 0).sum())
        if 0 < zeros < len(part):
            number = whole_number_of_tests(part["value"].to_numpy(float))
            proposal = f" Its rates are multiples of 1/{number}: n_test={number}?" if number else ""
            found.append((triplet, _ASK.format(zeros=zeros, rows=len(part)) + proposal))
    return found


_ASK = (
    "{zeros} of {rows} error rates are 0, and without the number of test points nobody knows how small they are: "
    "say n_test, or floor and exponent rest on a guess (on the command line: -c n_test=...)."
)


def whole_number_of_tests(rates: np.ndarray) -> int | None:
    """Return the least number of test points that makes every rate a count, if a plausible one does.

    A power of ten is none: rates that were rounded to a few digits look the same.
    """
    inside = np.unique(rates[(rates > 0) & (rates < 1)])
    if len(inside) < FEWEST_RATES:
        return None
    numbers = np.arange(2, MOST_TEST_POINTS + 1)
    for rate in inside:
        counts = rate * numbers
        numbers = numbers[np.abs(counts - np.round(counts)) < 1e-6]
    if not len(numbers) or np.log10(numbers[0]) % 1 == 0:
        return None
    return int(numbers[0])
