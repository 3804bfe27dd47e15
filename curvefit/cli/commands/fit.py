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

SPELT = ("exponent", "floor", "error_at_n_max")
SHOWN = (
    "data",
    "model",
    "inference",
    "exponent",
    "by_least_squares",
    "floor",
    "error_at_n_max",
    "sizes",
    "n_min",
    "n_max",
)


@takes_settings
@takes_table
def fit(
    source: Source,
    *,
    choice: dict[str, Any],
    settings: dict[str, Any],
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", file_okay=False, help="Keep the fit in this folder; a fit that is there is replaced."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit learning curves: status first, then a sentence per curve, then a table.

    The hierarchical Bayesian fit of error = floor + amplitude * n ** -exponent, for every curve at once.

    Ctrl-C while it samples keeps the draws so far: they are shown, and saved with --save. Leaves with exit code 3
    when the fit has not converged.
    """
    from curvefit.fitting.saved import is_saved_fit

    curves = read_curves(source, **choice)
    if not as_json:
        print_text(str(curves))
    fitted = fit_curves(curves, **settings)
    replaced = save is not None and is_saved_fit(save)
    if save is not None:
        fitted.save(save)
    summary, checked = fitted.summary(), ""
    if fitted.has_power_law:
        from curvefit.report import cross_check, cross_check_sentence

        beside = cross_check(fitted)
        checked = cross_check_sentence(beside)
        summary = summary.join(beside.filter(like="least_squares_"))
    if as_json:
        print_json(
            {
                "converged": fitted.status.converged,
                "status": str(fitted.status),
                "family": fitted.family,
                "likelihood": fitted.likelihood,
                "notes": [*curves.notes, *fitted.notes],
                "curves": summary,
                "cross_check": checked,
                "saved": save,
            }
        )
    else:
        print_text(f"\n{fitted}" + (f"\n{checked}" if checked else ""))
        table = with_least_squares(with_intervals(summary, SPELT))
        print_table(table[[name for name in SHOWN if name in table]])
        if save is not None:
            done = "replaced the fit in" if replaced else "saved to"
            print_text(f"\n{done} {save}; use it as in: curvefit predict {save}")
    leave_by(fitted.status, source)


def with_intervals(summary: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the summary with ``estimate [lower, upper]`` as text in those of the columns that it has."""
    from curvefit.report.cells import interval

    rows, table = summary.to_dict("records"), summary.copy()
    for name in (name for name in names if name in summary):
        table[name] = [interval(row, name) for row in rows]
    return table


def with_least_squares(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with the least-squares exponent as text, marked where the posterior's interval does not hold it."""
    if "least_squares_exponent" not in summary:
        return summary
    spelt = [
        "none"
        if agreement == "none"
        else f"{value:.3g}" + ("" if agreement == "inside" else f" ({agreement})")
        for value, agreement in summary[["least_squares_exponent", "least_squares_agreement"]].to_numpy()
    ]
    return summary.assign(by_least_squares=spelt)
