"""Does the dimension floor recover dimensions that are known? Coverage over repeated studies, and null studies.

``python -m tests.calibration.dimension`` simulates 20 studies of each scenario (about 10 CPU-minutes; ``--studies 2``
for a look). ``--curves FILE`` keeps the simulated curves in a Parquet file, or reads them from it; ``--write`` keeps
the tables in docs/results/dimension.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from curvefit.curves import LearningCurves
from curvefit.dimension import fit_replicates, invariance_table, symmetry_gain
from tests.calibration.teachers import Simulated, curves_frame, local_and_convolutional, torus, wrong_group
from tests.dimension.studies import rotation_study
from tests.results_pages import keep

SIZES = (64, 128, 256, 512, 1024, 2048)
REPLICATES = 6
FIRST_SEED = 1000
SETTING = (
    "Made by `python -m tests.calibration.dimension --write`. Kernel regression (Laplace, no noise, no ridge) on "
    f"{SIZES[0]} to {SIZES[-1]} examples, {REPLICATES} replicates a study, each with its own teacher, points and test "
    "set; `fit_replicates`, link 1/d. Estimates are means over studies of posterior medians. "
    "The law and the prior of its correction were settled on 16 other seeds of these simulators."
)
NULL_SETTING = (
    "Error counts of 4,000 test points, six sizes, three seeds, pairs of curves with one law compared by "
    "`invariance_table`; a seed's noise at one size has the correlation given with that at the next, as of nested training "
    "sets. With much noise the answer is undecided, not a discovery (stated bound: 2 %)."
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Two students of one teacher, and the exponents theory gives them; `most` studies are simulated."""

    simulate: Callable[..., Simulated]
    baseline: str
    aligned: str
    exponents: tuple[float, float]
    order: float | None = None
    most: int = 1000


SCENARIOS = {
    **{
        f"torus d={d}, d_par={k}": Scenario(partial(torus, d, k), "full", "invariant", (1 / d, 1 / k))
        for d, k in [(2, 1), (3, 1), (3, 2), (4, 2)]
    },
    "6 shifts, filter 3": Scenario(
        partial(local_and_convolutional, 6, 3), "local", "convolutional", (1 / 3, 1 / 3), 6, most=6
    ),
}


def simulate(studies: int, names: Sequence[str] = tuple(SCENARIOS)) -> pd.DataFrame:
    """Return the curves of `studies` studies of every scenario named."""
    parts = []
    for name in names:
        scenario = SCENARIOS[name]
        seeds = range(FIRST_SEED, FIRST_SEED + min(studies, scenario.most) * REPLICATES)
        parts.append(curves_frame(partial(_run, scenario.simulate), SIZES, seeds, data=name))
    return pd.concat(parts)


def measure(curves: pd.DataFrame, *, correction: bool = True) -> pd.DataFrame:
    """Return one row per scenario and study: medians and whether the 90 % intervals hold the truth."""
    rows = []
    for name, scenario in SCENARIOS.items():
        mine = curves[curves["data"] == name]
        for study, part in mine.groupby(mine["seed"] // REPLICATES):
            fit = fit_replicates(
                LearningCurves.from_frame(part, training_sets="independent"), correction=correction
            )
            gain = symmetry_gain(fit, scenario.baseline, link="noiseless")
            exponent = fit.parameter("exponent")
            row: dict[str, object] = {"scenario": name, "study": study}
            truth = dict(zip(("baseline", "aligned"), scenario.exponents))
            for role, true in truth.items():
                model = getattr(scenario, role)
                draws = exponent[:, [t.model for t in fit.triplets].index(model)]
                row |= {role: np.median(draws), f"{role}_covered": _covers(draws, true)}
            ratio = scenario.exponents[1] / scenario.exponents[0]
            row["ratio"] = np.median(gain.dimension_gain)
            row["ratio_covered"] = _covers(gain.dimension_gain[:, 0], ratio)
            row["p_gain"] = np.mean(gain.dimension_gain > 1)
            row["shift"] = np.median(gain.shift_if_parallel)
            row["shift_covered"] = _covers(gain.shift_if_parallel[:, 0], scenario.order or np.nan)
            rows.append(row)
    return pd.DataFrame(rows)


def tabulate(measured: pd.DataFrame) -> str:
    """Return the coverage table in Markdown."""
    lines = [
        "| scenario | studies | exponents | estimated | dimensions | estimated | cover of 90 %: baseline, aligned, ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in measured.groupby("scenario", sort=False):
        one, other = SCENARIOS[str(name)].exponents
        base, aligned = rows["baseline"].mean(), rows["aligned"].mean()
        covered = ", ".join(
            f"{rows[f'{key}_covered'].mean():.2f}" for key in ("baseline", "aligned", "ratio")
        )
        lines.append(
            f"| {name} | {len(rows)} | {one:.3f}, {other:.3f} | {base:.3f}, {aligned:.3f} "
            f"| {1 / one:.2f}, {1 / other:.2f} | {(1 / rows['baseline']).mean():.2f}, "
            f"{(1 / rows['aligned']).mean():.2f} | {covered} |"
        )
    return "\n".join(lines)


def finite_group(measured: pd.DataFrame) -> str:
    """Return in a sentence what the finite group was reported as."""
    rows = measured[measured["scenario"] == "6 shifts, filter 3"]
    claimed = np.mean((rows["p_gain"] > 0.95) | (rows["p_gain"] < 0.05))
    return (
        f"Group of 6 shifts: a change of dimension (P > 0.95 either way) was claimed in {claimed:.0%} of "
        f"{len(rows)} studies; given equal exponents the shift is {rows['shift'].median():.1f} examples for one "
        f"(theory: tends to 6), its 90 % interval covers 6 in {rows['shift_covered'].mean():.0%}."
    )


def wrong_group_control(studies: int) -> str:
    """Return how the gain of a student with the wrong group is reported."""
    seeds = range(FIRST_SEED, FIRST_SEED + studies * 4)
    frame = curves_frame(partial(_run, partial(wrong_group, 6, 3)), SIZES, seeds, data="local teacher")
    curves = LearningCurves.from_frame(frame, training_sets="independent")
    facts = curves.facts.assign(
        shape=[(1, 6, 1)] * 2,
        data_symmetry="trivial",
        model_symmetry="trivial",
        function_symmetry=[
            "cyclic-shifts" if t.model == "convolutional" else "trivial" for t in curves.triplets
        ],
    )
    gain = symmetry_gain(
        fit_replicates(replace(curves, facts=facts), correction=False), "local", link="noiseless"
    )
    last = frame.pivot_table(index="n_train", columns="model", values="value").iloc[-1]
    return (
        f"Wrong group (local teacher, student with 6 shifts; error {last['convolutional']:.3f} at n = {SIZES[-1]} against "
        f"{last['local']:.3f}), as `symmetry_gain` reports it:\n\n> {gain.sentences()[0]}"
    )


def null_studies(studies: int) -> str:
    """Return in a table how often equal error-count curves were called changed."""
    lines = [
        "| seed noise | correlation along n | comparisons | unchanged | undecided | changed |",
        "|---|---|---|---|---|---|",
    ]
    for nested in (0.0, 0.5, 0.8):
        for noise in (0.03, 0.08, 0.15):
            verdicts = null_verdicts(studies, noise=noise, nested=nested)
            total = sum(verdicts.values())
            shares = " | ".join(f"{verdicts[v] / total:.1%}" for v in ("unchanged", "undecided", "changed"))
            lines.append(f"| {noise:.0%} | {nested:g} | {total} | {shares} |")
    return "\n".join(lines)


def null_verdicts(studies: int, *, noise: float, nested: float, seeds: int = 3) -> Counter[str]:
    """Return how often pairs of curves with one law were called unchanged, undecided and changed."""
    verdicts: Counter[str] = Counter()
    for seed in range(studies):
        table = invariance_table(rotation_study(seeds=seeds, noise=noise, seed=seed, nested=nested))
        null = (table["reference"] == "plain trivial") | (table["model"] == "fcn")
        verdicts.update(table.loc[null, "verdict"])
    return verdicts


def main() -> None:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.curves is not None and options.curves.exists():
        curves = pd.read_parquet(options.curves)
    else:
        curves = simulate(options.studies)
        if options.curves is not None:
            curves.to_parquet(options.curves)
    with_correction, without = (measure(curves, correction=flag) for flag in (True, False))
    text = "\n\n".join(
        [
            "# Dimensions that are known, measured",
            SETTING,
            "## With the correction bounded by chance",
            tabulate(with_correction),
            finite_group(with_correction),
            wrong_group_control(2),
            "## Pure power law on the same curves, for comparison",
            tabulate(without),
            "## Null studies",
            NULL_SETTING,
            null_studies(100),
        ]
    )
    print(text)
    if options.write:
        keep("dimension", text)


def _run(simulator: Callable[..., Simulated], seed: int) -> Simulated:
    return simulator(sizes=SIZES, seed=seed)


def _covers(draws: np.ndarray, truth: float) -> bool:
    low, high = np.quantile(draws, [0.05, 0.95]) if np.isfinite(draws).all() else (np.nan, np.nan)
    return bool(low <= truth <= high)


if __name__ == "__main__":
    main()
