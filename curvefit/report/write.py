"""Reports on disk: a page from a fit, or a whole folder from a study's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curvefit.errors import InvalidInputError
from curvefit.report.build import PLAIN_QUESTION, Occasion, all_gains, build_report
from curvefit.report.content import Report
from curvefit.report.render import to_html, to_markdown
from curvefit.report.saved_fit import fit_or_reuse
from curvefit.report.sources import asked_words, open_study

if TYPE_CHECKING:
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit


def write_report(
    source: CurveFit | SymmetryGain,
    path: str | Path,
    *,
    name: str = "learning curves",
    question: str = PLAIN_QUESTION,
    probability: float = 0.9,
) -> Path:
    """Write a report as one self-contained HTML file, or as Markdown with figures beside it.

    Parameters
    ----------
    source
        A fit, or a gain.
    path
        File to write: ``.html``, or ``.md`` (then figures go into a folder ``figures`` beside it).
    name, question
        Title, and what was asked.
    probability
        Mass of all intervals.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidInputError
        When `path` ends in something else.
    """
    path = Path(path)
    if path.suffix not in (".html", ".md"):
        raise InvalidInputError(f"a report is written as .html or .md, not as {path.name!r}")
    report = build_report(source, occasion=Occasion(name, question), probability=probability)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".html":
        path.write_text(to_html(report), encoding="utf-8")
    else:
        path.write_text(to_markdown(report), encoding="utf-8")
        _write_figures(report, path.parent / "figures")
    return path


TABLE_FILES = ("exponents", "parameters", "invariance", "theory")
"""Tables that are written as CSV under their own key."""


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What was written, and what it says.

    Parameters
    ----------
    path
        The HTML file.
    report
        Its content.
    fit
        The fit it rests on.
    reused
        Whether a saved fit was reused.
    """

    path: Path
    report: Report
    fit: CurveFit
    reused: bool


def write_study_report(
    source: str | Path,
    out: str | Path,
    *,
    columns: Mapping[str, Any] | None = None,
    choice: Mapping[str, Any] | None = None,
    **settings: Any,
) -> WrittenReport:
    """Fit the curves of a study (or a table) and write report, tables and figures into a folder.

    A fit saved there is reused as long as records and settings are the same.

    Parameters
    ----------
    source
        Folder of a study's records, a table, or a saved fit, which is reported as it is.
    out
        Folder for ``report.html``, ``report.md``, ``exponents.csv`` (``parameters.csv`` of a family without a power law),
        ``gains.csv``, ``invariance.csv``, ``theory.csv`` (the last three where there is any), ``figures/`` and ``fit/``.
    columns
        Columns of a table, as in `load_curves`.
    choice
        Which curves: data, model, inference, metric as in `LearningCurves.select`, below, above as in `drop_sizes`.
    settings
        Keyword arguments of `curvefit.fit`.

    Raises
    ------
    InvalidInputError
        When columns, a choice or settings are given for a saved fit.
    """
    from curvefit.fitting.saved import is_saved_fit, load_fit

    source, out = Path(source), Path(out)
    asked = asked_words(columns or {}, choice or {}, settings)
    if is_saved_fit(source):
        if asked:
            raise InvalidInputError(
                f"{source} is a saved fit and reported as it is: columns, a choice and settings are for tables "
                f"(on the command line: {' '.join(asked)})"
            )
        fit, reused = load_fit(source), True
        name = source.resolve().parent.name if source.name == "fit" else source.name
        occasion = Occasion(name, repeat=(f"curvefit report {source} --out {out}",))
    else:
        curves, occasion = open_study(source, out, columns=columns, choice=choice, asked=asked)
        fit, reused = fit_or_reuse(curves, out / "fit", **settings)
    report = build_report(fit, occasion=occasion)
    out.mkdir(parents=True, exist_ok=True)
    frames = {table.key: table.frame for table in report.tables if table.key in TABLE_FILES}
    gains = all_gains(report)
    if len(gains):
        frames["gains"] = gains
    for name in (*TABLE_FILES, "gains"):
        (out / f"{name}.csv").unlink(missing_ok=True)
    for name, frame in frames.items():
        frame.to_csv(out / f"{name}.csv", index=False)
    _write_figures(report, out / "figures")
    (out / "report.md").write_text(to_markdown(report), encoding="utf-8")
    page = out / "report.html"
    page.write_text(to_html(report), encoding="utf-8")
    return WrittenReport(page, report, fit, reused)


def _write_figures(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for figure in report.figures:
        (folder / f"{figure.key}.png").write_bytes(figure.png)
