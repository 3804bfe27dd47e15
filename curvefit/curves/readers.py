"""Files and folders into `LearningCurves`; the kind of a file is told by its name and first bytes."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from curvefit.curves.decimal_signs import keep_unsettled
from curvefit.curves.learning_curves import LearningCurves
from curvefit.curves.saved import saved_curves
from curvefit.curves.trackers import is_lcdb, is_mlflow, is_wandb, read_lcdb, read_mlflow, read_wandb
from curvefit.errors import DataFileError, InvalidInputError, did_you_mean

if TYPE_CHECKING:
    from curvefit.records import RunRecord

HOW_MADE = ("training_sets", "shared_test_set")
#: What the command line calls a test set that all runs on a data set share, and one that they do not.
TEST_SETS = {"shared": True, "own": False}
SEPARATORS = (",", ";", "\t", "|")


def read_path(path: Path, columns: dict[str, Any]) -> LearningCurves:
    """Read a store directory or a file. See `load_curves`."""
    if not path.exists():
        near = did_you_mean(path.name, [p.name for p in path.parent.glob(f"*{path.suffix}")])
        raise DataFileError(f"{path} does not exist.{near}")
    mapped, made = _split(columns)
    if path.is_dir():
        from curvefit.records import read_records

        return curves_of_store(path, read_records(path), columns)
    kind = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = kind[-1] if kind else ""
    reader = _READERS.get(suffix)
    if reader is None:
        hint = " Save the sheet as CSV." if suffix in (".xlsx", ".xls", ".ods") else ""
        raise InvalidInputError(
            f"{path.name}: cannot read {suffix or 'a file without suffix'}; known: {', '.join(_READERS)}.{hint}"
        )
    try:
        content = reader(path)
    except InvalidInputError:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise DataFileError(f"{path} cannot be read as {suffix}: {error}") from error
    if isinstance(content, pd.DataFrame) and not mapped and (saved := saved_curves(content)) is not None:
        return _made_as_said(saved, made)
    try:
        return _interpret(content, mapped, made)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path.name}: {error}") from None


def curves_of_store(path: Path, records: Iterable[RunRecord], columns: dict[str, Any]) -> LearningCurves:
    """Return the curves of the records of the store at `path`.

    Parameters
    ----------
    columns
        As in `load_curves`: how the runs were made may be said, since records may not know; nothing else.

    Raises
    ------
    InvalidInputError
        When columns are mapped, or there is no record.
    """
    mapped, made = _split(columns)
    if mapped:
        raise InvalidInputError(f"{path} is a record store: its columns are fixed, none can be mapped")
    return _made_as_said(LearningCurves.from_records(records), made)


def _split(columns: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return which column is what, and what is said of how the runs were made."""
    mapped = {name: column for name, column in columns.items() if name not in HOW_MADE}
    return mapped, {name: columns[name] for name in HOW_MADE if name in columns}


def _interpret(content: Any, columns: dict[str, Any], made: dict[str, Any]) -> LearningCurves:
    if not isinstance(content, pd.DataFrame):
        if is_lcdb(content):
            return LearningCurves.from_frame(read_lcdb(content), **made, **columns)
        content = pd.json_normalize(content) if _is_nested(content) else pd.DataFrame(content)
    if {"run_id", "schema_version", "n_train"} <= set(content.columns) and not columns:
        from curvefit.records.record import RunRecord

        rows = content.astype(object).where(content.notna(), None).to_dict("records")
        records = LearningCurves.from_records(RunRecord.from_dict(_restored(row)) for row in rows)
        return _made_as_said(records, made)
    if not columns and is_wandb(content):
        content = read_wandb(content)
    elif not columns and is_mlflow(content):
        content = read_mlflow(content)
    return LearningCurves.from_frame(content, **made, **columns)


def _made_as_said(curves: LearningCurves, made: dict[str, Any]) -> LearningCurves:
    """Return curves with what the caller says of how they were made, which goes before what they say themselves."""
    notes = tuple(
        f"{name} is {value}, as asked; the file says {getattr(curves, name)}"
        for name, value in made.items()
        if getattr(curves, name) != value
    )
    return replace(curves, **made, notes=(*curves.notes, *notes))


def _is_nested(content: Any) -> bool:
    """Tell whether content is a list of dictionaries that are no run records, which keep theirs."""
    return isinstance(content, list) and all(
        isinstance(r, dict) and "schema_version" not in r for r in content
    )


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
        elif key in ("value", "test_loss", "seconds") and value is not None:
            value = float(value)
        if value is not None or key in ("n_errors", "n_test", "value", "test_loss", "seconds"):
            restored[key] = value
    return restored


def _read_json(path: Path) -> Any:
    return json.loads(_text(path))


def _read_json_lines(path: Path) -> Any:
    rows = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
    return rows


def _read_table(path: Path) -> pd.DataFrame:
    """Read delimited text: the separator is the one that the line of names holds most of."""
    text = _text(path)
    if not text.strip():
        raise InvalidInputError(f"{path.name} is empty")
    lines = text.splitlines(keepends=True)
    while len(lines) > 1 and lines[0].startswith("#") and _separators(lines[0]) < _separators(lines[1]):
        lines.pop(0)
    separator = max(SEPARATORS, key=lines[0].count)
    frame, cells = (
        pd.read_csv(io.StringIO("".join(lines)), sep=separator, skipinitialspace=True, dtype=kind)
        for kind in (None, str)
    )
    return keep_unsettled(frame, cells, separator=separator)


def _separators(line: str) -> int:
    return max(map(re.sub(r'"[^"]*"', "", line).count, SEPARATORS))


def _text(path: Path) -> str:
    """Return a file's text, whatever editor or spreadsheet wrote it."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": _read_table,
    ".tsv": _read_table,
    ".tab": _read_table,
    ".txt": _read_table,
    ".parquet": pd.read_parquet,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
