"""The theorem table by computation: the largest chain group that leaves each (M, I) invariant.

Run as ``python -m tests.benchmarks.symmetry_table [--write]``; writes ``docs/results/symmetry-table.md``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np

from curvefit.symmetry import chain_group, get_group
from runners.architectures import FCN, GAP, LCN, VEC, AbstractArchitecture
from runners.certificates import (
    INFERENCES,
    Certificate,
    certify,
    check_equal_in_distribution,
    find_chain_group,
)
from runners.certificates.certification import CHAIN_GROUPS, KERNELS, SHAPE
from runners.certificates.distribution import FALSE_ALARM, telltale_tasks
from runners.certificates.training import FitPredict, draw_stack, get_rule, train_stack
from tests.results_pages import keep

ARCHITECTURES = {"fcn": FCN(width=16), "lcn": LCN(width=16), "vec": VEC(width=16), "gap": GAP(width=16)}
WIDTHS = {4: 400, 16: 200, 64: 100}
"""Nets to train of each width."""
TRIALS = 300


def predicted_group(name: str, inference: str) -> str:
    """Return the group that the paper's theorems name."""
    level = ARCHITECTURES[name].symmetry_level(infinite_width=inference in KERNELS)
    return chain_group(level, "signed-permutation" if inference.startswith("adam") else "orthogonal")


def trainer(
    architecture: AbstractArchitecture, shape: tuple[int, int, int], *, steps: int, offset: int = 0
) -> FitPredict:
    """Return the function that trains one net per seed by SGD and predicts."""
    plan, rule = architecture.plan(shape, 1), get_rule("sgd")
    assert plan is not None

    def fit_predict(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        stack = draw_stack(plan, [offset + seed for seed in seeds])
        return train_stack(plan, stack, rule, x=x, y=y, x_test=x_test, steps=steps)

    return fit_predict


def theorem_table() -> list[str]:
    """Compute every certificate of every (M, I)."""
    lines = [
        "| model | inference | certified group | theory | worst positive | weakest refutation of a larger group | control |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, architecture in ARCHITECTURES.items():
        for inference in INFERENCES:
            certificates = certify(architecture, inference, groups=CHAIN_GROUPS)
            found, theory = find_chain_group(certificates), predicted_group(name, inference)
            label = get_group(found, shape=SHAPE).label if found else "undecided"
            mark = "" if found == theory else " **differs**"
            *groups, control = certificates
            lines.append(
                f"| {name} | {inference} | {label} | {get_group(theory, shape=SHAPE).label}{mark} | "
                f"{describe_positive(groups)} | {describe_refutation(groups)} | {spell(control)} |"
            )
            print(lines[-1], flush=True)
    return lines


def describe_positive(certificates: Sequence[Certificate]) -> str:
    """Return the largest discrepancy among the positive certificates, with its margin."""
    positive = [c for c in certificates if c.verdict == "certified invariant"]
    return spell(min(positive, key=lambda c: c.margin)) if positive else "none"


def describe_refutation(certificates: Sequence[Certificate]) -> str:
    """Return the least clear negative certificate."""
    refuted = [c for c in certificates if c.verdict == "certified not invariant"]
    return spell(min(refuted, key=lambda c: c.margin)) if refuted else "none is larger"


def spell(certificate: Certificate) -> str:
    """Return what was found and how many times it is clear of its limit."""
    sign = "p = " if certificate.method == "two-sample" else ""
    return f"{sign}{certificate.discrepancy:.0e} ({certificate.margin:.0e} x)"


def width_table() -> list[str]:
    """Measure by how much rotated images change what VEC learns, by width."""
    shape = (6, 6, 4)
    task = telltale_tasks(shape)[1]
    groups = ("o-c-per-pixel", "o-c-shared")
    elements = [get_group(group, shape=shape).sample(0) for group in groups]
    labels = " | ".join(get_group(group, shape=shape).label for group in groups)
    lines = [f"| width | nets | {labels} |", "|---|---|---|---|"]
    for width, nets in WIDTHS.items():
        train = trainer(VEC(width=width), shape, steps=30)
        plain = np.median(train(task.x, task.y, task.x_test, range(nets)), axis=0)
        moved = []
        for k, g in enumerate(elements, start=1):
            seeds = range(k * nets, (k + 1) * nets)
            turned = np.median(train(g(task.x), task.y, g(task.x_test), seeds), axis=0)
            moved.append(f"{np.abs(turned - plain).max():.2f}")
        lines.append(f"| {width} | {nets} | {' | '.join(moved)} |")
        print(lines[-1], flush=True)
    return lines


def count_false_alarms() -> int:
    """Return how often p < .05 comes out for FCN under SGD and rotations, which are its symmetry."""
    shape = (2, 2, 2)
    rotate = get_group("o-cp", shape=shape).sample(0)
    tests = (trainer(FCN(width=3, depth=1), shape, steps=3, offset=10_000 * k) for k in range(TRIALS))
    return sum(check_equal_in_distribution(test, rotate, shape, n_seeds=60) < 0.05 for test in tests)


def make_page() -> str:
    """Compute everything and return the Markdown page."""
    started = time.process_time()
    table, widths, alarms = theorem_table(), width_table(), count_false_alarms()
    lines = [
        "# The symmetry table, computed",
        "",
        "Command: `python -m tests.benchmarks.symmetry_table --write`. Largest group of the chains that leaves (M, I) invariant,",
        f"images of {SHAPE}, width 16, depth 2. Every larger group is certified *not* to, by kernel entries (limit 1e-5) or by",
        f"two-sample tests on nets of width 4 (false-alarm rate {FALSE_ALARM:.0e} a group); positives are kernel entries (limit 1e-10) or",
        "coupled training runs (limit 1e-9). In brackets: how many times a finding is clear of its limit. *Control* is a linear map",
        "outside every group, which must be refuted.",
        "",
        *table,
        "",
        "Infinite VEC (nngp, ntk) has O(c)^p like LCN; VEC trained by SGD has O(c)⊗I_p alone, and comes nearer to O(c)^p the wider it is.",
        "Change of the median prediction (targets are 8) on images of one colour when all images are rotated, after 30 steps:",
        "",
        *widths,
        "",
        f"False alarms of the two-sample test where the symmetry is exact (FCN, SGD, O(cp)): p < .05 in {alarms} of {TRIALS} tests.",
        "",
        f"{time.process_time() - started:.0f} CPU-seconds on one core.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the page, and write it when asked to."""
    page = make_page()
    if "--write" in sys.argv:
        keep("symmetry-table", page)
    else:
        print(page)


if __name__ == "__main__":
    main()
