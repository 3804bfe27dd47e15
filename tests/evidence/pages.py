"""From the records of a reference study to its claims, tables, figures and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curvefit.curves import LearningCurves, load_curves
from curvefit.records import RunRecord, read_records
from curvefit.report import write_study_report
from curvefit.report.build import Occasion, build_report
from curvefit.report.content import Report, ReportFigure
from curvefit.report.render import markdown_cell
from curvefit.study import Study
from tests.evidence import dimension, inference, rotations, translation
from tests.evidence.claims import FAILED, HELD, OPEN, Claim

ROOT = Path(__file__).parents[2]
DATA, PAGES, ASSETS = ROOT / "data", ROOT / "docs" / "evidence", ROOT / "docs" / "assets" / "evidence"
FIGURES = ("curves-", "exponents-", "multiplier-")
"""Figures of the report that a page shows: those whose key starts so."""


@dataclass(frozen=True, slots=True)
class ReferenceStudy:
    """How one study in data/ is read.

    Parameters
    ----------
    title
        Of its page.
    module
        What its records are asked: ``claims(curves)``, ``figures(curves)``, ``earned(curves)`` and the text
        `UNEXPECTED`; ``fitted(curves)`` where its fit is not the hierarchical one (noiseless curves), then with
        ``exponents(curves)``.
    """

    title: str
    module: Any

    @property
    def has_own_fit(self) -> bool:
        """Whether the study is fitted by its module."""
        return hasattr(self.module, "fitted")


STUDIES = {
    "rotations": ReferenceStudy("Rotations: the paper's experiment", rotations),
    "dimension": ReferenceStudy("Dimension: exponents that are known", dimension),
    "translation": ReferenceStudy("Translation: what pooling is worth", translation),
    "inference": ReferenceStudy("Inference: who breaks the spurious symmetry", inference),
}


def claims_of(name: str) -> list[Claim]:
    """Return the claims of a study, measured on its records."""
    return STUDIES[name].module.claims(load_curves(DATA / name))


def evidence_of(name: str) -> str:
    """Return what a study earned, and its claims as a Markdown table."""
    curves, module = load_curves(DATA / name), STUDIES[name].module
    return f"{module.earned(curves)}\n\n{claims_table(module.claims(curves))}"


def claims_table(claims: list[Claim]) -> str:
    """Return claims as a Markdown table: those that did not hold first."""
    order = (FAILED, OPEN, HELD)
    claims = sorted(claims, key=lambda claim: order.index(claim.verdict))
    return _table(("claim", "measured", "verdict"), ((c.says, c.measured, c.verdict) for c in claims))


def _table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [f"| {' | '.join(map(markdown_cell, row))} |" for row in (columns, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(columns), *lines[1:]])


def write_page(name: str, out: Path, *, saved: Path | None = None, **settings: Any) -> None:
    """Fit the records in data/`name`, and write its summary tables, figures and page.

    Parameters
    ----------
    name
        Key of `STUDIES`.
    out
        Folder for the whole report and the fit, reused where records and settings are the same.
    saved
        Folder of a saved fit of the study's records, used in place of a new one.
    settings
        Of the fit behind the figures, as in `curvefit.fit`; claims do not rest on it.
    """
    curves, module = load_curves(DATA / name), STUDIES[name].module
    report = _report(name, out, saved, settings)
    _write_tables(name, report, curves)
    shown = [*module.figures(curves), *(f for f in report.figures if f.key.startswith(FIGURES))]
    if STUDIES[name].has_own_fit:
        shown = module.figures(curves)
    PAGES.mkdir(parents=True, exist_ok=True)
    page = [
        f"# {STUDIES[name].title}",
        f"Made by `python -m tests.evidence {name} --write` from the records in `data/{name}`.",
        f"**Hypothesis.** {_study(name).hypothesis}",
        f"**What came out.** {module.earned(curves)}",
        f"**Not as expected.** {module.UNEXPECTED}",
        f"**Runs.** {describe_runs(read_records(DATA / name))}",
        "## Figures",
        *_pictures(name, shown),
        "## Claims",
        (
            "Factors with 90 % intervals over seeds; ratios of errors are geometric means over sizes, of runs paired by seed. "
            "A verdict is computed from the interval, not typed in; claims that did not hold come first."
        ),
        claims_table(module.claims(curves)),
        *_cells(report),
        "## Fit",
        report.status,
        *(f"- {note}" for note in report.notes),
        "## All numbers",
        (
            f"`data/{name}` holds the records and, as CSV, the fitted summary. `curvefit report data/{name} --out out/{name}` fits "
            f"the records and makes the whole report, with exponent, floor and amplitude of every triplet; `curvefit run {name} "
            f"--out out/{name}` makes the records again."
        ),
    ]
    (PAGES / f"{name}.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")


def _write_tables(name: str, report: Report, curves: LearningCurves) -> None:
    """Keep the fitted summary and the invariance table beside the records, saying by which fit."""
    tables = {t.key: t.frame for t in report.tables if t.key in ("exponents", "invariance")}
    if STUDIES[name].has_own_fit:
        tables["exponents"] = STUDIES[name].module.exponents(curves)
    for key, frame in tables.items():
        kept = frame.assign(fit=report.status.split(":")[0]) if key == "exponents" else frame
        kept.to_csv(DATA / name / f"{key}.csv", index=False, float_format="%.6g")


def _pictures(name: str, figures: list[ReportFigure]) -> list[str]:
    """Write figures as PNG, and return the Markdown that shows them with their captions."""
    ASSETS.mkdir(parents=True, exist_ok=True)
    for old in ASSETS.glob(f"{name}-*.png"):
        old.unlink()
    lines = []
    for figure in figures:
        (ASSETS / f"{name}-{figure.key}.png").write_bytes(figure.png)
        lines += [f"![{figure.caption}](../assets/evidence/{name}-{figure.key}.png)", f"*{figure.caption}*"]
    return lines


def _cells(report: Report) -> list[str]:
    """Return the verdict of every cell against theory as Markdown tables; nothing where there is none."""
    lines = []
    for table in report.tables:
        if not table.key.startswith("invariance-"):
            continue
        rows = ((cell.text for cell in row) for row in table.rows)
        lines += [f"## {table.title}", table.caption, _table(table.columns, rows)]
    return lines


def write_overview() -> None:
    """Write the page that says which claims about (D, M, I) held, over all studies there are."""
    lines = [
        "# Which claims held",
        (
            "Four reference studies, measured by this package and shipped with it in `data/`. Every claim is computed from records by "
            "`python -m tests.evidence --write`. Here stand what each study earned and the claims that did not hold or are open; "
            "the pages of the studies list all claims with figures, fits and conditions."
        ),
    ]
    for name, study in STUDIES.items():
        curves = load_curves(DATA / name)
        claims = study.module.claims(curves)
        count = Counter(claim.verdict for claim in claims)
        failed = [claim for claim in claims if claim.verdict != HELD]
        lines += [
            f"## [{study.title}]({name}.md)",
            study.module.earned(curves),
            f"{count[HELD]} claims held, {count[FAILED]} did not, {count[OPEN]} are open:"
            if failed
            else f"All {count[HELD]} claims held.",
        ]
        lines += [claims_table(failed)] if failed else []
    PAGES.mkdir(parents=True, exist_ok=True)
    (PAGES / "index.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def describe_runs(records: list[RunRecord]) -> str:
    """Say how many runs there are, of what, on what, and what they cost."""
    status = Counter(record.status for record in records)
    failed = ", ".join(f"{count} {name}" for name, count in status.items() if name != "ok") or "none failed"
    sources = sorted({str(record.data_facts.get("source")) for record in records})
    devices = sorted({f"{r.provenance.get('device')} ({r.provenance.get('system')})" for r in records})
    hours = sum(record.seconds or 0.0 for record in records) / 3600
    return (
        f"{len(records):,} ({failed}); n = {min(r.n_train for r in records):,} to {max(r.n_train for r in records):,}, "
        f"{len({r.seed for r in records})} seeds; data: {'; '.join(sources)}; on {', '.join(devices)}, "
        f"{hours:.2f} worker-hours."
    )


def _study(name: str) -> Study:
    return Study.from_toml(DATA / name / "plans" / f"{name}.toml")


def _report(name: str, out: Path, saved: Path | None, settings: Mapping[str, Any]) -> Report:
    study = STUDIES[name]
    if saved is not None:
        return write_study_report(saved, out).report
    if not study.has_own_fit:
        return write_study_report(DATA / name, out, **settings).report
    again = (f"python -m tests.evidence {name} --write",)
    occasion = Occasion(name, _study(name).hypothesis, again)
    return build_report(study.module.fitted(load_curves(DATA / name)), occasion=occasion)
