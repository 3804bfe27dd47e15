"""Verdicts follow from the numbers: change the numbers, and the sentences change."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from curvefit.dimension import invariance_table
from curvefit.fitting import CurveFit
from curvefit.report import cross_check
from curvefit.report.cells import interval, number, probability_cell, spell_interval
from curvefit.report.findings import _fit_findings, most_telling
from curvefit.report.tables import exponent_table, invariance_grids


def test_three_sentences_one_of_each_kind(report):
    gain, cost, theory = report.verdict
    assert "needs" in gain
    assert "times" in gain
    assert "Rotating all images" in cost
    assert theory == (
        "Of 18 comparisons of a rotated with an unrotated curve: 11 predicted equal and found equal; 7 where theory leaves it "
        "open (7 changed)."
    )


def test_a_contradiction_is_said(fit):
    table = invariance_table(fit)
    table.loc[table.index[0], "agreement"] = "contradicted"
    sentences = most_telling(fit, invariance=table)
    assert any("1 predicted equal and found changed, against theory" in sentence for sentence in sentences)


def test_the_costliest_rotation_is_named(fit):
    table = invariance_table(fit)
    row = table.index[table["verdict"] == "changed"][0]
    table.loc[row, ["error_ratio", "error_ratio_low", "error_ratio_high"]] = (9.0, 8.0, 10.0)
    sentence = most_telling(fit, invariance=table)[0]
    assert "by 9 (8 to 10)" in sentence
    assert table.loc[row, "model"] in sentence


def test_curves_without_symmetries_get_the_fastest_the_halving_and_the_floor(fit):
    fast, halving, floor = most_telling(fit)
    best = fit.triplets[int(np.argmax(np.median(fit.parameter("exponent"), axis=0)))]
    assert fast.startswith(f"{best} learns fastest")
    assert "halve" in halving
    assert "lowest floor" in floor


def test_the_fastest_changes_with_the_draws(fit):
    exponent = fit.parameter("exponent").copy()
    slow = int(np.argmin(np.median(exponent, axis=0)))
    exponent[:, slow] = 2.0
    other = CurveFit.from_draws(
        fit.curves, exponent=exponent, amplitude=fit.parameter("amplitude"), floor=fit.parameter("floor")
    )
    assert most_telling(other)[0].startswith(f"{fit.triplets[slow]} learns fastest")


def test_every_cell_of_the_grid_has_a_verdict_computed_from_its_row(fit):
    table = invariance_table(fit)
    (grid,) = invariance_grids(table, fit.curves)
    assert len(grid.rows) == 6
    assert grid.columns[3:] == ("o-c-shared", "o-c-per-pixel", "o-cp")
    by_pair = {(row[0].text, row[1].text): row[3:] for row in grid.rows}
    per_pixel = by_pair["vec", "sgd"][1]
    assert per_pixel.text.startswith("≠ changed")
    assert "may change → allowed" in per_pixel.text
    assert per_pixel.tone == "open"
    assert "unchanged → confirmed" in by_pair["vec", "ntk"][1].text
    assert by_pair["vec", "ntk"][1].tone == "good"
    assert by_pair["vec", "ntk"][1].text.startswith("= unchanged")


def test_the_verdict_counts_apart_what_could_have_refuted_theory(fit):
    table = invariance_table(fit)
    sentence = most_telling(fit, invariance=table)[1]
    start = "Of 18 comparisons of a rotated with an unrotated curve: 11 predicted equal and found equal; "
    assert sentence == start + "7 where theory leaves it open (7 changed)."
    table.loc[table["agreement"] == "confirmed", ["verdict", "agreement"]] = ("changed", "contradicted")
    sentence = most_telling(fit, invariance=table)[1]
    assert "11 predicted equal and found changed, against theory; 7 where theory" in sentence


def test_a_contradicted_cell_is_marked_bad(fit):
    table = invariance_table(fit)
    table.loc[table.index[0], ["verdict", "agreement"]] = ("changed", "contradicted")
    (grid,) = invariance_grids(table, fit.curves)
    tones = [cell.tone for row in grid.rows for cell in row]
    assert tones.count("bad") == 1
    assert "1 contradicted" in grid.caption


def test_tables_name_the_source_that_was_really_used(fit, report):
    for table in report.tables:
        assert "simulated images" in table.caption or table.key in ("invariance", "flagged")
        if table.key != "flagged":
            assert set(table.frame["source"]) == {"simulated images"}


def test_several_sources_get_a_column(fit):
    from dataclasses import replace

    facts = fit.curves.facts.copy()
    facts.loc[facts["data"] == "shifted o-cp", "source"] = "other images"
    table = exponent_table(replace(fit, curves=replace(fit.curves, facts=facts)), cross_check(fit))
    assert table.columns[-1] == "source"
    assert {row[-1].text for row in table.rows} == {"simulated images", "other images"}


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.4, 0.378, 0.428), "0.400 [0.378, 0.428]"),
        ((1234.5, 900.0, 1600.0), "1,234 [900, 1,600]"),
        ((float("nan"), 0.0, 1.0), "unknown"),
        ((5.0, 2.0, float("inf")), "5 [2, unbounded]"),
    ],
)
def test_intervals_are_written_with_the_decimals_they_deserve(numbers, text):
    assert spell_interval(*numbers) == text


def test_an_interval_is_read_from_its_two_columns():
    assert interval({"x": 1.0, "x_low": 0.5, "x_high": 1.5}, "x") == "1.0 [0.5, 1.5]"


def test_probabilities_claim_no_certainty():
    assert probability_cell(pd.Series({"p": 1.0}), "p").text == "> 0.99"
    assert probability_cell(pd.Series({"p": 0.0}), "p").text == "< 0.01"
    assert number(0.00001234) == "1.23e-05"


def test_a_baseline_that_shares_no_data_and_inference_with_others_is_none():
    from curvefit.curves import LearningCurves
    from curvefit.fitting import CurveFit
    from curvefit.report.gains import baselines

    def curves_of(inference: str) -> CurveFit:
        rows = [
            {"data": "torus", "model": model, "inference": name, "n_train": n, "seed": seed, "value": 1 / n}
            for model, name in (("fcn", "ntk"), ("gap", inference))
            for n in (16, 32, 64)
            for seed in (0, 1)
        ]
        curves = LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))
        ones = np.ones((2, len(curves.triplets)))
        return CurveFit.from_draws(curves, exponent=ones, amplitude=ones, floor=0 * ones)

    assert baselines(curves_of("interpolation")) == []
    assert baselines(curves_of("ntk")) == ["fcn"]


def test_the_report_compares_with_the_model_of_the_largest_group_whatever_its_name():
    from curvefit.report.gains import baselines
    from tests.dimension.studies import posterior, rotation_study

    study, dense = rotation_study(seeds=1), {"model": {"fcn": "dense"}}
    renamed = dataclasses.replace(study, table=study.table.replace(dense), facts=study.facts.replace(dense))
    assert baselines(posterior(renamed)) == ["dense", "o-cp"]


def test_what_is_practically_zero_is_told_as_zero_and_halving_says_as_many(fit):
    from curvefit.fitting.summaries import without_dust

    assert without_dust(0.0071, 4.6e-08, 0.022) == (0.0071, 0.0, 0.022)
    assert without_dust(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)
    sentences = [finding.sentence for finding in _fit_findings(fit, 0.9)]
    (halving,) = (one for one in sentences if one.startswith("To halve"))
    assert re.search(r"needs [\d.,]+ times \([\d.,]+ to [\d.,]+\) as many training inputs\.$", halving)
