"""Coverage of the exponents' intervals over the scenarios, against least squares; run as a module.

``python -m tests.calibration.coverage [scenario ...] [--replications 16] [--out FILE.jsonl]`` fits simulated grids and
appends a line per grid; ``--table FILE.jsonl [--write]`` prints the table (and keeps it in docs/results/coverage.md).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from tests.calibration.least_squares import METHODS, estimate_draws
from tests.calibration.scenarios import SCENARIOS, Simulated, simulate
from tests.results_pages import keep

SAMPLING = {"chains": 2, "reruns": 0, "cores": 1}
OURS = "curvefit.fit"
LEVELS = (50, 80, 90, 95)


def score(draws: np.ndarray, simulated: Simulated) -> dict[str, float]:
    """Return bias, error and coverage of log exponents, and of their ratios between data sets."""
    truth = simulated.log_exponent
    triplets = simulated.curves.triplets
    pairs = [
        (i, j)
        for i, j in combinations(range(len(triplets)), 2)
        if triplets[i][1:] == triplets[j][1:] and "d0" in (triplets[i].data, triplets[j].data)
    ]
    ratio = np.stack([draws[:, i] - draws[:, j] for i, j in pairs], axis=1)
    ratio_truth = np.array([truth[i] - truth[j] for i, j in pairs])
    found = {"bias": float((draws.mean(axis=0) - truth).mean())}
    for name, values, true in (("", draws, truth), ("ratio_", ratio, ratio_truth)):
        found[f"{name}rmse"] = float(np.sqrt(((np.median(values, axis=0) - true) ** 2).mean()))
        for level in LEVELS:
            low, high = np.quantile(values, [0.5 - level / 200, 0.5 + level / 200], axis=0)
            found[f"{name}cover{level}"] = float(((low <= true) & (true <= high)).mean())
            if level == 90:
                found[f"{name}width90"] = float(np.median(high - low))
    return found


def run(name: str, replication: int, **settings) -> dict[str, object]:
    """Fit one simulated grid and return the scores of all methods, and the diagnostics of ours."""
    import curvefit

    simulated = simulate(SCENARIOS[name], replication)
    before = sum(os.times()[:2])
    fit = curvefit.fit(simulated.curves, seed=replication, **{**SAMPLING, **settings})
    line: dict[str, object] = {
        "scenario": name,
        "replication": replication,
        "cpu": sum(os.times()[:2]) - before,
        "converged": fit.status.converged,
        "r_hat": fit.status.max_r_hat,
        "ess": fit.status.min_ess_bulk,
        "divergences": fit.status.divergences,
        OURS: score(np.log(fit.parameter("exponent")), simulated),
    }
    last = np.quantile(fit.expected_error([SCENARIOS[name].largest])[:, :, 0], [0.05, 0.95], axis=0)
    line["error_cover90"] = float(
        ((last[0] <= simulated.last_error) & (simulated.last_error <= last[1])).mean()
    )
    line["error_width90"] = float(np.median(np.log(last[1] / last[0])))
    if "test_correlation" in fit.draws.posterior:
        line["test_correlation"] = float(fit.draws.posterior["test_correlation"].mean())
    line |= {method: score(estimate_draws(simulated, method), simulated) for method in METHODS}
    if "walk" in fit.draws.posterior:
        line["walk"] = float(fit.draws.posterior["walk"].mean())
    return line


def table(path: Path) -> str:
    """Return the Markdown table of a file of lines."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    rows = [
        "| scenario | grids | method | exponent: bias | RMSE | covers 50/80/90/95 | width 90 | ratio: RMSE | covers 50/80/90/95 | s.e. of covers 90 | R-hat > 1.05 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in SCENARIOS:
        mine = [line for line in lines if line["scenario"] == name]
        for method in (OURS, *METHODS) if mine else ():
            rows.append(_row(name, method, mine))
    return "\n".join(rows)


def verdict(path: Path) -> str:
    """Return the sentence on the 90 % intervals of exponents and of their ratios."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    found = {}
    for name in dict.fromkeys(line["scenario"] for line in lines):
        for key, what in (("cover90", "exponents"), ("ratio_cover90", "ratios")):
            values = [line[OURS][key] for line in lines if line["scenario"] == name]
            found[f"{what}, {name}"] = (np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values)))
    outside = [f"{name} ({m:.3f}, s.e. {se:.3f})" for name, (m, se) in found.items() if not 0.85 <= m <= 0.95]
    if not outside:
        return "All 90 % intervals cover between .85 and .95.\n\n"
    return f"90 % intervals cover between .85 and .95 but for: {'; '.join(outside)}.\n\n"


def _row(name: str, method: str, lines: list[dict]) -> str:
    def values(key: str) -> np.ndarray:
        return np.array([line[method][key] for line in lines])

    def root(key: str) -> float:
        return float(np.sqrt((values(key) ** 2).mean()))

    def cover(kind: str) -> str:
        return "/".join(f"{values(f'{kind}cover{level}').mean():.2f}" for level in LEVELS)

    spread = [values(key).std(ddof=1) / np.sqrt(len(lines)) for key in ("cover90", "ratio_cover90")]
    stuck = f"{np.mean([line['r_hat'] > 1.05 for line in lines]):.2f}" if method == OURS else ""
    return (
        f"| {name} | {len(lines)} | {method} | {values('bias').mean():+.3f} | {root('rmse'):.3f} | {cover('')} | "
        f"{np.median(values('width90')):.2f} | {root('ratio_rmse'):.3f} | {cover('ratio_')} | {spread[0]:.2f}, {spread[1]:.2f} | {stuck} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all of them when none is given"
    )
    parser.add_argument("--replications", type=int, default=16)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("coverage.jsonl"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the table in docs/results/coverage.md")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no new fit after this time")
    parser.add_argument("--set", nargs="*", default=[], help="fit settings as key=value")
    chosen = parser.parse_args()
    if chosen.table:
        text = table(chosen.table)
        print(text)
        if chosen.write:
            from curvefit.fitting.settings import FitSettings

            grids = {json.loads(line)["replication"] for line in chosen.table.read_text().splitlines()}
            page = PAGE.format(first=min(grids), replications=len(grids), **dict(FitSettings()))
            keep("coverage", page + verdict(chosen.table) + text)
        return
    settings = dict(item.split("=", 1) for item in chosen.set)
    began = time.monotonic()
    for replication in range(chosen.first, chosen.first + chosen.replications):
        for name in chosen.scenarios or SCENARIOS:
            if time.monotonic() - began > chosen.seconds:
                return
            line = run(name, replication, **settings)
            with chosen.out.open("a") as out:
                out.write(json.dumps(line) + "\n")


PAGE = """# Coverage of the exponents' intervals

Made by `python -m tests.calibration.coverage base beta short hard nested broken shared --first {first} --replications {replications} --out FILE` and
`python -m tests.calibration.coverage --table FILE --write`. Grids of 22 curves, 9 sizes (16 to 16,384; short and hard: to 1,024),
3 seeds; exponents on the log scale; the ratio is that of a curve to its counterpart at the reference data. In shared, all runs on a data
set are scored on the same 300 test points, some of which are hard for every run.

Each fit had half of the default effort, 2 chains of {tune} warm-up steps and {draws} draws, and no second run: the last column is the
share of fits with an R-hat above 1.05. The priors of bend
and walk were settled on other grids (the first seven of base and broken, and 16 to 24 of all).

"""


if __name__ == "__main__":
    main()
