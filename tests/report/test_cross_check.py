"""Least squares beside the posterior: right where the answer is known, and honest where a curve cannot tell."""

from __future__ import annotations

import numpy as np

from curvefit.curves import LearningCurves
from curvefit.fitting import CurveFit
from curvefit.plots import plot_cross_check
from curvefit.report import build_report, cross_check, cross_check_sentence

N = 2.0 ** np.arange(4, 13)


def law(chance: float, floor: float, exponent: float, onset: float) -> np.ndarray:
    if np.isnan(chance):
        return floor + 2 * N**-exponent
    return floor + (chance - floor) * (1 + N / onset) ** -exponent


def around(exponents: np.ndarray) -> CurveFit:
    """Return a fit of three curves with exponents 0.4, 0.4, and 0.4 on three sizes, that believes `exponents`."""
    truth = law(0.9, 0.05, 0.4, 10.0)
    rng = np.random.default_rng(3)
    rows = [
        {"model": model, "n": n, "seed": seed, "error": truth[i] * np.exp(0.02 * rng.standard_normal()), "chance_error": 0.9}
        for model, sizes in (("a", 9), ("b", 9), ("c", 3))
        for i, n in enumerate(N[:sizes])
        for seed in range(3)
    ]  # fmt: skip
    curves = LearningCurves.from_frame(rows)
    draws = exponents * np.exp(0.05 * rng.standard_normal((200, 3)))
    return CurveFit.from_draws(curves, exponent=draws, amplitude=0 * draws + 2, floor=0 * draws + 0.05)


def test_agreement_and_its_sentence_follow_from_the_numbers():
    table = cross_check(around(np.array([0.4, 1.2, 0.4])))
    assert table["least_squares_agreement"].tolist() == ["inside", "apart", "none"]
    sentence = cross_check_sentence(table)
    assert "on 1 of 3 curves" in sentence
    assert "apart (data | b | inference)" in sentence
    assert "On 1 least squares gives no exponent" in sentence
    table.loc[1, "least_squares_agreement"] = "overlapping"
    assert "a high floor and a slow exponent look alike" in cross_check_sentence(table)
    assert "apart" not in cross_check_sentence(table)


def test_the_report_shows_it_in_the_table_and_in_a_figure(report, fit):
    (table,) = (table for table in report.tables if table.key == "exponents")
    assert "by least squares" in table.columns
    assert {"least_squares_exponent", "least_squares_agreement"} <= set(table.frame.columns)
    assert cross_check_sentence(cross_check(fit)) in table.caption
    assert "cross-check" in [figure.key for figure in report.figures]
    lone = build_report(around(np.array([0.4, 1.2, 0.4])))
    (table,) = (table for table in lone.tables if table.key == "exponents")
    assert [row[table.columns.index("by least squares")].tone for row in table.rows] == ["", "bad", ""]
    assert "cross-check" not in [figure.key for figure in lone.figures], "two points are no picture"


def test_the_figure_counts_what_it_draws(fit):
    table = cross_check(fit)
    axes = plot_cross_check(table)
    inside = (table["least_squares_agreement"] == "inside").sum()
    assert f"on {inside} of {len(table)} curves" in axes.get_title(loc="left").replace("\n", " ")
    assert sum(len(container.lines[0].get_xdata()) for container in axes.containers) == len(table)


def test_rising_errors_have_no_exponent_and_the_figure_says_so():
    rows = [
        {"model": m, "n": n, "error": 0.2 + 0.02 * np.log(n), "chance_error": 0.9} for m in "abc" for n in N
    ]
    draws = 0.4 * np.exp(0.05 * np.random.default_rng(0).standard_normal((200, 3)))
    fit = CurveFit.from_draws(
        LearningCurves.from_frame(rows), exponent=draws, amplitude=2.0 + 0 * draws, floor=0 * draws
    )
    table = cross_check(fit)
    assert table["least_squares_exponent"].isna().all()
    assert set(table["least_squares_status"]) == {"the error does not fall"}
    assert "an error that does not fall" in cross_check_sentence(table)
    axes = plot_cross_check(table)
    assert axes.get_title(loc="left").replace("\n", " ").endswith("on 0 of 3 curves, not known on 3")
    (told,) = (one for one in build_report(fit).tables if one.key == "exponents")
    assert "nan" not in str([row[told.columns.index("by least squares")].text for row in told.rows])
