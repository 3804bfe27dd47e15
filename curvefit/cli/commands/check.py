"""``curvefit check``: is this study, or this table, fit to be run or fitted? Nothing is run."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from curvefit.cli.lazy import missing_dependency
from curvefit.cli.output import AsJson, print_json, print_table, print_text
from curvefit.cli.source import read_curves, takes_table
from curvefit.errors import InvalidInputError

CHECKS_GROUP = "curvefit.checks"


@takes_table
def check(
    source: Annotated[
        Path, typer.Argument(help="A study (TOML), a table, or the folder of a study's records.")
    ],
    *,
    choice: dict[str, Any],
    as_json: AsJson = False,
) -> None:
    """Check a study or a table without running or fitting it: what was read, guessed, and flagged.

    Leaves with exit code 2 when nothing in it can be used; every mistake of a study is listed at once.
    """
    if source.suffix == ".toml" or (not source.exists() and source.suffix == ""):
        _check_study(source, as_json=as_json)
    else:
        _check_table(source, choice, as_json=as_json)


def _check_study(source: Path, *, as_json: bool) -> None:
    points = {point.name: point for point in entry_points(group=CHECKS_GROUP)}
    if "study" not in points:
        raise missing_dependency("check", "runners")
    found: Any = points["study"].load()(source)
    sentences = [found] if isinstance(found, str) else list(found or ["the study can be run"])
    if as_json:
        print_json({"ok": True, "study": source, "notes": sentences})
    else:
        print_text("\n".join(map(str, sentences)))


def _check_table(source: Path, choice: dict[str, Any], *, as_json: bool) -> None:
    curves = read_curves(source, **choice)
    flagged = curves.table[curves.table["flag"] != ""]
    usable = len(curves.usable)
    if as_json:
        print_json(
            {
                "ok": usable > 0,
                "rows": len(curves),
                "usable": usable,
                "metrics": sorted(curves.usable["metric"].unique()),
                "notes": curves.notes,
                "flagged": flagged[["data", "model", "inference", "n_train", "seed", "flag"]],
                "warnings": curves.warnings,
                "curves": curves.summary() if usable else [],
            }
        )
    else:
        print_text(str(curves))
        if usable:
            print_table(curves.summary(), title="what a fit would use")
    if not usable:
        raise InvalidInputError(f"{source} has no usable row")
