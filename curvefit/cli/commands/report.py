"""``curvefit report``: a study's records, or a table, into one self-contained page with its tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curvefit.cli.fitted import FitSource, leave_by, takes_settings
from curvefit.cli.output import AsJson, print_json, print_progress, print_text
from curvefit.cli.source import split_choice, takes_table


@takes_settings
@takes_table
def report(
    source: FitSource,
    *,
    choice: dict[str, Any],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder to write into.", show_default=False)
    ],
    settings: dict[str, Any],
    as_json: AsJson = False,
) -> None:
    """Write report.html (one file, no network), report.md, exponents.csv, PNG figures, and gains.csv where there are gains.

    A fit that was saved there is used again as long as records and settings are the same; a fit saved by
    'curvefit fit --save' is reported as it is. Prints the path and the three most telling sentences. Leaves with
    exit code 3 when the fit has not converged.
    """
    from curvefit.report import write_study_report

    columns, kept = split_choice(choice)
    print_progress(f"reporting {source}")
    written = write_study_report(source, out, columns=columns, choice=kept, **settings)
    if as_json:
        print_json(
            {
                "report": written.path,
                "verdict": written.report.verdict,
                "converged": written.report.converged,
                "quotable": written.report.quotable,
                "status": written.report.status,
                "reused_fit": written.reused,
            }
        )
    else:
        print_text(f"{written.report.status}\n")
        print_text(
            "\n".join(f"{i}. {sentence}" for i, sentence in enumerate(written.report.verdict, start=1))
        )
        print_text(f"\n{written.path}" + (" (saved fit used again)" if written.reused else ""))
    leave_by(written.fit.status, source)
