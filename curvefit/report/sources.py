"""What a report is about: curves of a study or a table, its question, and the lines that repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curvefit.report.build import PLAIN_QUESTION, Occasion
from curvefit.report.theory_records import theory_beside
from curvefit.triplet import AXES, Triplet

if TYPE_CHECKING:
    from curvefit.curves import LearningCurves
    from curvefit.records import RunRecord

PLANS = "plans"


def open_study(
    source: Path,
    out: Path,
    *,
    columns: Mapping[str, Any] | None = None,
    choice: Mapping[str, Any] | None = None,
    asked: Sequence[str] = (),
) -> tuple[LearningCurves, Occasion]:
    """Return the curves at `source`, and what is known about how they came to be.

    Parameters
    ----------
    source, out, columns, choice
        As in `write_study_report`.
    asked
        Options of the command that repeats the report.
    """
    from curvefit.curves import load_curves
    from curvefit.curves.choice import choose
    from curvefit.curves.readers import curves_of_store

    again = " ".join(["curvefit report", shlex.quote(str(source)), "--out", shlex.quote(str(out)), *asked])
    if not source.is_dir():
        name = Path(source.name.removesuffix(".gz")).stem
        return choose(load_curves(source, **(columns or {})), choice or {}), Occasion(name, repeat=(again,))
    from curvefit.records import read_records

    records = read_records(source)
    name, question, text = (records[0].study if records else source.name), PLAIN_QUESTION, ""
    study_file = source / PLANS / f"{name}.toml"
    repeat: tuple[str, ...] = (again,)
    if study_file.is_file():
        from curvefit.study import Study

        study, text = Study.from_toml(study_file), study_file.read_text(encoding="utf-8")
        place = {triplet: i for i, triplet in enumerate(study.triplets())}
        records.sort(key=lambda r: place.get(Triplet(r.data, r.model, r.inference), len(place)))
        name, question = study.name, study.hypothesis or PLAIN_QUESTION
        repeat = (f"curvefit run {study_file} --out {source}", again)
    curves = choose(curves_of_store(source, records, dict(columns or {})), choice or {})
    usable = set(curves.usable[[*AXES, "n_train"]].itertuples(index=False, name=None))
    used = (r for r in records if (r.data, r.model, r.inference, r.n_train) in usable)
    return curves, Occasion(name, question, repeat, provenance_of(records), text, theory_beside(used))


def asked_words(
    columns: Mapping[str, Any], choice: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the options of ``curvefit report`` that say the same, defaults left out."""
    from curvefit.curves.readers import TEST_SETS
    from curvefit.fitting import FitSettings

    options: list[tuple[str, Any]] = []
    for name, value in columns.items():
        if name == "training_sets":
            options.append(("--training-sets", value))
        elif name == "shared_test_set":
            options += [("--test-sets", word) for word, shared in TEST_SETS.items() if shared == value]
        else:
            options.append(("--column", f"{name}={value}"))
    for name, value in choice.items():
        flag = {"below": "--from", "above": "--to"}.get(name, f"--{name}")
        options += [(flag, item) for item in ([value] if isinstance(value, str | int) else value or ())]
    defaults = FitSettings()
    options += [(f"--{n}", value) for n, value in settings.items() if value != getattr(defaults, n, None)]
    return tuple(f"{flag} {shlex.quote(str(value))}" for flag, value in options)


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
