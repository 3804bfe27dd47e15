"""Criticism tables on approximate fits, and on draws given by hand, so that no sampling is needed."""

import arviz as az
import numpy as np
import pytest

from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting.criticism import (
    cell_log_likelihood,
    check_predictions,
    loo_cells,
    predictive_draws,
    prior_sensitivity,
)
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.estimate import fit as fit_curves

N = 2.0 ** np.arange(4, 12)


def table_of_runs():
    rng = np.random.default_rng(0)
    return [
        {"n": n, "seed": s, "n_errors": rng.binomial(2000, 0.03 + 0.87 * (1 + n / 60) ** -e), "n_test": 2000,
         "model": m, "chance_error": 0.9}
        for n in N for s in range(3) for m, e in (("a", 0.5), ("b", 0.35))
    ]  # fmt: skip


def approximate(rows, **settings):
    curves = LearningCurves.from_frame(rows, training_sets="independent")
    return fit_curves(curves, method="approximate", **settings)


@pytest.fixture(scope="module")
def fit():
    return approximate(table_of_runs())


def test_replicates_look_like_the_data(fit):
    table = check_predictions(fit)
    assert len(table) == 16
    assert table["inside"].mean() > 0.6
    assert np.allclose(table["predicted"], table["observed"], rtol=0.2)


def test_wrong_data_stand_out(fit):
    wrong = fit.curves.table.copy()
    hit = (wrong["n_train"] == 256) & (wrong["model"] == "a")
    wrong.loc[hit, ["n_errors", "value"]] *= 1.6
    spoiled = CurveFit(
        LearningCurves(wrong, fit.curves.facts),
        fit.triplets,
        fit.draws,
        fit.status,
        fit.family,
        fit.likelihood,
        fit.settings,
    )
    table = check_predictions(spoiled).set_index(["model", "n_train"])
    assert not table.loc[("a", 256), "inside"]
    assert table.loc[("a", 256), "p_mean"] > 0.99
    elpd = loo_cells(spoiled).set_index(["model", "n_train"])["elpd"]
    assert elpd.loc[("a", 256)] < loo_cells(fit).set_index(["model", "n_train"])["elpd"].loc[("a", 256)] - 3


def test_noise_and_sensitivity(fit):
    noise = fit.noise_sd([16.0, 1024.0])
    assert noise.shape == (fit.n_draws, 2, 2)
    assert (noise[..., 0] >= noise[..., 1] - 1e-12).all()
    table = prior_sensitivity(fit)
    assert np.isfinite(table["data_shift"]).all()
    assert (
        table["prior_shift"].isna().all()
    )  # the draws of a pooled approximate fit do not move what has these priors
    assert (table["flag"] == "").all()


def test_given_draws_have_no_noise(fit):
    made = CurveFit.from_draws(
        fit.curves,
        exponent=np.full((10, 2), 0.5),
        amplitude=np.full((10, 2), 5.0),
        floor=np.full((10, 2), 0.01),
    )
    with pytest.raises(InvalidInputError, match="no model of seed noise"):
        check_predictions(made)


def test_an_outlier_is_judged_by_the_likelihood_that_was_fitted():
    rows = table_of_runs()
    rows[5] |= {"n_errors": 1500}  # model b at n = 16; its other seeds count about 1,650 errors
    elpd = {
        name: loo_cells(approximate(rows, likelihood=name, discrepancy="none")).set_index(["model", "n_train"])["elpd"]
        for name in ("logit-student", "logit-gaussian")
    }  # fmt: skip
    assert elpd["logit-student"]["b", 16] > -6
    assert elpd["logit-student"]["b", 16] > elpd["logit-gaussian"]["b", 16] + 3


def test_counts_of_zero_are_no_surprise_where_zeros_are_expected():
    rng = np.random.default_rng(0)
    rows = [
        {"n": n, "seed": s, "n_errors": rng.binomial(100, 0.9 * (1 + n / 2) ** -1.5), "n_test": 100, "chance_error": 0.9}
        for n in N for s in range(2)
    ]  # fmt: skip
    table = check_predictions(approximate(rows, likelihood="beta-binomial")).set_index("n_train")
    assert table.loc[2048, "observed"] == 0
    assert 0.1 < table.loc[2048, "p_mean"] < 0.5  # 0 if ties did not count


@pytest.mark.parametrize("pooling", ["none", "full"])
def test_the_priors_of_unpooled_curves_are_the_top_level(pooling):
    rows = [row for row in table_of_runs() if row["model"] == "a" and row["n"] <= 256]
    fit = approximate(rows, pooling=pooling)
    theta = fit.draws["posterior"]["theta"].values.reshape(-1, 3)
    log_prior = (-0.5 * ((theta - [np.log(0.4), np.log(60), 0.2]) / [0.7, 1.5, 0.15]) ** 2).sum(axis=1)
    expected = np.log(2) * np.cov(log_prior, theta[:, 0], ddof=0)[0, 1] / theta[:, 0].std()
    assert prior_sensitivity(fit)["prior_shift"].item() == pytest.approx(expected, rel=1e-6)
    assert abs(expected) > 0.05


@pytest.mark.parametrize(
    ("family", "parameter"),
    [("exponential", "onset"), ("logarithmic", "decade_drop"), ("last-value", "level")],
)
def test_families_without_an_exponent(family, parameter):
    fit = approximate(table_of_runs(), family=family)
    cells = loo_cells(fit)
    assert len(cells) == (2 if family == "last-value" else 16)
    assert np.isfinite(cells["elpd"]).all()
    table = prior_sensitivity(fit)
    assert (table["parameter"] == parameter).all()
    assert np.isfinite(table["data_shift"]).all()
    with pytest.raises(UnknownNameError, match="exponent"):
        prior_sensitivity(fit, parameter="log_exponent")


def test_sensitivity_of_another_parameter(fit):
    table = prior_sensitivity(fit, parameter="log_onset")
    assert (table["parameter"] == "log_onset").all()
    assert (table["data_shift"] != prior_sensitivity(fit)["data_shift"]).all()


def test_expected_errors_are_computed_once(fit, monkeypatch):
    calls, expected_error = [], CurveFit.expected_error
    monkeypatch.setattr(
        CurveFit, "expected_error", lambda *args, **named: calls.append(1) or expected_error(*args, **named)
    )
    loo_cells(fit)
    assert len(calls) == len(fit.triplets)


def test_a_measurement_under_two_names_is_criticised_once():
    rows = [row for row in table_of_runs() if row["model"] == "a"]
    twice = approximate([row | {"model": name} for row in rows for name in ("a", "again")])
    assert len(twice.triplets) == 2
    assert set(loo_cells(twice)["model"]) == set(check_predictions(twice)["model"]) == {"a"}


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_arviz_takes_what_the_tables_are_made_of(fit, tmp_path):
    for name, data in (("cells", cell_log_likelihood(fit)), ("runs", predictive_draws(fit))):
        again = az.from_netcdf(data.to_netcdf(str(tmp_path / f"{name}.nc")))
        assert again.groups() == data.groups()
    data = cell_log_likelihood(fit)
    loo = az.loo(data, var_name="cell")
    assert loo.elpd_loo == pytest.approx(loo_cells(fit)["elpd"].sum())
    assert az.psens(data, component="likelihood", var_names=["exponent"]).sizes == {"triplet": 2}
    drawn = predictive_draws(fit)
    seen = drawn["observed_data"]["value"]
    at_16 = (seen["n_train"] == 16) & (seen["model"] == "a")
    assert seen[at_16].mean() == pytest.approx(check_predictions(fit)["observed"][0])
    assert drawn["posterior_predictive"]["value"].shape == (1, 1000, 48)
