"""Where curves come from on the command line: a file or store, the mapping of its columns, a choice of triplets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.cli.numbers import parse_size, read_number
from curvefit.cli.options import Option, block_of_options
from curvefit.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves

MAY_BE_NUMBERS = ("n_test", "chance_error", "value_se")

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        help="A table (CSV, TSV, Parquet, JSON lines), or the folder of a study's records.",
        show_default=False,
    ),
]
TABLE_OPTIONS = {
    "column": Option(
        Annotated[
            list[str] | None,
            typer.Option(
                "--column",
                "-c",
                metavar="NAME=COLUMN",
                help="Which column is what, for example -c n_train=samples -c value=err -c n_test=10000. "
                "Names: data, model, inference, n_train, seed, n_errors, n_test, value, value_se, accuracy, "
                "chance_error, metric, seconds, status. What is not given is guessed, and the guess is printed.",
            ),
        ]
    ),
    "training_sets": Option(
        Annotated[
            str | None,
            typer.Option(
                "--training-sets",
                help="How training sets were drawn: nested (a smaller one is part of the larger) or independent. Goes before "
                "what the source says.",
            ),
        ]
    ),
    "test_sets": Option(
        Annotated[
            str | None,
            typer.Option(
                "--test-sets",
                help="Whether all runs on a data set were scored on the same test points (shared) or each on its own (own). Goes "
                "before what the source says.",
            ),
        ]
    ),
    "data": Option(
        Annotated[list[str] | None, typer.Option("--data", help="Keep these datasets (* for any text).")]
    ),
    "model": Option(
        Annotated[list[str] | None, typer.Option("--model", help="Keep these models (* for any text).")]
    ),
    "inference": Option(
        Annotated[
            list[str] | None, typer.Option("--inference", help="Keep these algorithms (* for any text).")
        ]
    ),
    "metric": Option(
        Annotated[str | None, typer.Option("--metric", help="Keep this metric: error-rate, mse or loss.")]
    ),
    "from_size": Option(
        Annotated[
            int | None,
            typer.Option("--from", parser=parse_size, metavar="SIZE", help="Drop training sizes below this."),
        ]
    ),
    "to_size": Option(
        Annotated[
            int | None,
            typer.Option("--to", parser=parse_size, metavar="SIZE", help="Drop training sizes above this."),
        ]
    ),
}


takes_table = block_of_options("choice", TABLE_OPTIONS)
"""Give a command the options that say how to read a table and what to keep, as its parameter ``choice``."""


def read_curves(path: Path, **choice: Any) -> LearningCurves:
    """Load curves and keep the chosen triplets and sizes.

    Parameters
    ----------
    path
        Table or record store.
    choice
        Options of `TABLE_OPTIONS` that were given.

    Raises
    ------
    InvalidInputError
        When a mapping is not ``NAME=COLUMN``, `path` is a saved fit, or nothing is left.
    """
    from curvefit.curves import load_curves
    from curvefit.curves.choice import choose
    from curvefit.fitting.saved import is_saved_fit

    if is_saved_fit(path):
        raise InvalidInputError(
            f"{path} is a saved fit: report, gain, predict and design read it; here curves are wanted"
        )
    columns, kept = split_choice(choice)
    return choose(load_curves(path, **columns), kept)


def split_choice(choice: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keyword arguments of `load_curves`, and those of `select` and `drop_sizes`."""
    columns = column_map(choice.get("column", []))
    if "training_sets" in choice:
        columns["training_sets"] = choice["training_sets"]
    if "test_sets" in choice:
        from curvefit.curves.readers import TEST_SETS

        if choice["test_sets"] not in TEST_SETS:
            raise unknown_name("kind of test sets", choice["test_sets"], TEST_SETS)
        columns["shared_test_set"] = TEST_SETS[choice["test_sets"]]
    names = {"data": "data", "model": "model", "inference": "inference", "metric": "metric"}
    names |= {"from_size": "below", "to_size": "above"}
    return columns, {names[name]: value for name, value in choice.items() if name in names}


def column_map(pairs: list[str]) -> dict[str, Any]:
    """Turn ``["n_train=samples", "n_test=1000"]`` into keyword arguments; numbers become numbers."""
    mapping: dict[str, Any] = {}
    for pair in pairs:
        name, separator, column = pair.partition("=")
        if not separator or not name or not column:
            raise InvalidInputError(f"--column {pair!r} is not NAME=COLUMN, for example n_train=samples")
        name, column = name.strip(), column.strip()
        if name in mapping:
            raise InvalidInputError(f"--column says what {name} is twice: {mapping[name]} and {column}")
        number = read_number(column, whole=name == "n_test") if name in MAY_BE_NUMBERS else None
        mapping[name] = column if number is None else number
    return mapping
