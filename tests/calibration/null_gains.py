"""Is a gain of one reported as one? Repeated studies in which FCN cannot notice the rotation and the others can.

``python -m tests.calibration.null_gains`` fits 14 studies with NUTS (some 8 CPU-minutes; ``--studies 2`` for a look);
``--write`` keeps the table in docs/results/null-gains.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves import LearningCurves
from curvefit.dimension import symmetry_gain, transform_pairs
from curvefit.dimension.intervals import interval
from curvefit.fitting import fit
from tests.simulated import CHANCE, EXPONENT, FLOOR, N_TEST, SIZES

SEEDS = 3
NOISE = 0.06
ROTATIONS = ("trivial", "o-c-per-pixel", "o-cp")
GROUPS = {"fcn": "o-cp", "vec": "o-c-shared", "gap": "o-c-shared"}
KERNEL = ("fcn", "kernel")
STATED = 0.1
SAMPLING = {"draws": 500, "tune": 600, "reruns": 0}
RESULTS = Path(__file__).parents[2] / "docs" / "results" / "null-gains.md"
SETTING = (
    "Made by `python -m tests.calibration.null_gains --write`. Every study: {fcn, vec, gap} x {sgd, kernel}, unrotated and "
    "rotated by O(c)^p and O(cp), which throw vec and gap back to fcn's exponent and cannot touch fcn; "
    f"{len(SIZES)} sizes ({SIZES[0]} to {SIZES[-1]}), {SEEDS} seeds with {NOISE:.0%} noise, error counts of {N_TEST} test "
    "inputs. The curves of fcn under sgd have equal laws and independent noise, those of fcn under kernel are equal count by "
    "count, as a kernel that is invariant gives them. Each study is fitted by `fit` (NUTS, partial pooling, 4 chains of "
    f"{SAMPLING['tune']} + {SAMPLING['draws']} draws and no second run), and the gains read by `symmetry_gain`."
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


def measure(seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row per comparison of one study: medians, intervals, probabilities of its gains."""
    fitted = fit(study(seed), seed=seed, **SAMPLING)
    gain = symmetry_gain(fitted, pairs=transform_pairs(fitted.curves))
    for i, pair in enumerate(gain.pairs):
        row: dict[str, Any] = {
            "study": seed,
            "model": pair.aligned.model,
            "inference": pair.aligned.inference,
        }
        middle = gain.multiplier.central(i)
        at_middle = gain.multiplier.at(i, 0 if middle is None else middle)
        for name, draws in {
            "dimension": gain.dimension_gain[:, i],
            "sample": gain.sample_gain[:, i],
            "multiplier": at_middle,
        }.items():
            row[name], low, high = interval(draws)
            row |= {f"{name}_covers": low <= 1 <= high, f"{name}_p": float((draws > 1).mean())}
        yield row | {"agreement": gain.agreement(i), "converged": fitted.status.converged}


def tabulate(rows: pd.DataFrame) -> str:
    """Return the table in Markdown: a row per quantity and kind of comparison."""
    null = rows[rows["model"] == "fcn"]
    kinds = {
        "fcn, sgd: independent noise": null[null["inference"] == "sgd"],
        "fcn, kernel: the same counts": null[null["inference"] == "kernel"],
        "vec and gap: a true gain": rows[rows["model"] != "fcn"],
    }
    lines = [
        "| comparison | quantity | comparisons | median gain (geometric mean) | 90 % interval holds 1 | P(gain > 1) above .95 or below .05 |",
        "|---|---|---|---|---|---|",
    ]
    for kind, mine in kinds.items():
        for name in ("dimension", "sample", "multiplier"):
            sure = (mine[f"{name}_p"] > 0.95) | (mine[f"{name}_p"] < 0.05)
            lines.append(
                f"| {kind} | {name} gain | {len(mine)} | {np.exp(np.log(mine[name]).mean()):.3f} "
                f"| {mine[f'{name}_covers'].mean():.0%} | {sure.mean():.0%} |"
            )
    words = null["agreement"].value_counts()
    lines.append(
        f"\nStated rate of false discovery: {STATED:.0%}. Of {len(null)} comparisons of fcn, theory (same curve) was "
        f"confirmed in {words.get('confirmed', 0)}, open in {words.get('open', 0)}, contradicted in "
        f"{words.get('contradicted', 0)}. Converged: {rows.groupby('study')['converged'].first().mean():.0%} of the fits."
    )
    return "\n".join(lines)


def main() -> None:
    """Fit, tabulate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=14)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    parts = []
    for seed in range(options.studies):
        parts.append(pd.DataFrame(measure(seed)))
        print(f"study {seed} fitted", file=sys.stderr, flush=True)
    rows = pd.concat(parts, ignore_index=True)
    text = "\n\n".join(["# Gains that are one, measured", SETTING, tabulate(rows)])
    print(text)
    if options.write:
        RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
