"""Where curves come from on the command line: a file or store, the mapping of its columns, a choice of triplets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.errors import InvalidInputError

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves

MAY_BE_NUMBERS = ("n_test", "chance_error", "value_se")

Source = Annotated[
    Path,
    typer.Argument(
        help="A table (CSV, TSV, Parquet, JSON lines), or the folder of a study's records.",
        show_default=False,
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        "-c",
        metavar="NAME=COLUMN",
        help="Which column is what, for example -c n_train=samples -c value=err -c n_test=10000. "
        "Names: data, model, inference, n_train, seed, n_errors, n_test, value, value_se, accuracy, "
        "chance_error, metric, status. What is not given is guessed, and the guess is printed.",
    ),
]
DataPattern = Annotated[
    list[str] | None, typer.Option("--data", help="Keep these datasets (shell patterns).")
]
ModelPattern = Annotated[
    list[str] | None, typer.Option("--model", help="Keep these models (shell patterns).")
]
InferencePattern = Annotated[
    list[str] | None, typer.Option("--inference", help="Keep these algorithms (shell patterns).")
]
Metric = Annotated[str | None, typer.Option("--metric", help="Keep this metric: error-rate, mse or loss.")]
FromSize = Annotated[int | None, typer.Option("--from", help="Drop training sizes below this.")]
ToSize = Annotated[int | None, typer.Option("--to", help="Drop training sizes above this.")]


def read_curves(
    path: Path,
    *,
    columns: list[str] | None = None,
    data: list[str] | None = None,
    model: list[str] | None = None,
    inference: list[str] | None = None,
    metric: str | None = None,
    from_size: int | None = None,
    to_size: int | None = None,
) -> LearningCurves:
    """Load curves and keep the chosen triplets and sizes.

    Raises
    ------
    InvalidInputError
        When a mapping is not ``NAME=COLUMN``, or nothing is left.
    """
    from curvefit.curves import load_curves

    curves = load_curves(path, **column_map(columns or []))
    if data or model or inference or metric:
        curves = curves.select(
            data=data or None, model=model or None, inference=inference or None, metric=metric
        )
    if from_size is not None or to_size is not None:
        curves = curves.drop_sizes(below=from_size, above=to_size)
    return curves


def column_map(pairs: list[str]) -> dict[str, Any]:
    """Turn ``["n_train=samples", "n_test=1000"]`` into keyword arguments; numbers become numbers."""
    mapping: dict[str, Any] = {}
    for pair in pairs:
        name, separator, column = pair.partition("=")
        if not separator or not name or not column:
            raise InvalidInputError(f"--column {pair!r} is not NAME=COLUMN, for example n_train=samples")
        mapping[name.strip()] = _number_or_text(column.strip()) if name.strip() in MAY_BE_NUMBERS else column
    return mapping


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
