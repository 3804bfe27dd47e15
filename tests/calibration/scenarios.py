"""Simulated grids of learning curves with known exponents: the scenarios of the calibration tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from curvefit.curves import LearningCurves

CHANCE = 0.9
N_TEST = 2000
#: Standard deviations of the effects on the log exponent that the simulator draws.
EFFECTS = {"D": 0.25, "M": 0.30, "I": 0.15, "DM": 0.30, "MI": 0.10, "DI": 0.07, "DMI": 0.07}


@dataclass(frozen=True)
class Scenario:
    """What is true in a scenario; defaults are those of the base scenario."""

    name: str
    largest: int = 16384
    floor: float = 0.02
    noise: str = "logit-normal"
    correlation: float = 0.0
    early_ratio: float = 1.0
    sharpness: float = 2.0
    ragged: bool = (
        False  # the second seed stops at two thirds of the sizes, the third starts at the second size
    )
    chance_known: bool = True
    entropy: float = 0.0  # what losses hold beside the error, in place of error counts
    n_test: int = N_TEST
    agreement: float = 0.0  # share of what makes a test point hard that is hard for every run; 0: every run has test points of its own

    @property
    def training_sets(self) -> str:
        return "nested" if self.correlation else "independent"


SCENARIOS = {
    s.name: s
    for s in (
        Scenario("base"),
        Scenario("beta", noise="beta"),
        Scenario("short", largest=1024),
        Scenario("hard", largest=1024, floor=0.08),
        Scenario("nested", correlation=0.8),
        Scenario("ragged", correlation=0.8, ragged=True),
        Scenario("broken", early_ratio=0.5),
        Scenario("broken-soft", early_ratio=0.6, sharpness=1.0),
        Scenario("unknown-chance", chance_known=False),
        Scenario("losses", chance_known=False, entropy=1.0),
        Scenario("shared", n_test=300, agreement=0.6),
    )
}


@dataclass(frozen=True)
class Simulated:
    """Curves and the truth behind them, in the order of the triplets."""

    curves: LearningCurves
    log_exponent: np.ndarray
    floor: np.ndarray
    last_error: np.ndarray  # at the largest size, on all test points that could be drawn


def simulate(
    scenario: Scenario,
    replication: int,
    *,
    shape: tuple[int, int, int] = (4, 3, 2),
    drop: int = 2,
    n_sizes: int = 9,
    seeds: int = 3,
) -> Simulated:
    """Return one simulated grid of triplets; the exponent is the one at the large end."""
    rng = np.random.default_rng([20220704, replication, sum(map(ord, scenario.name))])
    sizes = np.unique(np.round(np.geomspace(16, scenario.largest, n_sizes)).astype(int))
    grid = np.array([(d, m, i) for d in range(shape[0]) for m in range(shape[1]) for i in range(shape[2])])
    grid = grid[np.sort(rng.permutation(len(grid))[: len(grid) - drop])]
    level = dict(zip("DMI", grid.T))
    extent = dict(zip("DMI", shape))
    log_exponent = np.full(len(grid), np.log(0.5))
    for term, sd in EFFECTS.items():
        log_exponent += rng.normal(0, sd, [extent[a] for a in term])[tuple(level[a] for a in term)]
    exponent = np.exp(log_exponent)

    def spread(mean: float, sd_model: float, sd_data: float, sd_rest: float) -> np.ndarray:
        value = mean + rng.normal(0, sd_model, shape[1])[level["M"]]
        return value + rng.normal(0, sd_data, shape[0])[level["D"]] + rng.normal(0, sd_rest, len(grid))

    onset = np.exp(spread(np.log(60.0), 0.36, 0.30, 0.30))
    floor = 1 / (1 + np.exp(-spread(np.log(scenario.floor / (1 - scenario.floor)), 0.42, 0.42, 0.28)))
    n = sizes[None, :]
    early = exponent * scenario.early_ratio
    bend = (1 + (n / 500.0) ** scenario.sharpness) ** (-(exponent - early) / scenario.sharpness)[:, None]
    error = floor[:, None] + (CHANCE - floor)[:, None] * (1 + n / onset[:, None]) ** -early[:, None] * bend
    by_model = np.exp(rng.normal(0, 0.2, extent["M"]))[level["M"]][:, None]
    sd = np.sqrt((0.35 * (n / 64.0) ** -0.4) ** 2 + 0.04**2) * by_model
    z = np.empty((len(grid), len(sizes), seeds))
    z[:, 0] = rng.normal(size=(len(grid), seeds))
    for t in range(1, len(sizes)):
        fresh = np.sqrt(1 - scenario.correlation**2) * rng.normal(size=(len(grid), seeds))
        z[:, t] = scenario.correlation * z[:, t - 1] + fresh
    if scenario.noise == "beta":
        concentration = 1 / (sd**2 * error * (1 - error))
        rate = rng.beta(
            (error * concentration)[..., None] * np.ones(seeds),
            ((1 - error) * concentration)[..., None] * np.ones(seeds),
        )
    else:
        logit = np.log(error / (1 - error))[..., None] + sd[..., None] * z
        rate = 1 / (1 + np.exp(-logit))
    rate = np.clip(rate, 1e-12, 1 - 1e-12)
    if scenario.agreement:
        wrong = _on_shared_points(rng, rate, level["D"], scenario)
    else:
        wrong = rng.binomial(scenario.n_test, rate)
    c, a, s = np.indices(wrong.shape).reshape(3, -1)
    frame = pd.DataFrame(
        {
            "data": [f"d{x}" for x in grid[c, 0]],
            "model": [f"m{x}" for x in grid[c, 1]],
            "inference": [f"i{x}" for x in grid[c, 2]],
            "n_train": sizes[a],
            "seed": s,
            "n_errors": wrong.ravel(),
            "n_test": scenario.n_test,
            "chance_error": CHANCE if scenario.chance_known else np.nan,
        }
    )
    if scenario.ragged:
        frame = frame[~((s == 1) & (3 * a >= 2 * len(sizes)) | (s == 2) & (a == 0))]
    if scenario.entropy:
        loss = (scenario.entropy + error)[..., None] * np.exp(0.005 * z)
        frame = frame.drop(columns=["n_errors", "n_test"]).assign(loss=loss.ravel())
    curves = LearningCurves.from_frame(
        frame, training_sets=scenario.training_sets, shared_test_set=bool(scenario.agreement) or None
    )
    order = {tuple(f"{p}{x}" for p, x in zip("dmi", row)): j for j, row in enumerate(grid)}
    index = [order[tuple(t)] for t in curves.triplets]
    return Simulated(curves, log_exponent[index], floor[index], error[index, -1])


def _on_shared_points(
    rng: np.random.Generator, rate: np.ndarray, data: np.ndarray, scenario: Scenario
) -> np.ndarray:
    """Return errors on the test points of each data set, some of which are hard for all runs; rates of shape (triplets, sizes, seeds)."""
    wrong = np.empty(rate.shape, int)
    for d in np.unique(data):
        hard = np.sqrt(scenario.agreement) * rng.standard_normal(scenario.n_test)
        of_point = norm.cdf((norm.ppf(rate[data == d])[..., None] + hard) / np.sqrt(1.0 - scenario.agreement))
        wrong[data == d] = (rng.random(of_point.shape) < of_point).sum(axis=-1)
    return wrong
