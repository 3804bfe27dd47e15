"""Flags of whole curves: what deserves a weaker answer, and what looks like a table read wrongly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from curvefit.curves.quality import FEWEST_SIZES
from curvefit.curves.size_means import size_means
from curvefit.curves.zero_rates import zeros_without_counts
from curvefit.triplet import AXES

NARROWEST_RANGE = 8.0
LOUD = ("rising", "above-chance", "zeros-without-n-test", "too-short")
"""Flags that come first: the table may say something else than was meant, or too little for an answer of its own."""
RISING = (
    "every curve rises with more training data: are these accuracies? Say metric='accuracy' "
    "(on the command line: -c metric=accuracy)"
)


def curve_flags(usable: pd.DataFrame) -> pd.DataFrame:
    """Return the flags of whole curves: data, model, inference, flag, reason.

    Flags: rising, above-chance, zeros-without-n-test, too-short (these come first, see `LOUD`), narrow-range,
    one-seed, all-zero, all-chance, constant, saturated, non-monotone. A flagged curve is still fitted where that is
    possible; its answer is weaker, and the reason says why.
    """
    curves = list(size_means(usable).groupby([*AXES, "metric"], sort=False))
    found = [(curve[:3], *judged) for curve, part in curves for judged in _judge(part)]
    rates = [(curve[:3], part) for curve, part in curves if curve[3] == "error-rate"]
    if all(_rises(part) for _, part in rates):
        found += [(triplet, "rising", RISING) for triplet, _ in rates]
    found += [(triplet, "zeros-without-n-test", reason) for triplet, reason in zeros_without_counts(usable)]
    found.sort(key=lambda entry: LOUD.index(entry[1]) if entry[1] in LOUD else len(LOUD))
    return pd.DataFrame([(*triplet, *said) for triplet, *said in found], columns=[*AXES, "flag", "reason"])


def above_chance(part: pd.DataFrame) -> np.ndarray:
    """Tell at which sizes of a curve the error rate lies clearly above the chance level: beyond noise, and by 5 % of it.

    A squared error may well do so (it peaks where a model begins to interpolate), and is not judged.
    """
    value, chance = part["value"].to_numpy(float), part["chance_error"].to_numpy(float)
    judged = (part["metric"] == "error-rate").to_numpy() & (chance > 0)
    return judged & (value - chance > np.maximum(4 * _noise(part), 0.05 * chance))


def _noise(part: pd.DataFrame) -> np.ndarray:
    """Return the standard errors of a curve's means, 2 % of the value where none is known."""
    value, se = part["value"].to_numpy(float), part["value_se"].to_numpy(float)
    return np.where(np.isfinite(se), se, 0.02 * np.abs(value))


def _rises(part: pd.DataFrame) -> bool:
    """Tell whether a curve rises from its first size to its last, far beyond noise, and hardly falls."""
    value, noise = part["value"].to_numpy(float), _noise(part)
    steps, rise = np.diff(value), value[-1] - value[0]
    clear = max(0.1 * value[0], 4 * np.hypot(noise[0], noise[-1]))
    return bool(rise > clear and -steps.clip(max=0).sum() < 0.2 * rise)


def _judge(part: pd.DataFrame) -> list[tuple[str, str]]:
    n, value = part["n_train"].to_numpy(float), part["value"].to_numpy(float)
    spread = _noise(part)
    chance = float(part["chance_error"].iloc[0])
    above = above_chance(part)
    flags = []
    if above.any():
        said = f"errors up to {value.max():.3g} lie above the chance level {chance:.3g}"
        asked = f"is {chance:.3g} a chance accuracy? chance_error is the error of guessing"
        flags.append(("above-chance", f"{said}: {asked}"))
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
    if not above.any() and np.isfinite(chance) and np.all(value > chance - 2 * spread - 1e-12):
        return [
            *flags,
            ("all-chance", f"no error is below the chance level {chance:.3g}: nothing was learned"),
        ]
    if len(n) > 1 and np.ptp(value) <= 1e-12:
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
