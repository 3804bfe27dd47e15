"""``curvefit fit``: from a table of test errors to exponents with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curvefit.cli.fitted import fit_curves, leave_by, takes_settings
from curvefit.cli.output import AsJson, print_json, print_table, print_text
from curvefit.cli.source import Source, read_curves, takes_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("data", "model", "inference", "exponent", "floor", "error_at_n_max", "sizes", "n_min", "n_max")


@takes_settings
@takes_table
def fit(
    source: Source,
    *,
    choice: dict[str, Any],
    settings: dict[str, Any],
    save: Annotated[Path | None, typer.Option("--save", help="Keep the fit in this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit learning curves: status first, then a sentence per curve, then a table.

    The hierarchical Bayesian fit of error = floor + amplitude * n ** -exponent, for every curve at once.

    Ctrl-C while it samples keeps the draws so far: they are shown, and saved with --save. Leaves with exit code 3
    when the fit has not converged.
    """
    curves = read_curves(source, **choice)
    if not as_json:
        print_text(str(curves))
    fitted = fit_curves(curves, **settings)
    if save is not None:
        fitted.save(save)
    summary = fitted.summary()
    if as_json:
        print_json(
            {
                "converged": fitted.status.converged,
                "status": str(fitted.status),
                "family": fitted.family,
                "likelihood": fitted.likelihood,
                "notes": [*curves.notes, *fitted.notes],
                "curves": summary,
                "saved": save,
            }
        )
    else:
        print_text(f"\n{fitted}")
        print_table(with_intervals(summary, ("exponent", "floor", "error_at_n_max"))[list(SHOWN)])
        if save is not None:
            print_text(f"\nsaved to {save}; use it as in: curvefit predict {save}")
    leave_by(fitted.status, source)


def with_intervals(summary: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the summary with ``estimate [lower, upper]`` as text in the named columns."""
    table = summary.copy()
    for name in names:
        table[name] = [
            f"{middle:.3g} [{lower:.3g}, {upper:.3g}]"
            for middle, lower, upper in table[[name, f"{name}_lower", f"{name}_upper"]].to_numpy()
        ]
    return table
