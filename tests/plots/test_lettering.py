"""Names of any script and length: what cannot be drawn is said once, and nothing runs off the figure."""

from __future__ import annotations

import warnings

import pytest

from curvefit import plots
from curvefit.plots import lettering
from curvefit.plots.lettering import BOX, drawable, families, wide, wrapped
from tests.plots.test_many_curves import made_fit


@pytest.fixture
def without_fallbacks(monkeypatch):
    monkeypatch.setattr(lettering, "FALLBACKS", ())


def test_fonts_that_are_not_installed_are_not_asked():
    from matplotlib.font_manager import fontManager

    assert set(families()[1:]) <= set(fontManager.get_font_names())
    assert families()[0] == "sans-serif"


def test_an_installed_fallback_comes_after_the_callers_fonts(monkeypatch):
    monkeypatch.setattr(lettering, "FALLBACKS", ("No Such Font", "DejaVu Serif"))
    assert families() == ["sans-serif", "DejaVu Serif"]
    with plots.paper_style():
        import matplotlib as mpl

        assert mpl.rcParams["font.family"] == ["sans-serif", "DejaVu Serif"]


def test_letters_that_no_font_has_are_said_in_one_warning_and_drawn_as_boxes(without_fallbacks):
    fit = made_fit(["畳み込み", "注意 ☃", "naïve"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        axes = plots.plot_curves(fit)
        axes.figure.canvas.draw()
    (warning,) = caught
    assert "畳" in str(warning.message)
    assert "ï" not in str(warning.message)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [BOX * 4, f"{BOX * 2} ☃", "naïve"]


def test_plain_names_are_drawn_as_they_are():
    assert drawable("naïve [bold]|conv*") == "naïve [bold]|conv*"


def test_lines_break_between_words_but_not_within_an_interval():
    text = "smallest exponent of a name: 0.34 [0.31, 0.37]"
    lines = wrapped(text, 36).splitlines()
    assert lines == ["smallest exponent of a name:", "0.34 [0.31, 0.37]"]
    assert wrapped("a\nb", 10) == "a\nb"


def test_long_words_and_wide_letters_stay_within_the_width():
    for text in ("x" * 100 + " y", "畳み込み層" * 12, "model_" * 30 + ": 0.34 [0.31, 0.37]"):
        lines = wrapped(text, 40).splitlines()
        assert max(map(wide, lines)) <= 40
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_titles_of_long_names_stay_on_the_figure(without_fallbacks):
    fit = made_fit(["a long name of a network " * 2 + ending for ending in ("small", "large")])
    axes = plots.plot_curves(fit)
    axes.figure.canvas.draw()
    assert axes._left_title.get_window_extent().x1 <= axes.figure.bbox.x1
