"""Flags of whole curves: what deserves a weaker answer, and what looks like a table read wrongly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.quality import FEWEST_SIZES
from curvefit.curves.size_means import size_means
from curvefit.triplet import AXES

NARROWEST_RANGE = 8.0


def curve_flags(usable: pd.DataFrame) -> pd.DataFrame:
    """Return the flags of whole curves: data, model, inference, flag, reason.

    Flags: too-short, narrow-range, one-seed, all-zero, all-chance, constant, saturated, non-monotone.
    A flagged curve is still fitted where that is possible; its answer is weaker, and the reason says why.
    """
    rows = []
    for triplet, part in size_means(usable).groupby(list(AXES), sort=False):
        rows += [
            {**dict(zip(AXES, triplet)), "flag": flag, "reason": reason} for flag, reason in _judge(part)
        ]
    return pd.DataFrame(rows, columns=[*AXES, "flag", "reason"])


def _judge(part: pd.DataFrame) -> list[tuple[str, str]]:
    n, value = part["n_train"].to_numpy(float), part["value"].to_numpy(float)
    se = part["value_se"].to_numpy(float)
    spread = np.where(np.isfinite(se), se, 0.02 * np.abs(value))
    chance = float(part["chance_error"].iloc[0])
    flags = []
    if len(n) < FEWEST_SIZES:
        flags.append(("too-short", f"only {len(n)} size(s); a law with a floor needs {FEWEST_SIZES} or more"))
    elif n[-1] / n[0] < NARROWEST_RANGE:
        flags.append(
            (
                "narrow-range",
                f"sizes span a factor {n[-1] / n[0]:.1f} only: the exponent is hardly identified",
            )
        )
    if part["replicates"].max() == 1 and not np.isfinite(part["value_se"]).any():
        flags.append(("one-seed", "one seed and no standard error: noise and misfit cannot be told apart"))
    if np.all(value == 0):
        return [*flags, ("all-zero", "every error is 0: only an upper bound of the error is known")]
    if np.isfinite(chance) and np.all(value > chance - 2 * spread - 1e-12):
        return [
            *flags,
            ("all-chance", f"no error is below the chance level {chance:.3g}: nothing was learned"),
        ]
    if np.ptp(value) <= 1e-12:
        return [*flags, ("constant", f"every value is {value[0]:.4g}: no exponent can be read")]
    if len(n) >= FEWEST_SIZES:
        flags += _shape_flags(n, value, spread)
    return flags


def _shape_flags(n: np.ndarray, value: np.ndarray, spread: np.ndarray) -> list[tuple[str, str]]:
    flags = []
    lowest = np.minimum.accumulate(value)
    where = np.array([int(np.argmin(value[: i + 1])) for i in range(len(value))])
    rise = value - lowest
    noise = np.hypot(spread, spread[where])
    worst = int(np.argmax(rise / np.maximum(noise, 1e-12) * (rise > 0.05 * np.abs(lowest))))
    if rise[worst] > max(3 * noise[worst], 0.05 * abs(lowest[worst])):
        ends = ((lowest[worst], n[where[worst]]), (value[worst], n[worst]))
        low, high = (f"{level:.4g} at n = {size:,.0f}" for level, size in ends)
        flags.append(("non-monotone", f"the error rises from {low} to {high}"))
    half = n >= np.sqrt(n[0] * n[-1])
    if half.sum() >= 3 and value[half][0] > 0:
        first, last = value[half][0], value[-1]
        noise_ends = np.hypot(spread[half][0], spread[-1])
        fell_before = value[0] - first > 3 * np.hypot(spread[0], spread[half][0])
        if fell_before and abs(first - last) < max(noise_ends, 0.01 * first):
            flags.append(
                (
                    "saturated",
                    f"no fall beyond n = {n[half][0]:,.0f}: the exponent rests on the smaller sizes",
                )
            )
    return flags
