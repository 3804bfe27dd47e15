"""Simulation-based calibration: parameters drawn from the priors, data from the likelihood, ranks of the truth in the fit.

``python -m tests.calibration.sbc [kind ...] [--simulations 60] [--out FILE.jsonl]`` appends a line per simulation;
``--table FILE.jsonl [--write]`` prints the table (and keeps it in docs/results/sbc.md). The simulator below is written
apart from the PyMC model, so that a mistake in either shows.

References
----------
S. Talts et al., Validating Bayesian inference algorithms with simulation-based calibration, arXiv:1804.06788.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from curvefit.curves import LearningCurves
from curvefit.fitting.effects import term_columns
from curvefit.fitting.known_likelihoods import LIKELIHOODS
from curvefit.fitting.priors import Priors
from tests.results_pages import keep

SIZES = np.array([16, 48, 144, 432, 1296, 3888])
SHAPE = (3, 2, 2)
SEEDS = 2
CHANCE, N_TEST = 0.9, 2000
PIECE = np.log2(SIZES[-1] / SIZES[0]) / 3  # doublings a piece of the bend
THINNED = 99
SAMPLING = {"chains": 2, "reruns": 0, "cores": 1}


@dataclass(frozen=True)
class Kind:
    """One likelihood under test, and the kind of data that it describes exactly."""

    likelihood: str
    metric: str = "error-rate"
    nested: bool = False
    shared: bool = False


KINDS = {
    "beta-binomial": Kind("beta-binomial"),
    "logit-gaussian": Kind("logit-gaussian"),
    "logit-gaussian, nested": Kind("logit-gaussian", nested=True),
    "logit-student": Kind("logit-student"),
    "log-gaussian": Kind("log-gaussian", metric="mse"),
    "log-gaussian, nested": Kind("log-gaussian", metric="mse", nested=True),
    "log-student": Kind("log-student", metric="mse"),
    "beta-binomial, shared points": Kind("beta-binomial", shared=True),
    "logit-gaussian, shared points": Kind("logit-gaussian", nested=True, shared=True),
}


def draw_truth(rng: np.random.Generator, priors: Priors) -> dict[str, np.ndarray]:
    """Draw all parameters of a grid of curves from the priors of the default model (see docs/model.md)."""
    index = np.array(list(product(*map(range, SHAPE))))
    parameters = (
        ("log_exponent", np.log(0.4), 0.7, 0.5),
        ("log_onset", np.log(60.0), 1.5, 1.0),
        ("root_floor", 0.2, 0.15, 0.15),
    )
    truth: dict[str, np.ndarray] = {}
    for name, mean, sd, spread in parameters:
        value = np.full(len(index), rng.normal(mean, sd))
        factorial = name == "log_exponent"
        terms = [((a,), 1.0) for a in range(3)]
        terms += [(pair, priors.interaction_ratio) for pair in ((0, 1), (0, 2), (1, 2))] if factorial else []
        for axes, ratio in terms:
            scale = 0.5 * ratio * spread * np.exp(priors.scale_width * rng.normal())
            columns, _ = term_columns(index, SHAPE, axes)
            value = value + columns @ rng.normal(0.0, scale, columns.shape[1])
        scale = (
            0.5
            * (priors.residual_ratio if factorial else 1.0)
            * spread
            * np.exp(priors.scale_width * rng.normal())
        )
        truth[f"scale of {name}, residual"] = np.log(scale)
        truth[name] = value + rng.normal(0.0, scale, len(index))
    truth["log_noise"] = np.log(priors.noise[0]) + priors.noise[1] * rng.normal(size=SHAPE[1] * SHAPE[2])
    truth["noise_slope"] = abs(rng.normal(0.0, priors.noise_slope))
    truth["noise_floor"] = abs(rng.normal(0.0, priors.noise_floor))
    truth["noise_correlation"] = rng.beta(*priors.noise_correlation)
    truth["log_walk"] = np.log(priors.walk[0]) + priors.walk[1] * rng.normal()
    truth["bend"] = np.cumsum(priors.bend * np.sqrt(PIECE) * rng.standard_t(4.0, 2))
    return truth


def draw_curves(rng: np.random.Generator, truth: dict[str, np.ndarray], kind: Kind) -> LearningCurves:
    """Draw the data of a grid whose parameters are `truth`."""
    index = np.array(list(product(*map(range, SHAPE))))
    log_n = np.log(SIZES)
    middle = log_n.mean()
    exponent, onset = np.exp(truth["log_exponent"])[:, None], np.exp(truth["log_onset"])[:, None]
    floor = CHANCE * (0.03 * np.log1p(np.exp(truth["root_floor"] / 0.03)))[:, None] ** 2
    below = np.log2(SIZES[-1] / SIZES)  # three pieces: the law as it is, and two that are stretched
    stretch = np.exp([0.0, *truth["bend"]])
    read = SIZES[-1] / 2 ** sum(f * np.clip(below - k * PIECE, 0, PIECE) for k, f in enumerate(stretch))
    error = floor + (CHANCE - floor) * (1 + read / onset) ** -exponent
    length = np.sqrt(np.diff(np.log2(SIZES), prepend=np.log2(SIZES[0])))
    walk = np.cumsum(np.exp(truth["log_walk"]) * length * rng.normal(size=error.shape), axis=1)
    if kind.shared:
        away = truth["test_shift"][index[:, 0], None] * np.sqrt(truth["test_correlation"] / 4 / N_TEST)
        error = np.sin(np.arcsin(np.sqrt(error)) + away) ** 2
    error = LIKELIHOODS[kind.likelihood].scale.shifted(error, walk)
    group = index[:, 1] * SHAPE[2] + index[:, 2]
    sd = np.sqrt(
        np.exp(2 * (truth["log_noise"][group][:, None] - truth["noise_slope"] * (log_n - middle)))
        + truth["noise_floor"] ** 2
    )
    shape = (len(index), len(SIZES), SEEDS)
    z = rng.normal(size=shape)
    if "student" in kind.likelihood:
        z = rng.standard_t(4.0, shape) / np.sqrt(2.0)
    if kind.nested:
        step = truth["noise_correlation"] ** (np.diff(log_n) / np.log(2.0))
        for t in range(1, len(SIZES)):
            z[:, t] = step[t - 1] * z[:, t - 1] + np.sqrt(1 - step[t - 1] ** 2) * z[:, t]
    c, a, s = (x.ravel() for x in np.indices(shape))
    frame = pd.DataFrame({"data": index[c, 0], "model": index[c, 1], "inference": index[c, 2], "n_train": SIZES[a], "seed": s, "chance_error": CHANCE})  # fmt: skip
    frame = frame.assign(
        **{axis: axis[0] + frame[axis].astype(str) for axis in ("data", "model", "inference")}
    )
    if kind.likelihood == "beta-binomial":
        concentration = 1 / (np.maximum(sd**2, 1e-6) * error * (1 - error))
        rate = rng.beta(
            (error * concentration)[..., None] * np.ones(SEEDS),
            ((1 - error) * concentration)[..., None] * np.ones(SEEDS),
        )
        frame = frame.assign(n_errors=rng.binomial(N_TEST, rate).ravel(), n_test=N_TEST)
    elif not LIKELIHOODS[kind.likelihood].scale.of_rates:
        frame["value"] = (error[..., None] * np.exp(sd[..., None] * z)).ravel()
    else:
        logit = np.log(error / (1 - error))[..., None] + sd[..., None] * z
        if kind.shared:
            # What counting adds for every run by itself, and whole numbers whose empirical logit this is.
            own = np.sqrt((1 - truth["test_correlation"]) / (N_TEST * error * (1 - error)))
            logit += own[..., None] * rng.normal(size=shape)
            wrong = np.clip(np.round((N_TEST + 1) / (1 + np.exp(-logit)) - 0.5), 0, N_TEST)
            frame = frame.assign(n_errors=wrong.ravel().astype(int), n_test=N_TEST)
        else:
            frame["value"] = (1 / (1 + np.exp(-logit))).ravel()
    sets = "nested" if kind.nested else "independent"
    metric = {} if "n_errors" in frame else {"metric": kind.metric}
    return LearningCurves.from_frame(frame, training_sets=sets, shared_test_set=kind.shared or None, **metric)


def run(name: str, replication: int) -> dict[str, object]:
    """Simulate, fit, and return the rank of every quantity among thinned draws; no ranks where `fit` refuses the data."""
    import curvefit
    from curvefit.errors import InvalidInputError

    kind = KINDS[name]
    rng = np.random.default_rng([7, replication, list(KINDS).index(name)])
    truth = draw_truth(rng, Priors())
    if kind.shared:
        truth["test_correlation"] = rng.beta(*Priors().test_correlation)
        if kind.likelihood == "beta-binomial":
            truth["test_correlation"] = Priors().mean_test_correlation
        truth["test_shift"] = rng.normal(size=SHAPE[0])
    began = time.process_time()
    try:
        fit = curvefit.fit(
            draw_curves(rng, truth, kind), likelihood=kind.likelihood, seed=replication, **SAMPLING
        )
    except InvalidInputError as error:
        return {"kind": name, "replication": replication, "refused": str(error)}
    posterior = fit.draws["posterior"]
    theta = posterior["theta"].values.reshape(fit.n_draws, -1, 3)
    compared: dict[str, tuple[np.ndarray, float]] = {}
    for k, parameter in enumerate(("log_exponent", "log_onset", "root_floor")):
        for curve in (0, 5, 11):
            compared[f"{parameter}[{curve}]"] = (theta[:, curve, k], truth[parameter][curve])
    for i, j in ((0, 4), (3, 11)):
        compared[f"log ratio of exponents[{i},{j}]"] = (
            theta[:, i, 0] - theta[:, j, 0],
            truth["log_exponent"][i] - truth["log_exponent"][j],
        )
    names = [str(x) for x in posterior["scale_of"].values]
    for parameter in ("log_exponent", "log_onset", "root_floor"):
        draws = posterior["log_scale"].values.reshape(fit.n_draws, -1)[
            :, names.index(f"{parameter}[residual]")
        ]
        compared[f"scale of {parameter}, residual"] = (draws, truth[f"scale of {parameter}, residual"])
    noise = posterior["log_noise"].values.reshape(fit.n_draws, -1)
    compared |= {f"log_noise[{g}]": (noise[:, g], truth["log_noise"][g]) for g in (0, 3)}
    compared["log_walk"] = (np.log(posterior["walk"].values).ravel(), truth["log_walk"])
    bend = posterior["bend"].values.reshape(fit.n_draws, -1)
    compared |= {f"bend[{k}]": (bend[:, k], truth["bend"][k]) for k in range(2)}
    for parameter in ("noise_slope", "noise_floor", *(["noise_correlation"] if kind.nested else [])):
        compared[parameter] = (posterior[parameter].values.ravel(), truth[parameter])
    if "test_correlation" in posterior:
        compared["test_correlation"] = (
            posterior["test_correlation"].values.ravel(),
            truth["test_correlation"],
        )
    if kind.shared:
        compared["test_shift[0]"] = (posterior["test_shift"].values[..., 0].ravel(), truth["test_shift"][0])
    thin = np.linspace(0, fit.n_draws - 1, THINNED).round().astype(int)
    ranks = {key: int((draws[thin] < float(true)).sum()) for key, (draws, true) in compared.items()}
    return {
        "kind": name, "replication": replication, "cpu": time.process_time() - began, "r_hat": fit.status.max_r_hat,
        "ess": fit.status.min_ess_bulk, "divergences": fit.status.divergences, "ranks": ranks,
    }  # fmt: skip


def table(path: Path) -> str:
    """Return the Markdown table: uniformity of ranks per likelihood, Bonferroni-corrected, and coverage."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    rows = [
        "| likelihood | simulations | quantities | smallest KS p | corrected | quantity | cover 50/80/90/95, all quantities | exponents alone | R-hat > 1.05 | refused |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in KINDS:
        all_of_it = [line for line in lines if line["kind"] == name]
        mine = [line for line in all_of_it if "refused" not in line]
        if not mine:
            continue
        ranks = pd.DataFrame([line["ranks"] for line in mine])
        jitter = np.random.default_rng(0).uniform(size=ranks.shape)
        uniform = (ranks + jitter) / (THINNED + 1)
        p = uniform.apply(lambda column: stats.kstest(column, "uniform").pvalue)
        exponents = [c for c in ranks if "exponent" in c and "scale" not in c]

        def cover(part: pd.DataFrame) -> str:
            away = (part - 0.5).abs().to_numpy()
            return "/".join(f"{(away < level / 200).mean():.3f}" for level in (50, 80, 90, 95))

        stuck = np.mean([line["r_hat"] > 1.05 for line in mine])
        rows.append(
            f"| {name} | {len(mine)} | {len(p)} | {p.min():.3g} | {min(1.0, p.min() * len(p)):.2f} | {p.idxmin()} | "
            f"{cover(uniform)} | {cover(uniform[exponents])} | {stuck:.2f} | {len(all_of_it) - len(mine)} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all of them when none is given")
    parser.add_argument("--simulations", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("sbc.jsonl"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the table in docs/results/sbc.md")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no new fit after this time")
    chosen = parser.parse_args()
    if chosen.table:
        text = table(chosen.table)
        print(text)
        if chosen.write:
            keep("sbc", PAGE + text)
        return
    began = time.monotonic()
    replications = range(chosen.first, chosen.first + chosen.simulations)
    for replication, name in product(replications, chosen.kinds or KINDS):
        if time.monotonic() - began > chosen.seconds:
            return
        line = run(name, replication)
        with chosen.out.open("a") as out:
            out.write(json.dumps(line) + "\n")


PAGE = f"""# Simulation-based calibration

Made by `python -m tests.calibration.sbc --out FILE` (stopped when time was up, so that likelihoods have different numbers) and `python -m tests.calibration.sbc --table FILE --write`. Parameters
are drawn from the default priors, data from the likelihood ({SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} curves, {len(SIZES)} sizes from {SIZES[0]} to {SIZES[-1]}, {SEEDS} seeds), and
the default model is fitted ({SAMPLING["chains"]} chains, no second run). If model, sampler and simulator agree, the rank of the true value among
the draws is uniform. *Refused* are data that `fit` does not take, most of a curve's errors lying above chance: looking at data alone, that leaves ranks
of the others uniform. *Corrected* is the smallest Kolmogorov-Smirnov p over the quantities times their number (Bonferroni).

"""


if __name__ == "__main__":
    main()
