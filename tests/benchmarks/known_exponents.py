"""Exponents of the synthetic teachers, recovered by kernel regression, beside what theory predicts.

Run as ``python -m tests.benchmarks.known_exponents [--write]``; writes ``docs/results/known-exponents.md``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from runners.datasets import LocalField, SphereField, TorusField
from runners.datasets.teachers import AbstractFieldTeacher
from runners.datasets.teachers.students import KernelStudent, regression_curve

RESULT = Path(__file__).parents[2] / "docs" / "results" / "known-exponents.md"
SIZES = (256, 512, 1024, 2048)

ROWS: list[tuple[str, AbstractFieldTeacher, KernelStudent, float, str]] = [
    ("T^2, d_par 1", TorusField(dimension=2, d_par=1), KernelStudent(), 1 / 2, ".478"),
    ("T^2, d_par 1", TorusField(dimension=2, d_par=1), KernelStudent(coordinates=1), 1.0, ".970"),
    ("T^3, d_par 1", TorusField(dimension=3, d_par=1), KernelStudent(), 1 / 3, ".322"),
    ("T^3, d_par 1", TorusField(dimension=3, d_par=1), KernelStudent(coordinates=1), 1.0, "1.031"),
    ("T^3, d_par 2", TorusField(dimension=3, d_par=2), KernelStudent(coordinates=2), 1 / 2, ".516"),
    ("S^2, Laplace", SphereField(dimension=2), KernelStudent(), 1 / 2, ""),
    ("S^2, Matern 3/2", SphereField(dimension=2, correlation="matern-3/2"), KernelStudent(), 3 / 2, "1.54"),
    ("local, t = 1", LocalField(dimension=6, filter=1), KernelStudent(filter=1), 1.0, "1.002"),
    ("local, t = 2", LocalField(dimension=6, filter=2), KernelStudent(filter=2), 1 / 2, ".493"),
    ("local, t = 3", LocalField(dimension=6, filter=3), KernelStudent(filter=3), 1 / 3, ".342"),
]


def measure_exponent(
    teacher: AbstractFieldTeacher, student: KernelStudent, *, sizes: tuple[int, ...] = SIZES, seeds: int = 8
) -> tuple[float, float]:
    """Return the mean over fields of the fitted exponent of test error, and its standard error."""
    slopes = []
    for seed in range(seeds):
        errors = regression_curve(student, teacher.split(max(sizes), seed=seed), sizes)
        slopes.append(-np.polyfit(np.log(sizes), np.log(errors), 1)[0])
    return float(np.mean(slopes)), float(np.std(slopes, ddof=1) / len(slopes) ** 0.5)


def describe(student: KernelStudent) -> str:
    """Return the student in a few words."""
    settings = student.non_default()
    return ", ".join(f"{key} {value}" for key, value in settings.items()) or "all coordinates"


def make_table() -> str:
    """Measure every row and return the Markdown page."""
    lines = [
        "# Known exponents, recovered",
        "",
        "Command: `python -m tests.benchmarks.known_exponents --write`. Test mean squared error of ridgeless kernel",
        f"regression with a Laplace student, n = {SIZES[0]} to {SIZES[-1]}, one exact Gaussian field per seed, 8 seeds;",
        "least squares of log error on log n. *Earlier* is the figure of an independent trial with other sizes.",
        "",
        "| teacher | student | predicted | measured | s.e. | earlier |",
        "|---|---|---|---|---|---|",
    ]
    started = time.process_time()
    for name, teacher, student, predicted, earlier in ROWS:
        exponent, se = measure_exponent(teacher, student)
        lines.append(
            f"| {name} | {describe(student)} | {predicted:.3f} | {exponent:.3f} | {se:.3f} | {earlier} |"
        )
        print(lines[-1], flush=True)
    lines += ["", f"{time.process_time() - started:.0f} CPU-seconds on one core."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, and write it when asked to."""
    table = make_table()
    if "--write" in sys.argv:
        RESULT.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
