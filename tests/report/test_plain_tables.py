"""A report of a table of one's own: no words of other studies, no live HTML of names, no empty file."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from curvefit.report.build import build_report
from curvefit.report.render import to_html, to_markdown
from curvefit.report.write import write_study_report
from tests.plots.test_many_curves import made_fit


@pytest.fixture(scope="module")
def plain():
    mpl.use("Agg")
    return made_fit(["<b>bold</b>", "<script>alert(1)</script>", "c"], data=("d", "e", "f"))


@pytest.fixture(scope="module")
def page(plain):
    return build_report(plain)


def test_names_are_no_html_in_markdown_nor_on_the_page(page):
    markdown, html = to_markdown(page), to_html(page)
    for text in (markdown, html):
        assert "<b>" not in text
        assert "<script>alert" not in text
    assert "&lt;b>bold&lt;/b>" in markdown
    assert "<details>" in markdown or "<br>" in markdown or "| c |" in markdown


def test_a_plain_table_hears_nothing_of_rotations_and_unknowns(page):
    markdown = to_markdown(page)
    assert "rotated" not in markdown
    assert "6 curves are drawn: every model on every data set first, 3 are left out" in markdown
    assert "how training sets were drawn is not known" in markdown


def test_no_file_of_gains_is_written_where_there_are_none(plain, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gains.csv").write_text("of a report before\n")
    write_study_report(plain.save(tmp_path / "fit"), tmp_path / "out")
    assert not (tmp_path / "out" / "gains.csv").exists()
    assert "gains.csv" not in (tmp_path / "out" / "report.html").read_text()


def test_the_page_has_a_dark_scheme_with_figures_on_a_light_card(page):
    html = to_html(page)
    assert "color-scheme: light dark" in html
    assert "figure svg { background: #fff;" in html
