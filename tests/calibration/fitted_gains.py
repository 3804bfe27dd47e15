"""Gains through the hierarchical fit, NUTS and all: is a gain of one reported as one, and a known dimension found?

``python -m tests.calibration.fitted_gains`` fits 10 null studies, in which FCN cannot notice a rotation and the others can,
and the torus curves of `tests.calibration.dimension` (some 10 CPU-minutes; ``--studies 2`` for a look). ``--keep FOLDER``
keeps the rows there as they come, and goes on from those it finds; ``--write`` keeps the page docs/results/fitted-gains.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves import LearningCurves
from curvefit.dimension import symmetry_gain, transform_pairs
from curvefit.dimension.intervals import gain_probabilities, interval
from curvefit.fitting import fit
from tests.calibration.dimension import REPLICATES, SCENARIOS, simulate, tabulate
from tests.results_pages import keep
from tests.simulated import CHANCE, EXPONENT, FLOOR, N_TEST, SIZES

SEEDS = 3
NOISE = 0.06
ROTATIONS = ("trivial", "o-c-per-pixel", "o-cp")
GROUPS = {"fcn": "o-cp", "vec": "o-c-shared", "gap": "o-c-shared"}
KERNEL = ("fcn", "kernel")
STATED = 0.1
SAMPLING = {"draws": 500, "tune": 600, "reruns": 0}
SETTING = (
    "Made by `python -m tests.calibration.fitted_gains --write`: `fit` with NUTS (4 chains of "
    f"{SAMPLING['tune']} + {SAMPLING['draws']} draws, no second run), read by `symmetry_gain`. `dimension.md` has the same "
    "teachers through the fast `fit_replicates`, in more studies."
)
NULL_SETTING = (
    "Every study: {fcn, vec, gap} x {sgd, kernel}, unrotated and rotated by O(c)^p and O(cp), which throw vec and gap back "
    f"to fcn's exponent and cannot touch fcn; {len(SIZES)} sizes ({SIZES[0]} to {SIZES[-1]}), {SEEDS} seeds with {NOISE:.0%} "
    f"noise, error counts of {N_TEST} test inputs, partial pooling. The curves of fcn under sgd have equal laws and "
    "independent noise, those of fcn under kernel are equal count by count, as an invariant kernel gives them."
)
TORUS_STUDIES = 4
TORUS_SETTING = (
    f"{TORUS_STUDIES} studies a scenario, all curves in one fit without pooling, family corrected-power-law, link 1/d. Every "
    "replicate has a teacher of its own for all its sizes, so its errors are fitted as correlated along n."
)


def study(seed: int) -> LearningCurves:
    """Return the curves of one study."""
    rng = np.random.default_rng([7, seed])
    rows: list[dict[str, Any]] = []
    facts = []
    for rotation in ROTATIONS:
        for model, group in GROUPS.items():
            for inference in ("sgd", "kernel"):
                labels = {"data": f"shifted {rotation}", "model": model, "inference": inference}
                facts.append(
                    labels
                    | {"source": "simulated", "shape": (7, 7, 16), "data_symmetry": "cyclic-shifts"}
                    | {"transform": rotation, "model_symmetry": group, "function_symmetry": "trivial"}
                )
                exponent = EXPONENT[model if rotation == "trivial" else "fcn"]
                for n in SIZES:
                    for s in range(SEEDS):
                        error = FLOOR + (CHANCE - FLOOR) * (1 + n / 8) ** -exponent
                        error = min(error * np.exp(NOISE * rng.standard_normal()), CHANCE)
                        rows.append(
                            labels
                            | {"n_train": n, "seed": s, "n_errors": int(rng.binomial(N_TEST, error))}
                            | {"n_test": N_TEST, "chance_error": CHANCE}
                        )
    table = pd.DataFrame(rows)
    mine = (table["model"] == KERNEL[0]) & (table["inference"] == KERNEL[1])
    counts = table.loc[mine & (table["data"] == "shifted trivial"), "n_errors"].to_numpy()
    table.loc[mine, "n_errors"] = np.tile(counts, len(ROTATIONS))
    curves = LearningCurves.from_frame(table, training_sets="independent")
    return LearningCurves(curves.table, pd.DataFrame(facts), "independent", True)


def null_study(seed: int) -> pd.DataFrame:
    """Return a row per comparison of one study: medians, intervals, probabilities of its gains."""
    fitted = fit(study(seed), seed=seed, **SAMPLING)
    gain = symmetry_gain(fitted, pairs=transform_pairs(fitted.curves))
    rows = []
    for i, pair in enumerate(gain.pairs):
        row: dict[str, Any] = {
            "study": seed,
            "model": pair.aligned.model,
            "inference": pair.aligned.inference,
        }
        middle = gain.multiplier.central(i)
        for name, draws in {
            "dimension": gain.dimension_gain[:, i],
            "sample": gain.sample_gain[:, i],
            "multiplier": gain.multiplier.at(i, 0 if middle is None else middle),
        }.items():
            row[name], low, high = interval(draws)
            row |= {f"{name}_covers": low <= 1 <= high, f"{name}_p": gain_probabilities(draws)[0]}
        rows.append(row | {"agreement": gain.agreement(i), "converged": fitted.status.converged})
    return pd.DataFrame(rows)


def torus_studies(studies: int) -> pd.DataFrame:
    """Return a row per torus study: medians, and whether the 90 % intervals hold exponents and ratio."""
    curves = simulate(studies, [name for name in SCENARIOS if name.startswith("torus")])
    study_of = curves["seed"] // REPLICATES
    curves["data"], curves["seed"] = curves["data"] + " " + study_of.astype(str), curves["seed"] % REPLICATES
    fitted = fit(
        LearningCurves.from_frame(curves),
        family="corrected-power-law",
        pooling="none",
        discrepancy="none",
        **SAMPLING,
    )
    gain = symmetry_gain(fitted, "full", link="noiseless")
    exponent = fitted.parameter("exponent")
    rows = []
    for i, pair in enumerate(gain.pairs):
        scenario = pair.aligned.data.rsplit(" ", 1)[0]
        truth = dict(zip(("baseline", "aligned"), SCENARIOS[scenario].exponents))
        measured = {role: exponent[:, fitted.index(getattr(pair, role))] for role in truth}
        truth["ratio"], measured["ratio"] = truth["aligned"] / truth["baseline"], gain.dimension_gain[:, i]
        row: dict[str, Any] = {"scenario": scenario, "converged": fitted.status.converged}
        for name, draws in measured.items():
            row[name], low, high = interval(draws)
            row[f"{name}_covered"] = low <= truth[name] <= high
        rows.append(row)
    return pd.DataFrame(rows)


def tabulate_null(rows: pd.DataFrame) -> str:
    """Return the table in Markdown: a row per quantity and kind of comparison."""
    null = rows[rows["model"] == "fcn"]
    kinds = {
        "fcn, sgd: independent noise": null[null["inference"] == "sgd"],
        "fcn, kernel: the same counts": null[null["inference"] == "kernel"],
        "vec and gap: a true gain": rows[rows["model"] != "fcn"],
    }
    lines = [
        "| comparison | quantity | comparisons | median gain (geometric mean) | 90 % interval holds 1 |",
        "|---|---|---|---|---|",
    ]
    for kind, mine in kinds.items():
        for name in ("dimension", "sample", "multiplier"):
            lines.append(
                f"| {kind} | {name} gain | {len(mine)} | {np.exp(np.log(mine[name]).mean()):.3f} "
                f"| {mine[f'{name}_covers'].mean():.0%} |"
            )
    words = null["agreement"].value_counts()
    lines.append(
        f"\nStated rate of false discovery: {STATED:.0%}. Of {len(null)} comparisons of fcn, theory (same curve) was "
        f"confirmed in {words.get('confirmed', 0)}, open in {words.get('open', 0)}, contradicted in "
        f"{words.get('contradicted', 0)}. Passed the gate: {rows.groupby('study')['converged'].first().mean():.0%} of the fits."
    )
    return "\n".join(lines)


def kept(folder: Path | None, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of `name` from `folder`, or make and keep them."""
    place = None if folder is None else folder / f"{name}.csv"
    if place is not None and place.exists():
        return pd.read_csv(place)
    rows = make()
    print(f"{name} fitted", file=sys.stderr, flush=True)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(place, index=False)
    return rows


def main() -> None:
    """Fit, tabulate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    null = pd.concat(
        [kept(options.keep, f"null-{seed}", partial(null_study, seed)) for seed in range(options.studies)],
        ignore_index=True,
    )
    torus = kept(options.keep, "torus", partial(torus_studies, TORUS_STUDIES))
    parts = [
        "# Gains through the hierarchical fit, measured",
        SETTING,
        "## Gains that are one",
        NULL_SETTING,
        tabulate_null(null),
        "## Dimensions that are known",
        TORUS_SETTING,
        tabulate(torus),
    ]
    text = "\n\n".join(parts)
    print(text)
    if options.write:
        keep("fitted-gains", text)


if __name__ == "__main__":
    main()
