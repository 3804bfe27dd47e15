"""Coverage and SBC: fast checks of the tools themselves, slow ones of the model (tables are kept in docs/results)."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from tests.calibration import coverage, sbc
from tests.calibration.least_squares import METHODS, estimate_draws
from tests.calibration.scenarios import SCENARIOS, simulate

SIX = ("base", "beta", "short", "hard", "nested", "broken")


def test_scores_of_draws_around_the_truth_are_calibrated():
    """Normal draws whose centres have the error that they claim: 90 % intervals cover 90 % (s.e. .03 over 5 grids)."""
    found = []
    for replication in range(5):
        simulated = simulate(SCENARIOS["base"], replication)
        rng = np.random.default_rng(replication)
        centre = simulated.log_exponent + 0.1 * rng.standard_normal(len(simulated.log_exponent))
        found.append(coverage.score(centre + 0.1 * rng.standard_normal((2000, len(centre))), simulated))
    assert np.mean([f["cover90"] for f in found]) == pytest.approx(0.9, abs=0.1)
    assert np.mean([f["ratio_cover90"] for f in found]) == pytest.approx(0.9, abs=0.12)


def test_least_squares_find_exponents_of_long_curves_roughly():
    simulated = simulate(SCENARIOS["base"], 0)
    ordinary, nonlinear = (estimate_draws(simulated, method) for method in METHODS)
    assert np.median(ordinary.mean(axis=0) - simulated.log_exponent) < -0.1  # the floor flattens them
    assert abs(np.median(nonlinear.mean(axis=0) - simulated.log_exponent)) < 0.15


@pytest.mark.parametrize("name", ["beta-binomial", "logit-gaussian, nested", "log-student"])
def test_simulated_data_follow_the_simulated_truth(name):
    """Noise made tiny, every datum is within 5 sd of counting noise or 1 % of the law at the drawn parameters."""
    kind, rng = sbc.KINDS[name], np.random.default_rng(3)
    truth = sbc.draw_truth(rng, sbc.Priors())
    truth |= {
        "log_noise": np.full(4, -7.0),
        "noise_floor": 0.0,
        "log_walk": -20.0,
        "noise_slope": 0.0,
        "bend": np.zeros(2),
    }
    table = sbc.draw_curves(rng, truth, kind).usable
    first = table[(table["data"] == "d0") & (table["model"] == "m0") & (table["inference"] == "i0")]
    floor = 0.9 * (0.03 * np.log1p(np.exp(truth["root_floor"][0] / 0.03))) ** 2
    law = floor + (0.9 - floor) * (1 + first["n_train"] / np.exp(truth["log_onset"][0])) ** -np.exp(
        truth["log_exponent"][0]
    )
    tolerance = 0.01 * law + (5 * np.sqrt(law / 2000) if name == "beta-binomial" else 0.0)
    assert (abs(first["value"] - law) <= tolerance).all()


def test_tables_of_kept_lines(tmp_path):
    simulated = simulate(SCENARIOS["base"], 0)
    draws = simulated.log_exponent + 0.1 * np.random.default_rng(0).standard_normal(
        (500, len(simulated.log_exponent))
    )
    scores = coverage.score(draws, simulated)
    line = {"scenario": "base", "r_hat": 1.0, **dict.fromkeys((coverage.OURS, *METHODS), scores)}
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps({**line, "replication": i}) for i in (0, 1)))
    assert coverage.table(tmp_path / "c.jsonl").count("| base | 2 |") == 3
    ranks = [{"kind": "log-student", "r_hat": 1.0, "ranks": {"log_exponent[0]": 5 * i}} for i in range(20)]
    (tmp_path / "s.jsonl").write_text("\n".join(map(json.dumps, ranks)))
    assert "| log-student | 20 | 1 |" in sbc.table(tmp_path / "s.jsonl")


@pytest.mark.slow
@pytest.mark.parametrize("name", SIX)
def test_exponents_and_ratios_are_covered(name):
    """Six grids a scenario: mean coverage of 90 % intervals has a standard error near .04, so .78 is three below .9."""
    lines = [coverage.run(name, replication)[coverage.OURS] for replication in range(100, 106)]
    assert np.mean([line["cover90"] for line in lines]) >= 0.78
    assert np.mean([line["ratio_cover90"] for line in lines]) >= 0.78


@pytest.mark.slow
def test_errors_on_points_that_were_not_drawn_are_covered():
    """Six grids, standard error .04; were the shared points taken for drawn afresh in every run, a mean of .67."""
    lines = [coverage.run("shared", replication) for replication in range(100, 106)]
    assert np.mean([line["error_cover90"] for line in lines]) >= 0.78


@pytest.mark.slow
@pytest.mark.parametrize("name", sbc.KINDS)
def test_ranks_are_uniform(name):
    """False alarm .001 a likelihood, by Bonferroni over its quantities."""
    ranks = [sbc.run(name, replication)["ranks"] for replication in range(1000, 1020)]
    rng = np.random.default_rng(0)
    p = [
        stats.kstest(
            (np.array([r[key] for r in ranks]) + rng.uniform(size=len(ranks))) / (sbc.THINNED + 1), "uniform"
        ).pvalue
        for key in ranks[0]
    ]
    assert min(p) * len(p) > 0.001
