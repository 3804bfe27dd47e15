"""The written report: complete, self-contained, the same as the golden page, and honest about failures."""

from __future__ import annotations

import dataclasses
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from curvefit.cli.source import read_curves
from curvefit.errors import InvalidInputError
from curvefit.fitting import FitStatus
from curvefit.records import RecordStore
from curvefit.report import to_html, to_markdown, write_report, write_study_report
from curvefit.report.sources import asked_words, open_study
from tests import simulated

GOLDEN = Path(__file__).parent.parent / "golden" / "report.md"


def masked(text: str) -> str:
    """Leave out the table of settings and versions, which belong to the fit and to the installation."""
    head, _, rest = text.partition("| setting | value |")
    return head + re.sub(r"^\|.*\n", "", rest, flags=re.MULTILINE)


def test_the_markdown_is_the_golden_one(report):
    text = masked(to_markdown(report))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Tags, headings and text of a page; refuses tags that do not nest."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.outside += [
            v for k, v in attrs if k in ("src", "href", "xlink:href") and v and not v.startswith("#")
        ]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.outside += [
            v for k, v in attrs if k in ("src", "xlink:href") and v and not v.startswith(("#", "data:"))
        ]

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data.strip())


def test_the_page_is_well_formed_in_the_right_order_and_loads_nothing(report):
    text = to_html(report)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.outside == []
    assert "@import" not in text
    assert "url(http" not in text
    assert [h for h in page.headings if h] == [
        "simulated rotations", "Status of the fit", "Verdict", "Learning curves",
        "Which rotations leave the curve unchanged", "Exponents", "Gains", "Does the fit describe the data?", "Methods", "How to repeat",
    ]  # fmt: skip
    assert text.count("<svg") == len(report.figures)
    assert text.count('class="sortable"') == len(report.tables)


def test_labels_of_users_are_escaped(report):
    from dataclasses import replace

    text = to_html(replace(report, name="<script>alert(1)</script>"))
    assert "<script>alert" not in text


def test_a_fit_that_did_not_converge_says_so_first(small_fit):
    poor = simulated.fit(of=small_fit.curves, n_draws=100, status=FitStatus(False, ("R-hat is 1.2",)))
    from curvefit.report import build_report

    text = to_html(build_report(poor))
    assert "Not passed" in text
    assert text.index("R-hat is 1.2") < text.index("<svg")


@pytest.mark.parametrize(
    ("converged", "quotable", "said"),
    [
        (True, True, "Passed"),
        (True, False, "A quick look"),
        (False, False, "Not passed: read everything below with care"),
    ],
)
def test_a_quick_look_is_neither_passed_nor_failed(report, converged, quotable, said):
    status = str(FitStatus(converged, quotable=quotable))
    looked = dataclasses.replace(report, converged=converged, quotable=quotable, status=status)
    for text in (to_html(looked), to_markdown(looked)):
        words = ("Passed", "A quick look", "Not passed")
        assert [word for word in words if word in text] == [said.split(":")[0]]
        assert said in text
        assert ("as far as this fit can be trusted" in text) == (said != "Passed")


def test_a_file_is_called_by_its_name_without_suffixes(tmp_path):
    for name in ("own.csv", "own.csv.gz"):
        simulated.own_curves().to_csv(tmp_path / name, index=False)
        _, occasion = open_study(tmp_path / name, tmp_path)
        assert occasion.name == "own"


def test_a_plot_that_fails_makes_the_report_fail(small_fit, monkeypatch, tmp_path):
    def broken(*_, **__):
        raise ZeroDivisionError("this plot is broken")

    monkeypatch.setattr("curvefit.report.figures.plot_heatmap", broken)
    with pytest.raises(ZeroDivisionError):
        write_report(small_fit, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_markdown_has_its_figures_beside_it(small_fit, tmp_path):
    path = write_report(small_fit, tmp_path / "report.md")
    linked = re.findall(r"\]\((figures/[^)]+)\)", path.read_text())
    assert linked
    for name in linked:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_other_suffixes_are_refused(fit, tmp_path):
    with pytest.raises(InvalidInputError, match=r"\.html or \.md"):
        write_report(fit, tmp_path / "report.pdf")


def test_a_gain_is_reported_on_its_own_baseline(small_fit, tmp_path):
    from curvefit.dimension import symmetry_gain

    text = write_report(symmetry_gain(small_fit, baseline="o-cp"), tmp_path / "gain.html").read_text()
    assert "o-cp" in text
    assert "Gains over fcn" not in text


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with RecordStore(folder).create().writer() as writer:
        writer.extend(simulated.records(seeds=2))
    return folder


def test_a_study_folder_gets_everything_and_the_second_call_samples_nothing(store, tmp_path, monkeypatch):
    first = write_study_report(store, tmp_path, method="approximate")
    for name in ("report.html", "report.md", "exponents.csv", "gains.csv", "invariance.csv"):
        assert (tmp_path / name).stat().st_size > 0
    assert len(pd.read_csv(tmp_path / "exponents.csv")) == 24
    assert set(pd.read_csv(tmp_path / "gains.csv")["source"]) == {"simulated images"}
    assert first.report.name == "simulated-rotations"
    assert not first.reused

    def never(*_, **__):
        raise AssertionError("fitted again")

    monkeypatch.setattr("curvefit.fitting.fit", never, raising=False)
    pictures = {figure.key: figure for figure in first.report.figures}
    monkeypatch.setattr(
        "curvefit.report.figures.render", lambda key, *_, **__: pictures[key]
    )  # the slow part
    second = write_study_report(store, tmp_path, method="approximate")
    assert second.reused
    assert second.report.verdict == first.report.verdict


def test_new_records_or_settings_are_fitted_anew(store, tmp_path):
    from curvefit.curves import LearningCurves
    from curvefit.report.saved_fit import fit_digest

    curves, more = simulated.curves(), LearningCurves.from_records(simulated.records(seeds=4))
    assert fit_digest(curves, {}) == fit_digest(simulated.curves(), {})
    assert fit_digest(curves, {}) != fit_digest(more, {})
    assert fit_digest(curves, {}) != fit_digest(curves, {"seed": 1})


def test_what_is_said_of_a_stores_training_sets_is_taken_and_columns_are_refused(store, tmp_path):
    curves, occasion = open_study(
        store,
        tmp_path,
        columns={"training_sets": "independent"},
        choice={"model": ["gap"], "below": 64},
        asked=asked_words({"training_sets": "independent"}, {}, {}),
    )
    assert asked_words({"shared_test_set": True}, {}, {}) == ("--test-sets shared",)
    assert asked_words({"shared_test_set": False}, {}, {}) == ("--test-sets own",)
    assert curves.training_sets == "independent"
    assert set(curves.usable["model"]) == {"gap"}
    assert curves.usable["n_train"].min() == 64
    assert occasion.repeat[-1].endswith("--training-sets independent")
    same = read_curves(store, training_sets="independent", model=["gap"], from_size=64)
    assert len(same) == len(curves)
    with pytest.raises(InvalidInputError, match="its columns are fixed"):
        open_study(store, tmp_path, columns={"n_train": "n"})


def test_names_of_models_never_break_files_or_links(tmp_path):
    """A study may call its models anything."""
    records = [
        dataclasses.replace(record, model=f"{record.model}/2 layers (wide)")
        for record in simulated.records(seeds=2)
        if record.data in ("shifted trivial", "shifted o-cp") and record.inference == "sgd"
    ]
    with RecordStore(tmp_path / "store").create().writer() as writer:
        writer.extend(records)
    out = tmp_path / "out"
    written = write_study_report(tmp_path / "store", out, method="approximate")
    links = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", (out / "report.md").read_text())
    assert len(links) == len(written.report.figures)
    assert all((out / link).is_file() and " " not in link for link in links)
    keys = [part.key for part in (*written.report.figures, *written.report.tables)]
    assert len(set(keys)) == len(keys)
    assert "multiplier-fcn-2-layers-wide" in keys


def test_the_question_of_a_study_is_its_hypothesis(store, tmp_path):
    (store / "plans").mkdir()
    (store / "plans" / "simulated-rotations.toml").write_text(
        '[study]\nname = "simulated-rotations"\nhypothesis = "Rotations inside the group change nothing."\nsizes = [32]\n'
        '[[data]]\nname = "digits"\n[[model]]\nname = "fcn"\n[[inference]]\nname = "ntk"\n'
    )
    from curvefit.report.sources import open_study

    _, occasion = open_study(store, tmp_path)
    assert occasion.question == "Rotations inside the group change nothing."
    assert occasion.repeat[0].startswith("curvefit run")
    assert occasion.provenance["number"] == "288"
    assert "Rotations inside the group" in occasion.study
