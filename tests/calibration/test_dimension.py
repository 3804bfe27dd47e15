"""Slow: known dimensions inside their intervals, a finite group without dimension gain, null studies."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.dimension import SCENARIOS, measure, null_verdicts, simulate

STUDIES = 5


@pytest.fixture(scope="module")
def measured():
    return measure(simulate(STUDIES))


@pytest.mark.slow
def test_torus_exponents_and_ratios_are_covered(measured) -> None:
    """60 intervals of nominal 90 %; fewer than 85 % inside has probability 0.07 if the intervals were just right."""
    torus = measured[measured["scenario"].str.startswith("torus")]
    assert torus[["baseline_covered", "aligned_covered", "ratio_covered"]].to_numpy().mean() >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_dimensions_are_within_ten_percent(measured, name: str) -> None:
    mine = measured[measured["scenario"] == name]
    for role, true in zip(("baseline", "aligned"), SCENARIOS[name].exponents):
        assert mine[role].mean() == pytest.approx(true, rel=0.1)


@pytest.mark.slow
def test_a_finite_group_gains_samples_and_no_dimension(measured) -> None:
    mine = measured[measured["scenario"] == "6 shifts, filter 3"]
    assert mine["ratio_covered"].mean() >= 0.6
    assert mine["p_gain"].between(0.02, 0.98).mean() >= 0.6
    assert np.nanmedian(mine["shift"]) == pytest.approx(6, rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("nested", [0.0, 0.5, 0.8])
def test_equal_curves_are_not_called_changed_more_often_than_stated(nested: float, seeds: int) -> None:
    """400 comparisons of equal curves each, with noise wide enough to tempt; the stated bound is 2 %."""
    verdicts = null_verdicts(100, noise=0.2, nested=nested, seeds=seeds)
    assert verdicts["changed"] <= 0.02 * sum(verdicts.values())
