"""The theorem table by computation: the largest chain group that leaves each (M, I) invariant.

Run as ``python -m tests.benchmarks.symmetry_table [--write]``; writes ``docs/results/symmetry-table.md``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from curvefit.symmetry import chain_group, get_group
from runners.architectures import FCN, GAP, LCN, VEC
from runners.certificates import INFERENCES, certify, find_chain_group
from runners.certificates.certification import CHAIN_GROUPS, KERNELS, SHAPE

RESULT = Path(__file__).parents[2] / "docs" / "results" / "symmetry-table.md"
ARCHITECTURES = {"fcn": FCN(width=16), "lcn": LCN(width=16), "vec": VEC(width=16), "gap": GAP(width=16)}


def predicted_group(name: str, inference: str) -> str:
    """Return the group that the paper's theorems name."""
    level = ARCHITECTURES[name].symmetry_level(infinite_width=inference in KERNELS)
    return chain_group(level, "signed-permutation" if inference == "adam" else "orthogonal")


def make_table() -> str:
    """Compute every certificate and return the Markdown page."""
    lines = [
        "# The symmetry table, computed",
        "",
        "Command: `python -m tests.benchmarks.symmetry_table --write`. Largest group of the chain that leaves",
        f"(M, I) invariant on images of {SHAPE}, width 16, depth 2; every larger group of the chain is certified",
        "*not* to (kernel entries, or two-sample tests at false-alarm rate 1e-4). *Clear by*: the worst discrepancy",
        "of a positive certificate, and the weakest refutation of a larger group.",
        "",
        "| model | inference | certified group | theory | worst positive | weakest refutation |",
        "|---|---|---|---|---|---|",
    ]
    started = time.process_time()
    for name, architecture in ARCHITECTURES.items():
        for inference in INFERENCES:
            certificates = certify(architecture, inference, groups=CHAIN_GROUPS)
            found, theory = find_chain_group(certificates), predicted_group(name, inference)
            positive = [c for c in certificates if c.verdict == "certified invariant"]
            refuted = [
                c for c in certificates if c.verdict == "certified not invariant" and c.group != "stretch"
            ]
            worst = max((c.discrepancy for c in positive), default=float("nan"))
            weakest = min(refuted, key=lambda c: c.margin, default=None)
            label = get_group(found, shape=SHAPE).label if found else "undecided"
            mark = "" if found == theory else " **differs**"
            refutation = (
                "none larger"
                if weakest is None
                else f"{'p = ' if weakest.method == 'two-sample' else ''}{weakest.discrepancy:.0e}"
            )
            lines.append(
                f"| {name} | {inference} | {label} | {get_group(theory, shape=SHAPE).label}{mark} | {worst:.0e} "
                f"| {refutation} |"
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
