"""The hierarchical fit: density against independent formulas, recovery, structure, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.families import FAMILIES
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.model import build_model
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.settings import FitSettings
from tests.calibration.scenarios import SCENARIOS, simulate


def prepare(curves, **chosen):
    settings = FitSettings(**chosen)
    layout = lay_out(curves, family=settings.family, likelihood=settings.likelihood)
    hierarchy = build_hierarchy(layout, settings)
    return layout, hierarchy, penalised_fit(layout, hierarchy, walk=settings.usual_walk), settings


def log_likelihood(curves, point, **chosen):
    """Return PyMC's log likelihood at given values of the random variables, and the layout."""
    import pytensor

    layout, hierarchy, start, settings = prepare(curves, **chosen)
    model = build_model(layout, hierarchy, settings, start)
    function = pytensor.function(
        [model[name] for name in point], model["log_likelihood"], mode="FAST_COMPILE"
    )
    return float(function(*point.values())), layout


def test_gaussian_density_is_the_multivariate_normal_of_three_nested_sizes():
    simulated = simulate(SCENARIOS["nested"], 0, shape=(1, 2, 1), drop=0, n_sizes=3, seeds=2)
    theta = np.array([[-0.7, 4.0, 0.2], [-0.9, 3.5, 0.01]])
    point = {
        "theta": theta, "log_noise": np.log([0.2, 0.3]), "noise_slope": 0.3, "noise_floor_signed": 0.05, "noise_correlation": 0.7,
    }  # fmt: skip
    found, _ = log_likelihood(simulated.curves, point, discrepancy="none", pooling="none")
    expected = 0.0
    table = simulated.curves.usable
    middle = np.exp(np.log(table["n_train"]).mean())
    for j, (_, curve) in enumerate(table.groupby("model")):
        for _, chain in curve.groupby("seed"):
            chain = chain.sort_values("n_train")
            n = chain["n_train"].to_numpy(float)
            a, c, f = (
                np.exp(theta[j, 0]),
                np.exp(theta[j, 1]),
                0.9 * (0.03 * np.log(1 + np.exp(theta[j, 2] / 0.03))) ** 2,
            )
            e = f + (0.9 - f) * (1 + n / c) ** -a
            s = np.sqrt(
                (point["log_noise"][j].__float__() and np.exp(point["log_noise"][j]) * (n / middle) ** -0.3)
                ** 2
                + 0.05**2
            )
            lag = np.abs(np.log2(n)[:, None] - np.log2(n)[None])
            covariance = 0.7**lag * np.outer(s, s) + np.diag(1 / (2000 * e * (1 - e)))
            k = chain["n_errors"].to_numpy(float)
            y = np.log((k + 0.5) / (2000 - k + 0.5))
            expected += stats.multivariate_normal(np.log(e / (1 - e)), covariance).logpdf(y)
    assert found == pytest.approx(expected, rel=1e-10)


def test_two_predecessors_are_close_to_the_exact_density_of_long_chains():
    simulated = simulate(SCENARIOS["nested"], 0, shape=(1, 2, 1), drop=0, n_sizes=9, seeds=2)
    theta = np.array([[-0.7, 4.0, 0.2], [-0.7, 4.0, 0.2]])
    point = {
        "theta": theta, "log_noise": np.log([0.2, 0.2]), "noise_slope": 0.3, "noise_floor_signed": 0.05, "noise_correlation": 0.8,
    }  # fmt: skip
    found, layout = log_likelihood(simulated.curves, point, discrepancy="none", pooling="none")
    exact = 0.0
    for _, curve in simulated.curves.usable.groupby("model"):
        for _, chain in curve.groupby("seed"):
            n = chain.sort_values("n_train")["n_train"].to_numpy(float)
            f = 0.9 * (0.03 * np.log(1 + np.exp(0.2 / 0.03))) ** 2
            e = f + (0.9 - f) * (1 + n / np.exp(4.0)) ** -np.exp(-0.7)
            s = np.sqrt((0.2 * (n / layout.middle_size) ** -0.3) ** 2 + 0.05**2)
            lag = np.abs(np.log2(n)[:, None] - np.log2(n)[None])
            covariance = 0.8**lag * np.outer(s, s) + np.diag(1 / (2000 * e * (1 - e)))
            k = chain.sort_values("n_train")["n_errors"].to_numpy(float)
            y = np.log((k + 0.5) / (2000 - k + 0.5))
            exact += stats.multivariate_normal(np.log(e / (1 - e)), covariance).logpdf(y)
    assert abs(found - exact) < 0.02 * abs(exact) + 1.0


def test_whitening_is_an_exact_change_of_variables():
    import pymc as pm
    import pytensor.tensor as pt

    from curvefit.fitting.whitening import whitened

    rng = np.random.default_rng(3)
    half = rng.normal(size=(2, 3, 3))
    information, score = half @ half.transpose(0, 2, 1), rng.normal(size=(2, 3, 4))
    information[:, 2, :2] = information[:, :2, 2] = 0.0
    eta, sd = rng.normal(size=(2, 3)), rng.uniform(0.2, 1.0, (2, 3))
    with pm.Model(coords={"row": [0, 1], "parameter": [0, 1, 2]}) as model:
        arrays = [pt.as_tensor(a) for a in (eta, sd, information, score)]
        theta = whitened(*arrays, 2, lambda root: root**2, (2, 3))
    [moved] = model.replace_rvs_by_values([theta])
    compute = model.compile_fn([moved, model.logp()], inputs=model.value_vars, mode="FAST_COMPILE")

    def function(at: np.ndarray) -> list[np.ndarray]:
        return compute({"theta_free": at})

    at = rng.normal(size=(2, 3))
    value, log_density = function(at)
    jacobian = np.empty((6, 6))
    for k in range(6):
        shift = np.zeros(6)
        shift[k] = 1e-6
        upper, lower = function(at + shift.reshape(2, 3))[0], function(at - shift.reshape(2, 3))[0]
        jacobian[:, k] = (upper - lower).ravel() / 2e-6
    expected = stats.norm(eta, sd).logpdf(value).sum() + np.linalg.slogdet(jacobian)[1]
    assert log_density == pytest.approx(expected, abs=1e-7)
    total = information + np.array([np.diag(1 / s**2) for s in sd])
    found = function(np.zeros((2, 3)))[0]
    powers = (found[:, 2] ** 2)[:, None] ** np.arange(4)  # the others' score at the floor that was found
    along = np.einsum("jkp,jp->jk", score, powers)
    along[:, 2] = score[:, 2, 0]
    np.testing.assert_allclose(
        found, np.linalg.solve(total, (eta / sd**2 + along)[..., None])[..., 0], atol=1e-10
    )
    assert np.isfinite(value).all()


def test_penalised_fit_finds_the_truth_of_noiseless_curves():
    simulated = simulate(SCENARIOS["base"], 2, seeds=3)
    layout, hierarchy, start, _ = prepare(simulated.curves)
    rest = start.theta[:, 0] - simulated.log_exponent
    assert np.sqrt((rest**2).mean()) < 0.15  # .09 in trials; least squares on logs has .40
    assert hierarchy.scale_names()[0] == "log_exponent[data]"
    assert layout.likelihood.name == "logit-gaussian"


def test_sampled_exponents_cover_the_truth(sampled_fit, simulated_grid):
    draws = sampled_fit.parameter("log_exponent")
    z = (draws.mean(axis=0) - simulated_grid.log_exponent) / draws.std(axis=0)
    assert np.abs(z).max() < 4.0  # seven curves; false alarm below 1 in 1,000 if calibrated
    assert sampled_fit.status.max_r_hat < 1.1
    assert sampled_fit.likelihood == "logit-gaussian"
    assert any("nested" in note for note in sampled_fit.notes)
    assert 0.4 < float(sampled_fit.draws.posterior["noise_correlation"].mean()) < 0.99  # .8 is true


def test_sampled_fit_survives_saving(sampled_fit, tmp_path):
    again = curvefit.load_fit(sampled_fit.save(tmp_path / "fit"))
    np.testing.assert_array_equal(again.expected_error([100, 1e5]), sampled_fit.expected_error([100, 1e5]))
    np.testing.assert_array_equal(again.noise_sd([100]), sampled_fit.noise_sd([100]))
    assert str(again) == str(sampled_fit)


def test_approximate_fits_say_they_are_not_to_be_quoted(simulated_grid):
    fit = curvefit.fit(simulated_grid.curves, method="approximate")
    assert "not to be quoted" in str(fit).splitlines()[0]
    assert fit.parameter("exponent").shape[1] == len(fit.triplets)


def test_approximate_fits_hold_common_parameters_where_curves_were_fitted(simulated_grid):
    """Apart from the curves' own they are not drawn: the law of the first size would scatter with them."""
    fit = curvefit.fit(simulated_grid.curves, family="broken-power-law", method="approximate")
    plain = curvefit.fit(simulated_grid.curves, method="approximate")
    assert np.ptp(fit.parameter("break_size"), axis=0).max() == 0
    smallest = simulated_grid.curves.usable["n_train"].min()
    widths = [
        np.diff(np.quantile(f.expected_error([smallest]), [0.05, 0.95], axis=0), axis=0).mean()
        for f in (fit, plain)
    ]
    assert widths[0] < 2 * widths[1]


def test_a_constant_is_fitted_without_discrepancy(simulated_grid):
    fit = curvefit.fit(simulated_grid.curves, family="last-value", method="approximate")
    assert fit.settings.discrepancy == "none"
    assert "walks" not in fit.draws.posterior
    assert [name for name, family in FAMILIES.items() if family.constant] == ["last-value"]


def test_one_triplet_alone_has_no_effects(simulated_grid):
    one = simulated_grid.curves.select(data="d0", model="m0", inference="i1")
    _, hierarchy, start, _ = prepare(one)
    assert not hierarchy.pooled
    assert not hierarchy.terms
    assert start.theta.shape == (1, 3)
    fit = curvefit.fit(one, method="approximate")
    assert list(fit.effects()) == [()]


def test_ragged_curves_are_laid_out_by_index(simulated_grid):
    table = simulated_grid.curves.table
    keep = ~((table["model"] == "m0") & (table["n_train"] > 500)) & ~(
        (table["seed"] == 2) & (table["data"] == "d1")
    )
    ragged = replace(simulated_grid.curves, table=table[keep])
    layout = lay_out(ragged, family="power-law")
    assert layout.pattern_count[:, 0].sum() == keep.sum()
    np.testing.assert_allclose(
        layout.pattern_mean[:, 0] @ layout.pattern_count[:, 0], layout.run_value.sum()
    )  # nothing lost, nothing doubled


def test_likelihoods_are_chosen_by_what_the_data_are():
    n = [16, 64, 256, 1024]
    few = LearningCurves.from_frame(
        {"n": n, "n_errors": [40, 20, 4, 1], "n_test": 100, "chance_error": 0.9}, training_sets="independent"
    )
    assert lay_out(few, family="power-law").likelihood.name == "beta-binomial"
    loss = LearningCurves.from_frame({"n": n, "loss": [3.0, 2.0, 1.5, 1.2]})
    layout = lay_out(loss, family="power-law")
    assert (layout.likelihood.name, layout.family.name) == ("log-gaussian", "shifted-power-law")
    assert any("no chance level" in note for note in layout.notes)
    assert not any("a column chance_error" in note for note in layout.notes)
    rates = LearningCurves.from_frame({"n": n, "error": [0.4, 0.2, 0.15, 0.12]})
    layout = lay_out(rates, family="power-law")
    assert (layout.likelihood.name, layout.family.name) == ("logit-gaussian", "shifted-power-law")
    assert any("a column chance_error" in note for note in layout.notes)


def test_bad_requests_are_explained(simulated_grid):
    curves = simulated_grid.curves
    with pytest.raises(InvalidInputError, match="pooling"):
        curvefit.fit(curves, pooling="some")
    with pytest.raises(UnknownNameError, match="Did you mean 'power-law'"):
        curvefit.fit(curves, family="powerlaw")
    with pytest.raises(InvalidInputError, match="unknown key; known"):
        curvefit.fit(curves, drawz=100)
    with pytest.raises(UnknownNameError, match="log_exponent"):
        curvefit.fit(curves, priors={"mean": {"log_exponet": (0.0, 1.0)}})
    loss = LearningCurves.from_frame({"n": [16, 64, 256, 1024], "loss": [3.0, 2.0, 1.5, 1.2]})
    with pytest.raises(InvalidInputError, match="'log-gaussian'"):
        curvefit.fit(loss, likelihood="logit-gaussian")
    with pytest.raises(InvalidInputError, match="needs n_errors"):
        curvefit.fit(loss, likelihood="beta-binomial")
    with pytest.raises(InvalidInputError, match="chance_error"):
        curvefit.fit(loss, family="mmf4")
    empty = replace(curves, table=curves.table.assign(flag="made up"))
    with pytest.raises(InvalidInputError, match=r"no row is usable: 147 row\(s\): made up"):
        curvefit.fit(empty)
    assert isinstance(curves.table, pd.DataFrame)
