"""Reports on disk: a page from a fit, or a whole folder from a study's records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curvefit.errors import InvalidInputError
from curvefit.report.build import PLAIN_QUESTION, Occasion, all_gains, build_report
from curvefit.report.content import Report
from curvefit.report.render import to_html, to_markdown
from curvefit.report.saved_fit import fit_or_reuse
from curvefit.triplet import Triplet

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.dimension.gain import SymmetryGain
    from curvefit.fitting import CurveFit
    from curvefit.records import RunRecord

PLANS = "plans"


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


def write_study_report(source: str | Path, out: str | Path, **settings: Any) -> WrittenReport:
    """Fit the curves of a study (or a table) and write report, tables and figures into a folder.

    A fit saved there is reused as long as records and settings are the same.

    Parameters
    ----------
    source
        Folder of a study's records, or a table.
    out
        Folder for ``report.html``, ``report.md``, ``exponents.csv``, ``gains.csv``, ``invariance.csv``,
        ``figures/`` and ``fit/``.
    settings
        Keyword arguments of `curvefit.fit`.
    """
    source, out = Path(source), Path(out)
    curves, occasion = open_study(source, out)
    fit, reused = fit_or_reuse(curves, out / "fit", **settings)
    report = build_report(fit, occasion=occasion)
    out.mkdir(parents=True, exist_ok=True)
    for table in report.tables:
        if table.key in ("exponents", "invariance"):
            table.frame.to_csv(out / f"{table.key}.csv", index=False)
    all_gains(report).to_csv(out / "gains.csv", index=False)
    _write_figures(report, out / "figures")
    (out / "report.md").write_text(to_markdown(report), encoding="utf-8")
    page = out / "report.html"
    page.write_text(to_html(report), encoding="utf-8")
    return WrittenReport(page, report, fit, reused)


def open_study(source: Path, out: Path) -> tuple[LearningCurves, Occasion]:
    """Return the curves at `source`, and what is known about how they came to be."""
    from curvefit.curves import LearningCurves, load_curves

    again = f"curvefit report {source} --out {out}"
    if not source.is_dir():
        return load_curves(source), Occasion(source.stem, repeat=(again,))
    from curvefit.records import read_records

    records = read_records(source)
    name, question = (records[0].study if records else source.name), PLAIN_QUESTION
    study_file = source / PLANS / f"{name}.toml"
    repeat: tuple[str, ...] = (again,)
    if study_file.is_file():
        from curvefit.study import Study

        study = Study.from_toml(study_file)
        place = {triplet: i for i, triplet in enumerate(study.triplets())}
        records.sort(key=lambda r: place.get(Triplet(r.data, r.model, r.inference), len(place)))
        name, question = study.name, study.hypothesis or PLAIN_QUESTION
        repeat = (f"curvefit run {study_file} --out {source}", again)
    return LearningCurves.from_records(records), Occasion(name, question, repeat, provenance_of(records))


def provenance_of(records: list[RunRecord]) -> dict[str, str]:
    """Summarise how the runs were made: every distinct value of each item, seconds, failures."""
    seen: dict[str, dict[str, None]] = {}
    for record in records:
        for key, value in record.provenance.items():
            if isinstance(value, str | int | float) and key not in ("written_at", "time", "host", "pid"):
                seen.setdefault(key, {})[str(value)] = None
    provenance = {key: ", ".join(list(values)[:4]) for key, values in seen.items() if len(values) <= 8}
    seconds = sum(record.seconds or 0.0 for record in records)
    failed = sum(record.status != "ok" for record in records)
    return {
        "number": f"{len(records):,}",
        "failed": str(failed),
        "total seconds": f"{seconds:,.0f}",
        **provenance,
    }


def _write_figures(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for figure in report.figures:
        (folder / f"{figure.key}.png").write_bytes(figure.png)
