"""The whole log density of the PyMC model against one written by hand with numpy and scipy, for every likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from curvefit.curves import LearningCurves
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.model import build_model, start_point
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.settings import FitSettings
from tests.calibration.scenarios import SCENARIOS, simulate

CHANCE, N_TEST = 0.9, 2000


def grid(scenario: str) -> LearningCurves:
    """Four curves of three sizes: with two predecessors the density of a nested chain is exact."""
    return simulate(SCENARIOS[scenario], 0, shape=(2, 2, 1), drop=0, n_sizes=3, seeds=2).curves


def as_losses(curves: LearningCurves) -> LearningCurves:
    frame = curves.usable[["data", "model", "inference", "n_train", "seed", "value", "chance_error"]]
    return LearningCurves.from_frame(frame, metric="mse", training_sets=curves.training_sets)


CASES = {
    "beta-binomial": ("base", "beta-binomial", False),
    "logit-gaussian": ("base", "logit-gaussian", False),
    "logit-gaussian, nested": ("nested", "logit-gaussian", False),
    "logit-student": ("base", "logit-student", False),
    "log-gaussian, nested": ("nested", "log-gaussian", True),
    "log-student": ("base", "log-student", True),
}


@pytest.mark.parametrize("case", CASES)
def test_log_density_is_the_one_written_by_hand(case):
    scenario, likelihood, losses = CASES[case]
    curves = as_losses(grid(scenario)) if losses else grid(scenario)
    settings = FitSettings(likelihood=likelihood)
    layout = lay_out(curves, family=settings.family, likelihood=likelihood)
    hierarchy = build_hierarchy(layout, settings)
    start = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    model = build_model(layout, hierarchy, settings, start)
    compiled = model.compile_fn(model.logp(), inputs=model.value_vars, mode="FAST_COMPILE")
    centre = start_point(layout, hierarchy, settings, start)
    rng = np.random.default_rng(0)
    for spread in (0.0, 0.1, 0.3):
        point = {name: value + spread * rng.normal(size=value.shape) for name, value in centre.items()}
        expected = by_hand(point, curves, likelihood, start, hierarchy)
        assert float(compiled(point)) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def by_hand(point, curves, likelihood, start, hierarchy) -> float:
    """The model of docs/model.md, run by run; only the design columns and the starting point come from the package."""
    norm = stats.norm.logpdf
    mean_prior, mean_sd = np.array([[np.log(0.4), 0.7], [np.log(60), 1.5], [0.2, 0.15]]).T
    names = hierarchy.scale_names()
    median = {"log_exponent[data]": 0.25, "log_exponent[model]": 0.25, "log_exponent[residual]": 0.1,
              "log_onset[data]": 0.5, "log_onset[model]": 0.5, "log_onset[residual]": 0.5,
              "root_floor[data]": 0.075, "root_floor[model]": 0.075, "root_floor[residual]": 0.075}  # fmt: skip
    log_scale = point["log_scale"]
    scale = np.exp(log_scale)
    total = norm(point["mean"], mean_prior, mean_sd).sum()
    total += norm(log_scale, np.log([median[name] for name in names]), 0.8).sum()
    own = scale[hierarchy.column_term]
    total += norm(point["effect"], 0.0, own**start.centring).sum()
    effect = point["effect"] * own ** (1 - start.centring)
    sd = scale[-3:]
    theta = np.empty((4, 3))
    for j in range(4):
        eta = np.array(
            [
                point["mean"][k]
                + hierarchy.design[j][hierarchy.column_parameter == k]
                @ effect[hierarchy.column_parameter == k]
                for k in range(3)
            ]
        )
        precision = np.diag(sd**-2) + start.information[j]
        centre = np.linalg.solve(precision, eta / sd**2 + start.score[j])
        lower = np.linalg.cholesky(precision)
        theta[j] = centre + np.linalg.solve(lower.T, point["theta_whiten__"][j])
        total += norm(theta[j], eta, sd).sum() - np.log(np.diag(lower)).sum()
    ratio, shift = float(point["bend_log_ratio"]), float(point["bend_log_size_shift"])
    total += stats.t.logpdf(ratio, 4, 0.0, 0.3) + norm(shift, 0.0, 1.0)
    slope, rest = np.exp(float(point["noise_slope_log__"])), np.exp(float(point["noise_floor_log__"]))
    total += (
        stats.halfnorm.logpdf(slope, 0, 0.5)
        + np.log(slope)
        + stats.halfnorm.logpdf(rest, 0, 0.1)
        + np.log(rest)
    )
    total += norm(point["log_noise"], np.log(0.15), 0.8).sum()
    rho = 0.0
    if curves.training_sets == "nested":
        rho = 1 / (1 + np.exp(-float(point["noise_correlation_logodds__"])))
        total += np.log(rho) + np.log1p(-rho)
    return total + _likelihood(
        curves, likelihood, theta, point["log_noise"], slope, rest, rho, np.exp(ratio), shift
    )


def _likelihood(curves, likelihood, theta, log_noise, slope, rest, rho, ratio, shift) -> float:
    table, total = curves.usable, 0.0
    groups = list(dict.fromkeys((t.model, t.inference) for t in curves.triplets))
    middle = np.exp(np.log(table[["data", "model", "n_train"]].drop_duplicates()["n_train"]).mean())
    for j, triplet in enumerate(curves.triplets):
        mine = table[(table["data"] == triplet.data) & (table["model"] == triplet.model)]
        group = groups.index((triplet.model, triplet.inference))
        for _, run in mine.groupby("seed"):
            n = run.sort_values("n_train")["n_train"].to_numpy(float)
            value = run.sort_values("n_train")["value"].to_numpy(float)
            wrong = np.round(value * N_TEST)
            bent = n * (1 + (np.exp(shift) * middle / n) ** 2) ** ((1 - ratio) / 2)
            floor = CHANCE * (0.03 * np.log1p(np.exp(theta[j, 2] / 0.03))) ** 2
            error = floor + (CHANCE - floor) * (1 + bent / np.exp(theta[j, 1])) ** -np.exp(theta[j, 0])
            s = np.sqrt(np.exp(2 * log_noise[group]) * (n / middle) ** (-2 * slope) + rest**2)
            if likelihood == "beta-binomial":
                concentration = 1 / (s**2 * error * (1 - error))
                total += stats.betabinom.logpmf(
                    wrong, N_TEST, error * concentration, (1 - error) * concentration
                ).sum()
                continue
            if likelihood.startswith("log-"):
                seen, law, counting = np.log(value), np.log(error), np.zeros(len(n))
            else:
                seen, law = np.log((wrong + 0.5) / (N_TEST - wrong + 0.5)), np.log(error / (1 - error))
                counting = 1 / (N_TEST * error * (1 - error))
            if likelihood.endswith("-student"):
                total += stats.t.logpdf(seen, 4, law, np.sqrt((s**2 + counting) / 2)).sum()
            else:
                lag = np.abs(np.subtract.outer(np.log2(n), np.log2(n)))
                covariance = (rho**lag if rho else np.eye(len(n))) * np.outer(s, s) + np.diag(counting)
                total += stats.multivariate_normal(law, covariance).logpdf(seen)
    return float(total)
