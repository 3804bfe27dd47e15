"""Learning curves of kernel regression on Fashion-MNIST, beside what theory predicts from the kernel's spectrum.

Run as ``python -m tests.benchmarks.kernel_theory [--write]`` (about five minutes on one core); writes
``docs/results/kernel-theory.md`` and its figure.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curvefit.study.spec import Member, RunSpec
from runners.runs import execute_specs, prepare_specs
from tests.results_pages import keep

ASSETS = Path(__file__).parents[2] / "docs" / "assets"
SEEDS = 3


class Case(NamedTuple):
    """A kernel on a data set; the largest size is the population that theory sees."""

    label: str
    model: str
    data: Member
    largest: int


PLAIN = Member("plain", "fashion-mnist", {})
SHIFTED = Member("shifted", "fashion-mnist", {"fold": 4, "shift": True})
CASES = [
    Case("FCN, plain 28 x 28", "fcn", PLAIN, 4096),
    Case("VEC, shifted 7 x 7 x 16", "vec", SHIFTED, 4096),
    Case("GAP, shifted 7 x 7 x 16", "gap", SHIFTED, 1024),
]


class Points(NamedTuple):
    """Test losses ``(seed, size)``, measured and predicted."""

    sizes: list[int]
    measured: np.ndarray
    predicted: np.ndarray


def measure(case: Case, kind: str, *, seeds: int, smallest: int = 32) -> Points:
    """Measure a curve and have it predicted, at every doubling below the population."""
    sizes = [smallest * 2**i for i in range(20) if smallest * 2**i <= case.largest]
    inference = Member(kind, kind, {"theory": True})
    specs = [
        RunSpec("theory", case.data, Member(case.model, case.model), inference, n, seed)
        for seed in range(seeds)
        for n in sizes
    ]
    found = {(r.seed, r.n_train): r for r in execute_specs(prepare_specs(specs))}
    rows = [[found[seed, n] for n in sizes[:-1]] for seed in range(seeds)]
    return Points(
        sizes[:-1],
        np.array([[r.test_loss for r in row] for row in rows], float),
        np.array([[r.extra["theory_loss"] for r in row] for row in rows], float),
    )


def table_rows(label: str, kind: str, points: Points) -> list[str]:
    """Return a table row a size: both losses, their ratio, and its standard error over seeds."""
    rows = []
    ratios = points.measured / points.predicted
    for i, n in enumerate(points.sizes):
        spread = ratios[:, i].std(ddof=1) / len(ratios) ** 0.5
        rows.append(
            f"| {label} | {kind.upper()} | {n} | {points.measured[:, i].mean():.4f} "
            f"| {points.predicted[:, i].mean():.4f} | {ratios[:, i].mean():.3f} ± {spread:.3f} |"
        )
    return rows


def draw(found: dict[tuple[str, str], Points], path: Path) -> None:
    """Draw every case: theory's line and the measured points."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from curvefit.plots import plot_theory_curve

    figure, axes = plt.subplots(1, len(found), figsize=(4.2 * len(found), 3.6), layout="constrained")
    for ax, ((label, kind), points) in zip(np.atleast_1d(axes), found.items()):
        means = points.measured.mean(0)
        plot_theory_curve(
            points.sizes, points.predicted.mean(0), measured_sizes=points.sizes, measured=means, ax=ax
        )
        ax.set_title(f"{label}, {kind.upper()}\n{ax.get_title()}", fontsize=8)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def main() -> None:
    """Print the table; with ``--write`` keep it and its figure in docs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    began = time.process_time()
    rows, drawn = [], {}
    for case in CASES:
        for kind in ("nngp", "ntk"):
            points = measure(case, kind, seeds=SEEDS)
            rows += table_rows(case.label, kind, points)
            print("\n".join(rows[-len(points.sizes) :]), flush=True)
            if kind == "ntk":
                drawn[case.label, kind] = points
    lines = [
        "# Kernel regression on images, predicted from the spectrum",
        "",
        "Command: `python -m tests.benchmarks.kernel_theory --write`.",
        "",
        "![Test loss of NTK regression against training images, with the theory's line](../assets/kernel-theory.svg)",
        "",
        "Test loss (mean squared error of centred one-hot targets) of ridge regression on Fashion-MNIST (ridge 1e-6 of the",
        "kernel's scale, 2,000 test images), beside the whole-curve theory (Bordelon, Canatar, Pehlevan,",
        "arXiv:2002.02561) on the spectrum of one Gram matrix of training images; no test image enters the prediction.",
        "The matrix holds 4,096 images (GAP: 1,024), twice the largest size predicted: the settings `theory = true` of `nngp` and",
        f"`ntk`. Means over {SEEDS} seeds; each draws its own training images, the test images are shared.",
        "",
        "| kernel | | n | measured | theory | ratio |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"{time.process_time() - began:.0f} CPU-seconds on one core.",
        "",
    ]
    if asked.write:
        draw(drawn, ASSETS / "kernel-theory.svg")
        keep("kernel-theory", "\n".join(lines))


if __name__ == "__main__":
    main()
