"""From the records of a reference study to its claims, tables, figures and page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from curvefit.curves import LearningCurves, load_curves
from curvefit.fitting import CurveFit
from curvefit.records import RunRecord, read_records
from curvefit.report import write_study_report
from curvefit.report.build import Occasion, build_report
from curvefit.report.content import Report
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
    claims
        What its records are asked.
    fitted
        Its own fit in place of the hierarchical one (noiseless curves), or None.
    """

    title: str
    claims: Callable[[LearningCurves], list[Claim]]
    fitted: Callable[[LearningCurves], CurveFit] | None = None


STUDIES = {
    "rotations": ReferenceStudy("Rotations: the paper's experiment", rotations.claims),
    "dimension": ReferenceStudy("Dimension: exponents that are known", dimension.claims, dimension.fitted),
    "translation": ReferenceStudy("Translation: what pooling is worth", translation.claims),
    "inference": ReferenceStudy("Inference: who breaks the spurious symmetry", inference.claims),
}


def claims_of(name: str) -> list[Claim]:
    """Return the claims of a study, measured on its records."""
    return STUDIES[name].claims(load_curves(DATA / name))


def evidence_of(name: str) -> str:
    """Return the claims of a study as a Markdown table."""
    return claims_table(claims_of(name))


def claims_table(claims: list[Claim]) -> str:
    """Return claims as a Markdown table: those that did not hold first."""
    order = (FAILED, OPEN, HELD)
    claims = sorted(claims, key=lambda claim: order.index(claim.verdict))
    rows = [f"| {c.says} | {c.measured} | {c.verdict} |" for c in claims]
    return "\n".join(["| claim | measured | verdict |", "|---|---|---|", *rows])


def write_page(name: str, out: Path, *, method: str = "nuts") -> None:
    """Fit the records in data/`name`, and write its summary tables, figures and page.

    Parameters
    ----------
    name
        Key of `STUDIES`.
    out
        Folder for the whole report and the fit, reused where records and settings are the same.
    method
        Of the fit behind the figures (see `curvefit.fit`); claims do not rest on it.
    """
    report = _report(name, out, method)
    kept = ("exponents", "invariance") if report.converged else ("invariance",)
    for table in report.tables:
        if table.key in kept:
            table.frame.to_csv(DATA / name / f"{table.key}.csv", index=False, float_format="%.6g")
    ASSETS.mkdir(parents=True, exist_ok=True)
    pictures = []
    for figure in report.figures:
        if figure.key.startswith(FIGURES):
            (ASSETS / f"{name}-{figure.key}.png").write_bytes(figure.png)
            pictures.append(f"![{figure.caption}](../assets/evidence/{name}-{figure.key}.png)")
    PAGES.mkdir(parents=True, exist_ok=True)
    page = [
        f"# {STUDIES[name].title}",
        f"Made by `python -m tests.evidence {name} --write` from the records in `data/{name}`.",
        f"**Hypothesis.** {_study(name).hypothesis}",
        f"**Runs.** {describe_runs(read_records(DATA / name))}",
        "## Claims",
        (
            "Factors with 90 % intervals over seeds; ratios of errors are geometric means over sizes, of runs paired by seed. "
            "A verdict is computed from the interval, not typed in; claims that did not hold come first."
        ),
        evidence_of(name),
        "## Fit",
        report.status,
        *(f"- {note}" for note in report.notes),
        "## Figures",
        *pictures,
        "## All numbers",
        (
            f"`curvefit report data/{name} --out out/{name}` fits the records and makes the whole report, with exponent, floor and "
            f"amplitude of every triplet; `curvefit run {name} --out out/{name}` makes the records again. Exponents are kept in "
            f"`data/{name}/exponents.csv` only when their fit has converged."
        ),
    ]
    (PAGES / f"{name}.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")


def write_overview() -> None:
    """Write the page that says which claims about (D, M, I) held, over all studies there are."""
    lines = [
        "# Which claims held",
        (
            "Four reference studies, measured by this package and shipped with it in `data/`. Every claim below is computed "
            "from records by `python -m tests.evidence --write`; the pages of the studies show figures, fits and conditions."
        ),
    ]
    for name, study in STUDIES.items():
        if not (DATA / name).is_dir():
            continue
        claims = claims_of(name)
        count = Counter(claim.verdict for claim in claims)
        summary = f"{count[HELD]} claims held, {count[FAILED]} did not, {count[OPEN]} are open."
        lines += [
            f"## [{study.title}]({name}.md)",
            f"{_study(name).hypothesis} {summary}",
            claims_table(claims),
        ]
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


def _report(name: str, out: Path, method: str) -> Report:
    study = STUDIES[name]
    if study.fitted is None:
        return write_study_report(DATA / name, out, method=method).report
    again = (f"python -m tests.evidence {name} --write",)
    occasion = Occasion(name, _study(name).hypothesis, again)
    return build_report(study.fitted(load_curves(DATA / name)), occasion=occasion)
