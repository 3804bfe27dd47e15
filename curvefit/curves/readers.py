"""Files and folders into `LearningCurves`; the kind of a file is told by its name and first bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, cast

import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.curves.trackers import is_lcdb, is_mlflow, is_wandb, read_lcdb, read_mlflow, read_wandb
from curvefit.errors import DataFileError, InvalidInputError


def read_path(path: Path, columns: dict[str, Any]) -> LearningCurves:
    """Read a store directory, a folder of one table, or a file. See `load_curves`."""
    if not path.exists():
        raise DataFileError(f"{path} does not exist")
    if path.is_dir():
        if columns:
            raise InvalidInputError(f"{path} is a record store: its columns are fixed, none can be mapped")
        return _read_store(path)
    kind = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = kind[-1] if kind else ""
    reader = _READERS.get(suffix)
    if reader is None:
        raise InvalidInputError(
            f"{path.name}: cannot read {suffix or 'a file without suffix'}; known: {', '.join(_READERS)}"
        )
    try:
        content = reader(path)
    except InvalidInputError:
        raise
    except (OSError, ValueError, EOFError, pd.errors.ParserError) as error:
        raise DataFileError(f"{path} cannot be read as {suffix}: {error}") from error
    try:
        return _interpret(content, columns)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path.name}: {error}") from None


def _interpret(content: Any, columns: dict[str, Any]) -> LearningCurves:
    if not isinstance(content, pd.DataFrame):
        if is_lcdb(content):
            return LearningCurves.from_frame(read_lcdb(content), **columns)
        content = pd.json_normalize(content) if isinstance(content, list) else pd.DataFrame(content)
    if {"run_id", "schema_version", "n_train"} <= set(content.columns) and not columns:
        from curvefit.records.record import RunRecord

        rows = content.astype(object).where(content.notna(), None).to_dict("records")
        return LearningCurves.from_records(RunRecord.from_dict(_restored(row)) for row in rows)
    if not columns and is_wandb(content):
        return LearningCurves.from_frame(read_wandb(content))
    if not columns and is_mlflow(content):
        return LearningCurves.from_frame(read_mlflow(content))
    return LearningCurves.from_frame(content, **columns)


def _restored(row: dict[str, Any]) -> dict[str, Any]:
    """Undo what a flat table does to a record: JSON text back to dictionaries, whole floats to integers."""
    restored = {}
    for key, value in row.items():
        if (
            isinstance(value, str)
            and value[:1] == "{"
            and key in ("spec", "data_facts", "model_facts", "extra", "provenance")
        ):
            value = json.loads(value)
        elif key in ("n_errors", "n_test", "n_train", "seed") and value is not None:
            value = int(value)
        if value is not None or key in ("n_errors", "n_test", "value", "test_loss", "seconds"):
            restored[key] = value
    return restored


def _read_store(path: Path) -> LearningCurves:
    from curvefit.records import read_records

    return LearningCurves.from_records(read_records(path))


def _read_json(path: Path) -> Any:
    with _open_text(path) as file:
        return json.load(file)


def _read_json_lines(path: Path) -> Any:
    with _open_text(path) as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return pd.DataFrame(rows)


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": lambda path: (
        pd.read_csv(path, sep=None, engine="python") if _semicolons(path) else pd.read_csv(path)
    ),
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".tab": lambda path: pd.read_csv(path, sep="\t"),
    ".parquet": pd.read_parquet,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}


def _semicolons(path: Path) -> bool:
    with _open_text(path) as file:
        first = file.readline()
    return first.count(";") > first.count(",")


def _open_text(path: Path) -> TextIO:
    return (
        cast(TextIO, gzip.open(path, "rt", encoding="utf-8"))
        if path.suffix == ".gz"
        else path.open(encoding="utf-8")
    )
