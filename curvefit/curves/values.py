"""What was measured: counts, rates, percentages, accuracies or losses, brought to one column and one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from curvefit.curves.names import ACCURACY, PERCENT, is_accuracy, words
from curvefit.curves.numbers import parse_numbers
from curvefit.curves.quality import METRICS
from curvefit.errors import InvalidInputError

METRIC_NAMES = {"error-rate": "error rate", "mse": "mean squared error", "loss": "loss"}
_SAYS_PERCENT = {"percent", "percentage", "pct", "perc"}
_LOSSES = {"loss", "nll", "entropy", "perplexity", "nats", "bits", "deviance", "mae", "rmse"}
_SQUARED = {"mse", "squared"}


@dataclass(frozen=True, slots=True)
class Values:
    """Measured values with their metric, the factor that made them shares, and what was guessed."""

    value: pd.Series
    metric: Any
    scale: float
    notes: tuple[str, ...]


def read_values(frame: pd.DataFrame, chosen: dict[str, Any]) -> Values:
    """Read the measured column among `chosen`: n_errors, value or accuracy.

    Raises
    ------
    InvalidInputError
        When counts come without n_test, or the unit of the values cannot be told.
    """
    if "n_errors" in chosen:
        if "n_test" not in chosen:
            raise InvalidInputError(
                f"error counts in {str(chosen['n_errors'])!r} need n_test, the number of test points: a column or a "
                "number, as in n_test=10000 (on the command line: -c n_test=10000)"
            )
        errors = number_column(frame, chosen, "n_errors")
        parts = errors[errors % 1 > 0]
        if len(parts):
            raise InvalidInputError(
                f"column {str(chosen['n_errors'])!r} holds {parts.iloc[0]:g}: n_errors must be whole numbers, the counts of "
                "single runs and no means over seeds"
            )
        return Values(errors / number_column(frame, chosen, "n_test"), "error-rate", 1.0, ())
    if "value" not in chosen:
        return _accuracies(frame, str(chosen["accuracy"]))
    column, given = str(chosen["value"]), chosen.get("metric")
    if given == ACCURACY:
        return _accuracies(frame, column)
    percent = given == PERCENT or (given is None and says_percent(column))
    read = parse_numbers(frame[column], where=f"{column!r} (value)", percent=percent)
    scale = 0.01 if read.in_percent else 1.0
    if percent:
        return Values(read.values, "error-rate", scale, (f"read {_shown(column)} as error rates in percent",))
    if given in METRICS:
        _refuse_percentages(read.values, column, str(given))
        return Values(read.values, given, scale, (f"read {_shown(column)} as {given}",))
    if given is not None:
        accuracies = frame[given].astype(str).map(is_accuracy)
        notes = ("rows whose metric is an accuracy became errors, 1 - accuracy",) if accuracies.any() else ()
        errors = read.values.where(~accuracies, 1 - read.values)
        return Values(errors, frame[given].map(_named_metric), scale, notes)
    metric, note = _guess_metric(column, read.values)
    return Values(read.values, metric, scale, (note,))


def number_column(frame: pd.DataFrame, chosen: dict[str, Any], role: str) -> pd.Series:
    """Return a role's numbers: its column, its constant, or NaN where there is neither."""
    column = chosen.get(role)
    if not isinstance(column, str):
        return pd.Series(float("nan") if column is None else float(column), index=frame.index)
    return parse_numbers(frame[column], where=f"{column!r} ({role})", suffixes=role == "n_train").values


def says_percent(column: str) -> bool:
    """Tell whether a column's name says that its numbers are percentages."""
    return bool(words(column) & _SAYS_PERCENT)


def _accuracies(frame: pd.DataFrame, column: str) -> Values:
    where = f"{column!r} (accuracy)"
    read = parse_numbers(frame[column], where=where, percent=says_percent(column))
    if read.values.max() > 1.5 and not read.in_percent:
        read = parse_numbers(frame[column], where=where, percent=True)
    unit = " in percent" if read.in_percent else ""
    note = f"read {_shown(column)} as accuracies{unit}; errors are 1 - accuracy"
    return Values(1 - read.values, "error-rate", 0.01 if read.in_percent else 1.0, (note,))


def _named_metric(name: Any) -> str:
    said = words(str(name))
    if str(name) in METRICS:
        return str(name)
    return "mse" if said & _SQUARED else "loss" if said & _LOSSES else "error-rate"


def _guess_metric(column: str, value: pd.Series) -> tuple[str, str]:
    metric = _named_metric(column)
    if metric == "error-rate":
        _refuse_percentages(value, column, "")
    note = f"read {_shown(column)} as the {METRIC_NAMES[metric]} (metric= says otherwise; on the command line: -c metric=...)"
    if "rmse" in words(column):
        note += "; the exponent of a root mean squared error is half that of the squared error"
    return metric, note


def _refuse_percentages(value: pd.Series, column: str, metric: str) -> None:
    """Values above 1 are no error rates; whether they are percentages or losses, the caller must say."""
    known = value.dropna()
    if metric in ("mse", "loss") or not len(known) or (known > 1).mean() <= 0.5:
        return
    raise InvalidInputError(
        f"most values in {_shown(column)} are above 1 (largest {known.max():g}): no error rates. Say metric='percent', 'loss' or 'mse' "
        "(on the command line: -c metric=percent)"
    )


def _shown(column: str) -> str:
    return "the table" if column.startswith("(") else f"column {column!r}"
