"""The log density: PyMC's model against one written by hand with numpy and scipy, and the compiled one against PyMC's."""

from __future__ import annotations

import ctypes
from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from curvefit.curves import LearningCurves
from curvefit.fitting.density import Density, highest, preconditioned, round_at
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.model import build_model
from curvefit.fitting.model_data import start_point
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.settings import FitSettings
from tests.calibration.scenarios import SCENARIOS, simulate

CHANCE, N_TEST = 0.9, 2000


def grid(scenario: str) -> LearningCurves:
    """Four curves of three sizes: with two predecessors the density of a nested chain is exact."""
    scenario, _, ragged = scenario.partition(", ")
    curves = simulate(SCENARIOS[scenario], 0, shape=(2, 2, 1), drop=0, n_sizes=3, seeds=2).curves
    frame = curves.usable.drop(columns="value")
    if ragged == "a run missing":  # a seed of the first curve has no smallest size
        frame = frame.drop(frame[frame["n_train"] == frame["n_train"].min()].index[0])
    elif ragged == "other test sets":
        frame["n_test"] += 500 * frame["seed"]
    made = {"training_sets": curves.training_sets, "shared_test_set": ragged == "shared points"}
    return LearningCurves.from_frame(frame, **made) if ragged else curves


def as_losses(curves: LearningCurves) -> LearningCurves:
    frame = curves.usable[["data", "model", "inference", "n_train", "seed", "value", "chance_error"]]
    return LearningCurves.from_frame(frame, metric="mse", training_sets=curves.training_sets)


CASES = {
    "beta-binomial": ("base", "beta-binomial", False, {}),
    "beta-binomial without a walk": ("base", "beta-binomial", False, {"discrepancy": "none"}),
    "a walk without a bend": ("base", "logit-gaussian", False, {"discrepancy": "walk"}),
    "logit-gaussian": ("base", "logit-gaussian", False, {}),
    "logit-gaussian, nested": ("nested", "logit-gaussian", False, {}),
    "logit-gaussian, nested, without a walk": ("nested", "logit-gaussian", False, {"discrepancy": "none"}),
    "logit-gaussian, a run missing": ("nested, a run missing", "logit-gaussian", False, {}),
    "logit-gaussian, other test sets": ("nested, other test sets", "logit-gaussian", False, {}),
    "logit-student": ("base", "logit-student", False, {}),
    "beta-binomial, shared points": ("base, shared points", "beta-binomial", False, {}),
    "logit-gaussian, shared points": ("nested, shared points", "logit-gaussian", False, {}),
    "logit-student, shared points": ("base, shared points", "logit-student", False, {}),
    "log-gaussian, nested": ("nested", "log-gaussian", True, {}),
    "log-student": ("base", "log-student", True, {}),
    "no pooling": ("nested", "logit-gaussian", False, {"pooling": "none"}),
    "full pooling": ("base", "logit-gaussian", False, {"pooling": "full"}),
    "a common break": ("base", "logit-gaussian", False, {"family": "broken-power-law"}),
    "an implicit law": ("base", "logit-gaussian", False, {"family": "m4"}),
    "no floor": ("base", "logit-gaussian", False, {"family": "logarithmic"}),
    "no chance level": ("base", "log-gaussian", True, {"family": "asymptotic-power-law"}),
    "an estimated height": ("unknown-chance", "logit-gaussian", False, {}),
}


BY_HAND = (
    "beta-binomial, shared points", "logit-gaussian, shared points", "logit-student, shared points", "beta-binomial", "logit-gaussian", "logit-gaussian, nested", "logit-gaussian, a run missing", "logit-student", "log-gaussian, nested", "log-student",
)  # fmt: skip


@lru_cache
def compiled(case: str):
    """Return curves, the written-out density, and PyMC's model with its compiled log density: seconds of work, for two tests."""
    scenario, likelihood, losses, chosen = CASES[case]
    curves = as_losses(grid(scenario)) if losses else grid(scenario)
    settings = FitSettings(likelihood=likelihood, **chosen)
    layout = lay_out(curves, family=settings.family, likelihood=likelihood)
    hierarchy = build_hierarchy(layout, settings)
    start = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    model = build_model(layout, hierarchy, settings, start)
    log_density = model.compile_fn(model.logp(), inputs=model.value_vars, mode="FAST_COMPILE")
    centre = start_point(layout, hierarchy, settings, start)
    density = Density(layout, hierarchy, settings, start)
    return curves, hierarchy, start, centre, model, log_density, density


@pytest.mark.parametrize("case", BY_HAND)
def test_log_density_is_the_one_written_by_hand(case):
    curves, hierarchy, start, centre, _, log_density, _ = compiled(case)
    rng = np.random.default_rng(0)
    for spread in (0.0, 0.1, 0.3):
        point = {name: value + spread * rng.normal(size=value.shape) for name, value in centre.items()}
        expected = by_hand(point, curves, CASES[case][1], start, hierarchy)
        assert float(log_density(point)) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_compiled_density_is_that_of_the_pymc_model(case):
    *_, model, log_density, density = compiled(case)
    assert set(density.read(density.centre)) == {v.name for v in model.value_vars}
    rng = np.random.default_rng(1)
    for spread in (0.05, 0.3):
        x = density.centre + spread * rng.normal(size=len(density.centre))
        value, gradient = density(x)
        assert value == pytest.approx(float(log_density(density.read(x))), rel=1e-9, abs=1e-6)
        step = 1e-5
        slopes = [(density(x + step * e)[0] - density(x - step * e)[0]) / (2 * step) for e in np.eye(len(x))]
        np.testing.assert_allclose(gradient, slopes, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("case", ["logit-gaussian, nested", "beta-binomial", "full pooling", "no pooling"])
def test_the_preconditioned_density_is_the_same_and_round(case, monkeypatch):
    density = compiled(case)[-1]
    usual = round_at(density, highest(density, density.centre))
    monkeypatch.setattr(preconditioned, "_NEGLIGIBLE", 0.0)
    round_one = round_at(density, highest(density, density.centre))
    size = len(density.centre)
    y = 0.1 * np.random.default_rng(3).normal(size=size)
    top = round_one.at(np.zeros(size))
    to_x = np.array([round_one.at(e) for e in np.eye(size)]).T - top[:, None]
    value, gradient = density(top + to_x @ y)
    assert round_one(y)[0] == pytest.approx(value)
    np.testing.assert_allclose(round_one(y)[1], to_x.T @ gradient)
    np.testing.assert_allclose(
        density.expand(round_one.at(y))["theta"], density.expand(top + to_x @ y)["theta"]
    )
    assert usual(y)[0] == pytest.approx(density(usual.at(y))[0])
    np.testing.assert_array_equal(top[density.scales], density.centre[density.scales])
    assert density(top)[0] > density(density.centre)[0]
    slope = np.delete(round_one(np.zeros(size))[1], density.scales)
    np.testing.assert_allclose(slope, 0.0, atol=0.02)
    steps = density.positions("walk_free")
    others = np.setdiff1d(np.arange(size), np.concatenate([density.scales, steps]))
    free = np.concatenate([others, steps])

    def spread_of(sampled):
        curvature = np.array([(sampled(-1e-3 * e)[1] - sampled(1e-3 * e)[1]) / 2e-3 for e in np.eye(size)])
        return np.linalg.inv(curvature[np.ix_(free, free)])[: len(others), : len(others)]

    spread = spread_of(round_one)
    np.testing.assert_allclose(spread - np.diag(np.diag(spread)), 0.0, atol=1e-3)
    # One direction may be flat: its length is bounded.
    assert np.isclose(np.abs(np.diag(spread)), 1.0, atol=1e-3).sum() >= len(others) - 1
    # Without its small entries it is nearly as round.
    lengths = np.sort(np.abs(np.linalg.eigvalsh(spread_of(usual))))
    assert lengths[0] > 0.8
    assert lengths[-2] < 1.25


def test_the_sampler_is_told_where_the_density_is_not_finite():
    density = compiled("logit-gaussian, nested")[-1]
    native = round_at(density, density.centre).native
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(native.address)

    def code(y):
        gradient, value = np.empty_like(y), np.empty(1)
        return call(len(y), y.ctypes.data, gradient.ctypes.data, value.ctypes.data, native.data.ctypes.data)

    fine, over = np.zeros(len(density.centre)), np.full(len(density.centre), 1e6)
    assert code(fine) == 0
    assert not np.isfinite(native(over)[0])
    assert code(over) > 0


def test_draws_are_expanded_to_the_parameters_of_the_pymc_model():
    settings = FitSettings()
    layout = lay_out(grid("nested"), family="power-law")
    hierarchy = build_hierarchy(layout, settings)
    start = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    density = Density(layout, hierarchy, settings, start)
    model = build_model(layout, hierarchy, settings, start)
    x = density.centre + 0.2 * np.random.default_rng(2).normal(size=len(density.centre))
    names = ["theta", "mean", "bend", "walk", "noise_slope", "noise_floor", "noise_correlation"]
    found = density.expand(x)
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    expected = model.compile_fn(
        outputs, inputs=model.value_vars, mode="FAST_COMPILE", on_unused_input="ignore"
    )(density.read(x))
    for name, value in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[name], value, rtol=1e-10, err_msg=name)


def by_hand(point, curves, likelihood, start, hierarchy) -> float:
    """The model of docs/model.md, run by run; only the design columns and the starting point come from the package."""
    norm = stats.norm.logpdf
    mean_prior, mean_sd = np.array([[np.log(0.4), 0.7], [np.log(60), 1.5], [0.2, 0.15]]).T
    names = hierarchy.scale_names()
    median = {"log_exponent[data]": 0.25, "log_exponent[model]": 0.25, "log_exponent[residual]": 0.1,
              "log_onset[data]": 0.5, "log_onset[model]": 0.5, "log_onset[residual]": 0.5,
              "root_floor[data]": 0.075, "root_floor[model]": 0.075, "root_floor[residual]": 0.075}  # fmt: skip
    scale = np.exp(point["log_scale"])
    sd = scale[-3:]
    total = norm(point["log_scale"], np.log([median[name] for name in names]), 0.8).sum()
    ridge, projection = start.ridge, start.projection
    eta = np.empty((4, 3))
    shift = np.zeros((4, 3))
    for k, name in ((2, "root_floor"), (0, "log_exponent"), (1, "log_onset")):  # the floor comes first
        mean = point[f"mean_{name}"] + projection[k] @ shift[:, k]
        total += norm(mean, mean_prior[k], mean_sd[k])
        mine = hierarchy.column_parameter == k
        own, (known, score) = scale[hierarchy.column_term[mine]], start.effect_known[mine].T
        left_open = 1 / (own**-2 + known)
        effect = (
            point[f"effect_{name}"] * left_open**0.5 + score * left_open + projection[3:][mine] @ shift[:, k]
        )
        total += (norm(effect, 0.0, own) + 0.5 * np.log(left_open)).sum()
        eta[:, k] = mean + hierarchy.design[:, mine] @ effect
        if k == 2:
            level = np.clip((natural_floor(eta[:, 2]) - ridge.centre) / ridge.width, -1, 1)
            shift = np.einsum("jkp,jp->jk", ridge.path, level[:, None] ** np.arange(4))
    theta = np.empty((4, 3))
    walk = np.exp(float(point["log_walk"]))
    for j in range(4):
        z = point["theta_free"][j]
        certainty = 1 / (1 + walk**2 * ridge.rate[j])
        information = (certainty[:, None, None] * ridge.information[j]).sum(axis=0)
        pulls = (certainty[:, None, None] * ridge.score[j]).sum(axis=0)
        precision = 1 / sd[2] ** 2 + information[2, 2]
        theta[j, 2] = (eta[j, 2] / sd[2] ** 2 + pulls[2, 0]) / precision + z[2] / np.sqrt(precision)
        level = np.clip((natural_floor(theta[j, 2]) - ridge.centre[j]) / ridge.width[j], -1, 1)
        score = pulls[:2] @ level ** np.arange(4)
        across = np.diag(sd[:2] ** -2) + information[:2, :2]
        lower = np.linalg.cholesky(across)
        theta[j, :2] = np.linalg.solve(across, eta[j, :2] / sd[:2] ** 2 + score) + np.linalg.solve(
            lower.T, z[:2]
        )
        total += norm(theta[j], eta[j], sd).sum() - np.log(np.diag(lower)).sum() - 0.5 * np.log(precision)
    slope, rest = np.exp(float(point["noise_slope_log__"])), float(point["noise_floor_signed"])
    total += norm(point["log_walk"], np.log(0.02), 0.8)
    total += stats.halfnorm.logpdf(slope, 0, 0.5) + np.log(slope) + norm(rest, 0.0, 0.1)
    total += norm(point["log_noise"], np.log(0.15), 0.8).sum()
    total += stats.t.logpdf(point["bend_step"], 4).sum()
    bend = (
        0.01 * np.sqrt(2.0) * np.cumsum(point["bend_step"])
    )  # pieces of two doublings, the top one straight
    rho = 0.0
    if curves.training_sets == "nested":
        rho = 1 / (1 + np.exp(-float(point["noise_correlation_logodds__"])))
        total += np.log(rho) + np.log1p(-rho)
    shared = None
    if curves.shared_test_set:
        agreement = 0.5  # held, of beta-binomial counts
        if likelihood != "beta-binomial":
            agreement = 1 / (1 + np.exp(-float(point["test_correlation_logodds__"])))
            total += np.log(agreement) + np.log1p(-agreement)
        total += norm(point["test_shift"]).sum()
        shared = agreement, dict(zip(dict.fromkeys(t.data for t in curves.triplets), point["test_shift"]))
    return total + _likelihood(
        curves,
        likelihood,
        theta,
        point["log_noise"],
        slope,
        rest,
        rho,
        bend,
        walk,
        point.get("walk_free"),
        start.seen,
        shared,
    )


def natural_floor(root):
    return (0.03 * np.log1p(np.exp(root / 0.03))) ** 2


def _likelihood(
    curves, likelihood, theta, log_noise, slope, rest, rho, bend, walk, free, at_start, shared
) -> float:
    table, total = curves.usable, 0.0
    groups = list(dict.fromkeys((t.model, t.inference) for t in curves.triplets))
    middle = np.exp(np.log(table[["data", "model", "n_train"]].drop_duplicates()["n_train"]).mean())
    for j, triplet in enumerate(curves.triplets):
        mine = table[(table["data"] == triplet.data) & (table["model"] == triplet.model)]
        group = groups.index((triplet.model, triplet.inference))
        n = np.sort(mine["n_train"].unique()).astype(float)
        value = mine.pivot(index="seed", columns="n_train", values="value").to_numpy()  # (seeds, sizes)
        floor = CHANCE * natural_floor(theta[j, 2])
        fine = np.arange(0.0, 10.0, 1e-3) + 5e-4  # doublings below the largest size
        local = np.exp(np.r_[0.0, bend])[(fine / 2.0).astype(int)]
        read = np.array([16384 / 2 ** (1e-3 * local[fine < np.log2(16384 / size)].sum()) for size in n])
        error = floor + (CHANCE - floor) * (1 + read / np.exp(theta[j, 1])) ** -np.exp(theta[j, 0])
        fresh = 1.0  # share of its counting variance that a run has for itself
        if shared is not None:
            agreement, shifts = shared
            moved = np.sqrt(agreement / 4 / N_TEST) * shifts[triplet.data]
            error = np.sin(np.arcsin(np.sqrt(error)) + moved) ** 2
            fresh = 1 - agreement
        s = np.sqrt(np.exp(2 * log_noise[group]) * (n / middle) ** (-2 * slope) + rest**2)
        doublings = np.log2(n / n[0])
        losses = likelihood.startswith("log-")
        law = np.log(error) if losses else np.log(error / (1 - error))
        if free is not None:  # steps are sampled as what is left of their posterior, were data normal
            means, information = at_start[3 * j : 3 * j + 3].T
            to_path = np.tril(np.ones((3, 2)), -1) * walk * np.sqrt(np.diff(doublings))
            covariance = np.linalg.inv(np.eye(2) + (to_path.T * information) @ to_path)
            root = np.linalg.cholesky(covariance)
            steps = covariance @ to_path.T @ (information * (means - law)) + root @ free[2 * j : 2 * j + 2]
            total += stats.norm.logpdf(steps).sum() + np.log(np.diag(root)).sum()
            law = law + to_path @ steps
            error = np.exp(law) if losses else 1 / (1 + np.exp(-law))
        wrong = np.round(value * N_TEST)
        seen = np.log(value) if losses else np.log((wrong + 0.5) / (N_TEST - wrong + 0.5))
        counting = np.zeros(3) if losses else fresh / (N_TEST * error * (1 - error))
        if likelihood == "beta-binomial":
            a, b = error / (s**2 * error * (1 - error)), (1 - error) / (s**2 * error * (1 - error))
            total += stats.betabinom.logpmf(wrong, N_TEST, a, b).sum()
        elif likelihood.endswith("-student"):
            total += stats.t.logpdf(seen, 4, law, np.sqrt((s**2 + counting) / 2)).sum()
        else:
            lag = np.abs(np.subtract.outer(np.log2(n), np.log2(n)))
            own = (rho**lag if rho else np.eye(3)) * np.outer(s, s) + np.diag(counting)
            seeds = len(value)
            covariance = np.kron(np.eye(seeds), own)  # every seed its own noise, all of them the same walk
            if free is None:
                covariance += np.kron(
                    np.ones((seeds, seeds)), walk**2 * np.minimum.outer(doublings, doublings)
                )
            ran = np.isfinite(seen.ravel())
            noisy = stats.multivariate_normal(np.tile(law, seeds)[ran], covariance[np.ix_(ran, ran)])
            total += noisy.logpdf(seen.ravel()[ran])
    return float(total)
