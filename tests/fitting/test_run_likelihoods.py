"""Densities of runs, their replicates and the top-level priors, all in numpy, against the PyMC model at the same point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats

from curvefit.curves import LearningCurves
from curvefit.fitting import CurveFit, FitSettings, FitStatus
from curvefit.fitting.criticism import cell_log_likelihood
from curvefit.fitting.estimate import fit as fit_curves
from curvefit.fitting.hierarchical import natural_draws
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.likelihoods import add_beta_binomial, add_student
from curvefit.fitting.model import build_model
from curvefit.fitting.model_data import start_point
from curvefit.fitting.noise import counting_variance
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.run_likelihoods import replicate_runs, run_log_density, run_values, seen_cells
from tests.calibration.scenarios import SCENARIOS, simulate

SAMPLED = (
    "theta", "mean", "log_scale", "common", "log_noise", "noise_slope", "noise_floor", "noise_correlation", "walk",
    "walk_step", "bend", "test_correlation", "test_shift",
)  # fmt: skip


def curves_of(kind: str) -> LearningCurves:
    """Four curves of three sizes: counts (on two test sets, or on shared points), rates with standard errors, or losses with them."""
    made = simulate(SCENARIOS["base"], 0, shape=(2, 2, 1), drop=0, n_sizes=3, seeds=2).curves
    table = made.usable[["data", "model", "inference", "n_train", "seed", "chance_error"]]
    rate = made.usable["value"]
    if kind == "shared counts":
        return LearningCurves.from_frame(
            table.assign(n_errors=np.round(rate * 2000), n_test=2000),
            training_sets="independent",
            shared_test_set=True,
        )
    if kind == "counts":
        test = np.where(table["seed"] == 0, 2000, 500)
        table = table.assign(n_errors=np.round(rate * test), n_test=test)
    else:
        se = np.where(table["seed"] == 0, 0.05 * rate, np.nan)
        table = table.assign(value=rate, value_se=se)
    metric = "mse" if kind == "losses" else "error-rate"
    return LearningCurves.from_frame(table, metric=metric, training_sets="independent")


def at_a_point(curves: LearningCurves, settings: FitSettings):
    """Return a fit of one draw, and PyMC's log density of every sampled variable there, `y` or `log_likelihood` included."""
    layout = lay_out(curves, family=settings.family, likelihood=settings.likelihood)
    hierarchy = build_hierarchy(layout, settings)
    start = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    model = build_model(layout, hierarchy, settings, start)
    rng = np.random.default_rng(0)
    centre = start_point(layout, hierarchy, settings, start)
    point = {name: value + 0.2 * rng.normal(size=value.shape) for name, value in centre.items()}
    names = [name for name in SAMPLED if name in model.named_vars]
    densities = model.logp(vars=model.basic_RVs, jacobian=False, sum=False)
    variables = {v.name: density.sum() for v, density in zip(model.basic_RVs, densities)}
    if "log_likelihood" in model.named_vars:
        (variables["log_likelihood"],) = model.replace_rvs_by_values([model["log_likelihood"]])
    outputs = [*model.replace_rvs_by_values([model[name] for name in names]), *variables.values()]
    found = model.compile_fn(outputs, inputs=model.value_vars, mode="FAST_COMPILE", on_unused_input="ignore")(
        point
    )
    draws = {name: np.asarray(value)[None, None] for name, value in zip(names, found)}
    data = natural_draws(layout, hierarchy, draws, curves.triplets, None)
    data.constant_data["noise_group"] = ("triplet", [layout.noise_names[g] for g in layout.noise_group])
    data.constant_data["noise_size"] = ((), layout.middle_size * layout.size_unit)
    fit = CurveFit(
        curves, curves.triplets, data, FitStatus(True, (), n_draws=1), layout.family.name, layout.likelihood.name, settings
    )  # fmt: skip
    return fit, dict(zip(variables, found[len(names) :]))


@pytest.mark.parametrize(
    ("kind", "likelihood"),
    [
        ("counts", "beta-binomial"),
        ("counts", "logit-student"),
        ("rates", "logit-student"),
        ("losses", "log-student"),
    ],
)
def test_runs_are_as_likely_as_in_pymc(kind, likelihood):
    curves = curves_of(kind)
    fit = fit_curves(curves, likelihood=likelihood, method="approximate").thinned(2)
    layout = lay_out(curves, family=fit.family, likelihood=likelihood)
    error, variance, total = np.empty(len(layout.cell_curve)), np.empty(len(layout.cell_curve)), 0.0
    for cell in seen_cells(fit, layout):
        at = layout.run_cell[cell.runs]
        error[at], variance[at] = cell.error[0], cell.variance[0]
        total += run_log_density(layout, cell)[0].sum()
    data = {name: getattr(layout, name) for name in ("run_cell", "run_value", "run_errors", "run_test")}
    test = layout.cell_test if layout.counted else None
    counting = counting_variance(error, test, layout.cell_variance)
    with pm.Model() as model:
        if likelihood == "beta-binomial":
            add_beta_binomial(pt.as_tensor(error), pt.as_tensor(variance), data)
        else:
            add_student(layout.scale, pt.as_tensor(error), pt.as_tensor(variance), counting, data)
    assert total == pytest.approx(
        float(model.logp().eval()), abs=1e-6
    )  # constants of PyMC's t are single precision


@pytest.mark.parametrize(
    ("pooling", "likelihood", "discrepancy", "kind"),
    [
        ("partial", "logit-student", "bend-walk", "counts"),
        ("partial", "logit-student", "bend-walk", "shared counts"),
        ("none", "beta-binomial", "bend-walk", "counts"),
        ("none", "beta-binomial", "bend-walk", "shared counts"),
        # Its walks are integrated out, so that its density is not one given walks: there are none.
        ("full", "logit-gaussian", "none", "counts"),
        ("full", "logit-gaussian", "none", "shared counts"),
    ],
)
def test_cells_and_priors_are_those_of_the_pymc_model(pooling, likelihood, discrepancy, kind):
    settings = FitSettings(
        family="broken-power-law", likelihood=likelihood, pooling=pooling, discrepancy=discrepancy
    )
    fit, expected = at_a_point(curves_of(kind), settings)
    data = cell_log_likelihood(fit)
    cells = data["log_likelihood"]["cell"]
    assert cells.sizes == {"chain": 1, "draw": 1, "cell_name": 12}
    seen = expected["y"] if "y" in expected else expected["log_likelihood"]
    assert float(cells.sum()) == pytest.approx(float(seen), rel=1e-5)  # walks are kept in single precision
    found = {name: x.item() for name, x in data["log_prior"].items()}
    alike = {"common": "common", "log_noise": "log_noise", "noise_slope": "noise_slope"}
    if kind == "shared counts" and likelihood != "beta-binomial":
        alike["test_correlation"] = "test_correlation"
    if pooling == "partial":
        means = [value for name, value in expected.items() if name.startswith("mean_")]
        assert found.pop("mean") == pytest.approx(sum(float(x) for x in means))
        alike["log_scale"] = "log_scale"
    else:
        theta = fit.draws["posterior"]["theta"].values.reshape(-1, 3)
        prior = stats.norm.logpdf(theta, [np.log(0.4), np.log(60), 0.2], [0.7, 1.5, 0.15])
        assert found.pop("theta") == pytest.approx(prior.sum())
    assert found.pop("noise_floor") == pytest.approx(float(expected["noise_floor_signed"]) + np.log(2))
    if discrepancy == "bend-walk":
        alike["walk"] = "log_walk"
        pieces = fit.draws["posterior"].sizes["piece"]
        step = 0.01 * np.sqrt(np.log2(1024) / (pieces + 1))
        assert found.pop("bend") == pytest.approx(float(expected["bend_step"]) - pieces * np.log(step))
    assert found == pytest.approx({name: float(expected[model]) for name, model in alike.items()})


@pytest.mark.parametrize(
    ("kind", "likelihood"),
    [
        ("counts", "beta-binomial"),
        ("counts", "logit-student"),
        ("counts", "logit-gaussian"),
        ("shared counts", "logit-gaussian"),
        ("rates", "logit-student"),
        ("losses", "log-gaussian"),
    ],
)
def test_replicates_come_from_the_density(kind, likelihood):
    """The mean of q(y) / p(y) over draws y of p is 1 for every density q; seeded, within 4 standard errors."""
    curves = curves_of(kind)
    fit = fit_curves(curves, likelihood=likelihood, method="approximate", discrepancy="none")
    layout = lay_out(curves, family=fit.family, likelihood=likelihood)
    cell = next(seen_cells(fit, layout))
    draws, first = 20_000, slice(0, 1)
    fresh = 0.4 if kind == "shared counts" else 1.0
    one = replace(
        cell, runs=cell.runs[:1], error=cell.error[first], variance=cell.variance[first], fresh=fresh
    )
    many = replace(one, error=np.repeat(one.error, draws, 0), variance=np.repeat(one.variance, draws, 0))
    values = replicate_runs(layout, many, np.random.default_rng(0))[:, 0]
    test = layout.run_test[one.runs]
    seen = layout.scale.transform(values)
    if layout.counted:
        seen = np.log(values * test + 0.5) - np.log(test - values * test + 0.5)
    copies = replace(
        layout, run_value=seen, run_errors=values * test, run_test=np.repeat(test, draws),
        run_cell=np.repeat(layout.run_cell[one.runs], draws),
    )  # fmt: skip
    one = replace(one, runs=np.arange(draws))
    for error, variance in ((1.01, 1.0), (1.0, 0.7)):
        other = replace(one, error=error * one.error, variance=variance * one.variance)
        ratio = np.exp(run_log_density(copies, other) - run_log_density(copies, one))[0]
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(draws)


def test_values_are_read_as_they_were_measured():
    for kind, likelihood in (
        ("counts", "logit-student"),
        ("rates", "logit-student"),
        ("losses", "log-student"),
    ):
        curves = curves_of(kind)
        fit = fit_curves(curves, likelihood=likelihood, method="approximate")
        layout = lay_out(curves, family=fit.family, likelihood=likelihood)
        for cell in seen_cells(fit, layout):
            rows = pd.DataFrame(curves.usable).query("n_train == @cell.n_train")
            mine = (rows["data"] == cell.triplet.data) & (rows["model"] == cell.triplet.model)
            np.testing.assert_allclose(run_values(layout, cell), rows.loc[mine, "value"])
