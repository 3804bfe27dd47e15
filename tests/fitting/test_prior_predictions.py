"""Priors: mistakes in them are refused, and the curves they expect are those of the model."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import logit

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import PriorPrediction, Priors, prior_predictive
from tests import simulated

IMPOSSIBLE = [
    {"mean": {"log_exponent": (-0.9, -0.7)}},
    {"spread": {"log_exponent": -1.0}},
    {"noise": (-0.1, 0.5)},
    {"noise": (0.1, 0.0)},
    {"walk": (0.0, 0.8)},
    {"noise_correlation": (-1.0, 1.0)},
]


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_impossible_priors_are_refused(wrong):
    with pytest.raises(ValidationError, match="greater than 0"):
        Priors(**wrong)


def test_all_mistakes_in_priors_are_said_at_once():
    with pytest.raises(InvalidInputError) as caught:
        curvefit.fit({"n": [8, 16], "error": [0.5, 0.4]}, priors={"noise": (-0.1, 0.5), "walk": (0.0, 0.8)})
    said = str(caught.value)
    assert "priors.noise[0]: Input should be greater than 0 (got -0.1)" in said
    assert "priors.walk[0]" in said


@pytest.mark.parametrize("where", [{"mean": {"log_sharpness": (3.0, 0.01)}}, {"spread": {"log_level": 1.0}}])
def test_priors_of_what_a_family_lacks_are_refused(few, where):
    said = "unknown prior of the family power-law .*; known: log_exponent, .*log_onset, root_floor"
    with pytest.raises(UnknownNameError, match=said):
        curvefit.fit(few, method="approximate", priors=Priors(**where))
    with pytest.raises(UnknownNameError, match=said):
        prior_predictive(few, draws=5, priors=Priors(**where))


def test_priors_may_be_of_what_stands_in_where_no_chance_level_is_known(few):
    shifted = Priors(mean={"log_height": (0.0, 1.0)})
    unknown = LearningCurves.from_frame(few.table.assign(chance_error=np.nan))
    for curves in (few, unknown):
        prior_predictive(curves, draws=5, priors=shifted)


@pytest.fixture(scope="module")
def few():
    return simulated.few_curves()


def test_curves_alone_are_drawn_from_the_priors_of_means(few):
    found = prior_predictive(few, pooling="none", draws=2000)
    logs = np.log(found.parameters["exponent"])
    np.testing.assert_allclose(logs.mean(axis=0), np.log(0.4), atol=5 * 0.7 / 2000**0.5)
    np.testing.assert_allclose(logs.std(axis=0), 0.7, rtol=5 / 4000**0.5)
    assert abs(np.corrcoef(logs.T)[0, 1]) < 5 / 2000**0.5


def test_pooled_curves_scatter_by_effects_and_residual(few):
    """Two data, three models: variances add up over grand mean, effects that sum to zero, and residual."""
    from curvefit.fitting.hierarchy import build_hierarchy
    from curvefit.fitting.layout import lay_out
    from curvefit.fitting.settings import FitSettings

    priors = Priors(scale_width=0.01)
    found = prior_predictive(few, draws=4000, priors=priors)
    hierarchy = build_hierarchy(lay_out(few, family="power-law"), FitSettings(priors=priors))
    k = [s.name for s in hierarchy.curve_specs].index("exponent")
    mine = hierarchy.column_parameter == k
    scale = hierarchy.scale_prior[hierarchy.column_term[mine]]
    expected = (
        0.7**2
        + (hierarchy.design[:, mine] ** 2 * scale**2).sum(axis=1)
        + hierarchy.scale_prior[len(hierarchy.terms) + k] ** 2
    )
    np.testing.assert_allclose(np.log(found.parameters["exponent"]).var(axis=0), expected, rtol=0.12)


def test_a_prior_that_rules_the_data_out_shows(few):
    usual = prior_predictive(few, draws=400).summary()
    assert (usual["observed_inside"] > 0.8).all()
    assert (np.diff(usual["median"]) < 0).all()
    assert usual["at_chance"].is_monotonic_decreasing
    assert usual["at_floor"].is_monotonic_increasing
    late = Priors(mean={"log_onset": (12.0, 0.1)})
    wrong = prior_predictive(few, draws=400, priors=late)
    assert (wrong.summary()["at_chance"] > 0.8).all()
    assert (wrong.summary()["observed_inside"] < 0.2).all()
    assert "0% of observed means" in str(wrong)


def test_walks_widen_curves_and_start_at_nothing(few):
    names = ("log_exponent", "log_onset", "root_floor")
    still = Priors(
        mean=dict.fromkeys(names, (0.2, 1e-3)), spread=dict.fromkeys(names, 1e-3), walk=(1.0, 0.01)
    )
    sd = []
    for discrepancy in ("walk", "none"):
        error = prior_predictive(few, draws=1000, priors=still, discrepancy=discrepancy).curve_draws[:, 0]
        sd.append(np.log(error / (1 - error)).std(axis=0))
    assert (sd[1] < 0.05).all()
    assert sd[0][0] < 0.05
    np.testing.assert_allclose(sd[0][1:], np.sqrt(np.arange(1, len(sd[0]))), rtol=0.12)


@pytest.mark.parametrize("family", ["last-value", "broken-power-law", "logarithmic"])
def test_every_kind_of_family_is_drawn(few, family):
    found = prior_predictive(few, family=family, draws=40)
    assert np.isfinite(found.curve_draws).all()
    assert found.summary()["at_floor"].notna().all() == (family == "broken-power-law")
    assert "observed means" in str(found)


def test_it_is_saved_and_arviz_takes_it(few, tmp_path):
    found = prior_predictive(few, draws=40)
    again = PriorPrediction.load(found.save(tmp_path / "prior"))
    assert str(again) == str(found)
    np.testing.assert_array_equal(again.seed_draws, found.seed_draws)
    draws = found.draws
    assert set(draws.groups()) == {"prior", "prior_predictive", "observed_data"}
    low, high = az.hdi(draws, group="prior_predictive")["seed"].values.T
    assert (low <= high).all()
    np.testing.assert_array_equal(draws.observed_data["mean_error"], found.observed)
    assert (prior_predictive(few, draws=40).curve_draws == found.curve_draws).all()


@pytest.mark.parametrize(("likelihood", "far"), [("logit-gaussian", 6e-5), ("logit-student", 0.0048)])
def test_new_runs_have_the_tails_of_the_likelihood(few, likelihood, far):
    """Beyond four standard deviations lie 0.00006 of a normal distribution, and 0.0048 of Student's t with 4 degrees of freedom."""
    priors = Priors(noise=(0.1, 1e-3), noise_slope=1e-6, noise_floor=1e-6)
    rates = LearningCurves.from_frame(few.table.assign(n_errors=np.nan, n_test=np.nan))
    found = prior_predictive(rates, draws=1000, likelihood=likelihood, priors=priors)
    inside = (found.curve_draws > 0.01) & (found.curve_draws < 0.99)
    away = (logit(found.seed_draws[inside]) - logit(found.curve_draws[inside])) / 0.1
    assert np.std(away) == pytest.approx(1.0, abs=0.05)
    assert np.mean(abs(away) > 4) == pytest.approx(far, abs=5 * np.sqrt(far / away.size))


def test_new_runs_are_counted_as_the_runs_were(few):
    counted = LearningCurves.from_frame(
        few.table.assign(n_errors=np.round(20 * few.table["value"]), n_test=20.0, value=np.nan)
    )
    wrong = 20 * prior_predictive(counted, draws=50, likelihood="beta-binomial").seed_draws
    np.testing.assert_allclose(wrong, np.round(wrong), atol=1e-9)
