"""Which column is what: given by name, guessed from names, or read off a wide table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.quality import METRICS
from curvefit.errors import InvalidInputError, did_you_mean, unknown_name
from curvefit.triplet import AXES

TABLE_COLUMNS = (
    "data", "model", "inference", "n_train", "seed", "metric", "n_errors", "n_test", "value", "value_se",
    "chance_error", "seconds", "status", "flag",
)  # fmt: skip

# Known spellings, most telling first; compared in lower case with every other sign removed.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "n_train": (
        "ntrain", "n", "trainsize", "trainingsize", "trainingsetsize", "samples", "nsamples", "numsamples",
        "sizetrain", "trainexamples", "seenexamples", "examples", "anchor", "m", "size", "numtrain", "datasetsize",
        "trainset", "tokens", "ntokens", "step",
    ),
    "seed": ("seed", "replicate", "rep", "repetition", "trial", "outerseed", "fold", "split"),
    "n_errors": ("nerrors", "errors", "errorcount", "nwrong", "wrong", "mistakes", "numerrors"),
    "n_test": ("ntest", "testsize", "testsetsize", "numtest", "total"),
    "value": (
        "value", "testerror", "testerr", "errorrate", "error", "err", "testerrorrate", "meanerror", "y",
        "testmse", "mse", "testloss", "loss", "valloss", "valerror", "valerr", "crossentropy", "nll",
    ),
    "accuracy": ("testaccuracy", "testacc", "accuracy", "acc", "valaccuracy", "valacc", "score"),
    "value_se": ("valuese", "se", "stderr", "standarderror", "errorse", "testse", "sem", "testerrse", "losse"),
    "chance_error": ("chanceerror", "chance", "chancelevel"),
    "metric": ("metric",),
    "data": ("data", "dataset", "datasetid", "openmlid", "task", "problem"),
    "model": ("model", "architecture", "arch", "network", "learner", "estimator", "classifier"),
    "inference": ("inference", "algorithm", "optimizer", "optimiser", "training"),
    "seconds": ("seconds", "time", "runtime", "duration", "cpuseconds"),
    "status": ("status", "state"),
}  # fmt: skip
_LOSS = re.compile(r"loss|nll|entropy|perplexity|nats|bits")
_SQUARED = re.compile(r"mse|squared")
_FINISHED = {"ok", "finished", "success", "succeeded", "completed", "complete", "done"}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Column names, or constants where a number or a metric's name may stand for a column."""

    data: str | None = None
    model: str | None = None
    inference: str | None = None
    n_train: str | None = None
    seed: str | None = None
    n_errors: str | None = None
    n_test: str | float | None = None
    value: str | None = None
    accuracy: str | None = None
    value_se: str | float | None = None
    chance_error: str | float | None = None
    metric: str | None = None
    seconds: str | None = None
    status: str | None = None

    @classmethod
    def build(cls, columns: Mapping[str, Any]) -> ColumnMap:
        """Build a map from keywords, refusing unknown ones with the nearest known name."""
        known = [f.name for f in fields(cls)]
        for name in columns:
            if name not in known:
                raise unknown_name("column", name, known)
        return cls(**columns)

    def given(self) -> dict[str, Any]:
        """Return what was set."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A tidy table (without flags), whether it named its seeds, and what was guessed."""

    table: pd.DataFrame
    seeds_given: bool
    notes: tuple[str, ...]


def map_columns(frame: pd.DataFrame, columns: ColumnMap) -> MappedTable:
    """Turn a tidy or wide frame into the table of `LearningCurves`, without flags.

    Raises
    ------
    InvalidInputError
        When sizes or errors cannot be found, or numbers are text.
    """
    if frame.empty or not len(frame.columns):
        raise InvalidInputError("the table of learning curves is empty")
    frame = frame.reset_index(drop=True)
    frame.columns = [str(c).strip() for c in frame.columns]
    chosen, notes = _choose(frame, columns)
    frame, chosen, wide_notes = _lengthen(frame, chosen)
    notes += wide_notes
    if "n_train" not in chosen:
        raise InvalidInputError(
            f"no column with training-set sizes among {', '.join(frame.columns)}; "
            "name it, as in n_train='<column>'"
        )
    if not {"value", "n_errors", "accuracy"} & chosen.keys():
        raise InvalidInputError(
            f"no column with test errors among {', '.join(frame.columns)}; name it, as in value='<column>', "
            "n_errors='<column>' or accuracy='<column>'"
        )
    table, number_notes = _numbers(frame, chosen)
    return MappedTable(table, "seed" in chosen, tuple(notes + number_notes))


def _choose(frame: pd.DataFrame, columns: ColumnMap) -> tuple[dict[str, Any], list[str]]:
    chosen: dict[str, Any] = {}
    for name, column in columns.given().items():
        constant = (name in ("n_test", "chance_error", "value_se") and isinstance(column, int | float)) or (
            name == "metric" and column in METRICS
        )
        if not constant and column not in frame.columns:
            extra = f" (or one of {', '.join(METRICS)})" if name == "metric" else ""
            raise InvalidInputError(
                f"{name}={column!r} is no column; columns: {', '.join(frame.columns)}{extra}."
                f"{did_you_mean(str(column), frame.columns)}"
            )
        chosen[name] = column
    plain = {column: re.sub(r"[^a-z0-9]", "", column.lower()) for column in frame.columns}
    notes = []
    taken = set(map(str, chosen.values()))
    for name, spellings in SPELLINGS.items():
        if name in chosen or (
            name in ("value", "accuracy") and {"value", "n_errors", "accuracy"} & chosen.keys()
        ):
            continue
        for spelling in spellings:
            hits = [c for c, p in plain.items() if p == spelling and c not in taken]
            if hits and _fits(name, frame[hits[0]]):
                chosen[name] = hits[0]
                taken.add(hits[0])
                if hits[0] != name:
                    notes.append(f"read column {hits[0]!r} as {name}")
                break
    if "value" in chosen and "n_errors" in chosen and "value" not in columns.given():
        del chosen["value"]
    return chosen, notes


def _fits(name: str, column: pd.Series) -> bool:
    if name in ("data", "model", "inference", "metric", "status", "seed"):
        return name != "inference" or not pd.api.types.is_numeric_dtype(column)
    return bool(pd.to_numeric(column, errors="coerce").notna().any())


def _lengthen(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any], list[str]]:
    """Bring a wide table (sizes as columns, or curves as columns) into rows."""
    sizes = [c for c in frame.columns if re.fullmatch(r"(n[_ =]?)?\d+(\.0*)?(e\+?\d+)?", c.lower())]
    if "n_train" not in chosen and len(sizes) >= 2:
        rest = [c for c in frame.columns if c not in sizes]
        long = frame.melt(id_vars=rest, value_vars=sizes, var_name="n_train", value_name="_value")
        long["n_train"] = long["n_train"].str.lower().str.replace(r"^n[_ =]?", "", regex=True).astype(float)
        long = long[long["_value"].notna()].reset_index(drop=True)
        return (
            long,
            {**chosen, "n_train": "n_train", "value": "_value"},
            [f"read a wide table: the {len(sizes)} columns {sizes[0]} ... {sizes[-1]} are sizes"],
        )
    if "n_train" in chosen and not {"value", "n_errors", "accuracy"} & chosen.keys():
        used = {v for v in chosen.values() if isinstance(v, str)}
        curves = [c for c in frame.columns if c not in used and pd.api.types.is_numeric_dtype(frame[c])]
        if curves:
            rest = [c for c in frame.columns if c not in curves]
            long = frame.melt(id_vars=rest, value_vars=curves, var_name="_curve", value_name="_value")
            long = long[long["_value"].notna()].reset_index(drop=True)
            seeds = all(re.fullmatch(r"(seed|rep|run|replicate|trial)?[_ ]?\d+", c.lower()) for c in curves)
            axis = "seed" if seeds else "model"
            names = ", ".join(curves[:4]) + (" ..." if len(curves) > 4 else "")
            note = (
                f"read a wide table: the {len(curves)} columns {names} are {'seeds' if seeds else 'models'}"
            )
            return long, {**chosen, axis: "_curve", "value": "_value"}, [note]
    return frame, chosen, []


def _numbers(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    notes: list[str] = []
    table = pd.DataFrame(index=frame.index)
    for axis in AXES:
        table[axis] = frame[chosen[axis]].map(_label) if axis in chosen else axis
    size = _number(frame, chosen, "n_train")
    if ((size > 0) & (size < 1)).any():
        raise InvalidInputError(
            f"column {chosen['n_train']!r} holds fractions such as {size[(size > 0) & (size < 1)].iloc[0]:g}; "
            "n_train must count training examples"
        )
    if (size.dropna() % 1 != 0).any():
        notes.append("sizes that are no whole numbers were rounded")
    table["n_train"] = size.round().fillna(0).clip(-(2**62), 2**62).astype("int64")
    seed = frame[chosen["seed"]] if "seed" in chosen else pd.Series(np.nan, index=frame.index)
    table["seed"] = _seed_numbers(seed) if "seed" in chosen else seed
    value, metric, more = _values(frame, chosen)
    notes += more
    table["metric"] = metric
    table["n_errors"] = _number(frame, chosen, "n_errors")
    table["n_test"] = _number(frame, chosen, "n_test")
    table["value"] = value
    _recover_counts(table)
    for name in ("value_se", "chance_error", "seconds"):
        table[name] = _number(frame, chosen, name)
    if "status" in chosen:
        text = frame[chosen["status"]].astype(str).str.strip().str.lower()
        table["status"] = text.where(~text.isin(_FINISHED), "ok")
    else:
        table["status"] = "ok"
    return table, notes


def _values(frame: pd.DataFrame, chosen: dict[str, Any]) -> tuple[pd.Series, Any, list[str]]:
    notes: list[str] = []
    given = chosen.get("metric")
    if "n_errors" in chosen:
        if "n_test" not in chosen:
            raise InvalidInputError(
                "error counts need n_test, the number of test points (a column or a number)"
            )
        return _number(frame, chosen, "n_errors") / _number(frame, chosen, "n_test"), "error-rate", notes
    if "value" not in chosen:
        value = _number(frame, chosen, "accuracy")
        if value.max() > 1.5:
            value = value / 100
            notes.append(f"accuracies in {chosen['accuracy']!r} were read as percent")
        notes.append(f"errors are 1 - {chosen['accuracy']!r}")
        return 1 - value, "error-rate", notes
    value = _number(frame, chosen, "value")
    if given in METRICS:
        metric: Any = given
    elif given is not None:
        metric = frame[given].map(_metric_of)
    else:
        metric = _metric_of(chosen["value"], value)
        notes.append(f"read {chosen['value']!r} as {metric} (set metric= to say otherwise)")
    if isinstance(metric, str) and metric == "error-rate" and (value.dropna() > 1).mean() > 0.5:
        raise InvalidInputError(
            f"most error rates in {chosen['value']!r} are above 1 (largest {value.max():g}): divide percentages by 100, "
            "or say metric='loss' or metric='mse'"
        )
    return value, metric, notes


def _metric_of(name: Any, value: pd.Series | None = None) -> str:
    text = str(name).lower()
    if text in METRICS:
        return text
    if _SQUARED.search(text):
        return "mse"
    if _LOSS.search(text):
        return "loss"
    inside = value is None or bool(((value.dropna() >= -0.5) & (value.dropna() <= 1.5)).mean() > 0.5)
    if (
        text in ("error", "err", "value", "y", "_value")
        and not inside
        and value is not None
        and value.max() < 100.5
    ):
        return "error-rate"
    return "error-rate" if inside else "loss"


def _recover_counts(table: pd.DataFrame) -> None:
    """Fill n_errors where a rate times n_test is a whole number, so that the binomial law applies."""
    product = table["value"] * table["n_test"]
    whole = product.round()
    fits = (
        table["n_errors"].isna()
        & (table["metric"] == "error-rate")
        & ((product - whole).abs() < 0.02 + 1e-4 * whole)
    )
    table.loc[fits, "n_errors"] = whole


def _number(frame: pd.DataFrame, chosen: dict[str, Any], name: str) -> pd.Series:
    column = chosen.get(name)
    if column is None:
        return pd.Series(np.nan, index=frame.index)
    if not isinstance(column, str):
        return pd.Series(float(column), index=frame.index)
    numbers = pd.to_numeric(frame[column], errors="coerce").astype(float)
    text = (
        frame[column].notna()
        & numbers.isna()
        & ~frame[column].astype(str).str.strip().str.lower().isin(("", "nan"))
    )
    if text.any():
        row = int(np.flatnonzero(text)[0])
        raise InvalidInputError(
            f"column {column!r} ({name}), row {row + 1}: {frame[column].iloc[row]!r} is no number"
        )
    return numbers


def _seed_numbers(seed: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(seed, errors="coerce")
    if numbers.notna().all() and (numbers % 1 == 0).all():
        return numbers.astype(int)
    return pd.Series(pd.factorize(seed)[0], index=seed.index)


def _label(value: Any) -> str:
    if isinstance(value, float) and value == round(value) and abs(value) < 1e6:
        return str(int(value))
    return str(value)
