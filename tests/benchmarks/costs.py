"""What ``curvefit plan`` guesses for the reference studies before any run, and after a part, beside what they took.

Run: ``python -m tests.benchmarks.costs [--write]``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from curvefit.records import read_records
from curvefit.study import Study
from runners.engine.estimate import CostEstimate, Workload, duration, processor_speed
from runners.engine.plan import make_plan
from tests.results_pages import keep

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ("rotations", "inference", "translation", "dimension")
PART = 0.3


@dataclass(slots=True)
class Forecast:
    """An algorithm of a study: seconds measured and guessed, of all its runs and of those after a part of the chunks."""

    study: str
    label: str
    seconds: float = 0.0
    guess: CostEstimate | None = None
    rest_seconds: float = 0.0
    rest: CostEstimate | None = None
    costs: list[float] = field(default_factory=list)


def forecast(study: str) -> Iterator[Forecast]:
    """Yield what would have been said of each algorithm of a reference study."""
    folder = ROOT / "data" / study
    seconds = {record.run_id: record.seconds for record in read_records(folder)}
    plan = make_plan(Study.from_toml(folder / "plans" / f"{study}.toml"))
    found: dict[str, Forecast] = {}
    after = Workload()
    for number, chunk in enumerate(plan.chunks):
        for spec in chunk.specs:
            label, cost, taken = spec.inference.label, plan.costs[spec.id], seconds[spec.id]
            one = found.setdefault(label, Forecast(study, label))
            one.costs.append(cost)
            one.seconds += taken
            if number < PART * len(plan.chunks):
                after.past[label].append((cost, taken))
            else:
                after.todo[label].append(cost)
                one.rest_seconds += taken
    for label, one in found.items():
        before = Workload()
        before.todo[label] = one.costs
        one.guess = before.estimate()
        one.rest = after.estimate(label) if label in after.past and label in after.todo else None
        yield one


def main() -> None:
    """Print the table; with ``--write`` keep it."""
    lines = [
        "# Costs foretold",
        "",
        "`python -m tests.benchmarks.costs --write`: processor seconds that `curvefit plan` foretells for each algorithm of",
        "the reference studies, and that their records say were taken (on one kind of machine, not necessarily this one).",
        f"*Before*: from the operations and the speed of this processor alone ({processor_speed() / 1e9:.0f} GFLOP/s in single",
        f"precision). *After*: of what is left when {PART:.0%} of the chunks, the dearest first, are done; empty where the",
        "algorithm has no part on one side. Intervals hold 90 %.",
        "",
        "| study | algorithm | taken | before | after: taken | foretold |",
        "|---|---|---|---|---|---|",
    ]
    found = [one for study in STUDIES for one in forecast(study)]
    for one in found:
        rest = [duration(one.rest_seconds), _text(one.rest)] if one.rest else ["", ""]
        lines.append(
            f"| {one.study} | {one.label} | {duration(one.seconds)} | {_text(one.guess)} | {' | '.join(rest)} |"
        )
    ratios = [max(one.guess.seconds / one.seconds, one.seconds / one.guess.seconds) for one in found]
    lines += [
        "",
        f"Before any run {_covered([(o.seconds, o.guess) for o in found])} of the intervals hold what was taken, and",
        f"{sum(r <= 3 for r in ratios)} of {len(found)} guesses are right within a factor of 3, all within",
        f"{max(ratios):.1f}; after a part",
        f"{_covered([(o.rest_seconds, o.rest) for o in found if o.rest])} intervals hold it.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if "--write" in sys.argv:
        keep("costs", text)


def _text(estimate: CostEstimate) -> str:
    return f"{duration(estimate.seconds)} ({duration(estimate.low)} to {duration(estimate.high)})"


def _covered(pairs: list[tuple[float, CostEstimate]]) -> str:
    return f"{sum(e.low <= taken <= e.high for taken, e in pairs)} of {len(pairs)}"


if __name__ == "__main__":
    main()
