"""Estimates with intervals in tables: a quantity ``x`` stands in the columns ``x``, ``x_low`` and ``x_high``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def end_columns(name: str) -> list[str]:
    """Return the names of the columns that hold the low and the high end of a quantity's interval."""
    return [f"{name}_low", f"{name}_high"]


def interval_columns(name: str, quantiles: Iterable[Any]) -> dict[str, Any]:
    """Return the columns of a quantity from its low end, median and high end, in the order of `equal_tails`.

    Examples
    --------
    >>> interval_columns("exponent", (0.4, 0.5, 0.6))
    {'exponent': 0.5, 'exponent_low': 0.4, 'exponent_high': 0.6}
    """
    low, middle, high = quantiles
    return dict(zip((name, *end_columns(name)), (middle, low, high), strict=True))
