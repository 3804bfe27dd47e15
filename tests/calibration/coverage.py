"""Coverage of the exponents' intervals over the scenarios, against least squares; run as a module.

``python -m tests.calibration.coverage [scenario ...] [--replications 16] [--first 0] [--out FILE.jsonl]`` fits and appends a
line per data set; ``--table FILE.jsonl`` prints the Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from tests.calibration.scenarios import SCENARIOS, Simulated, simulate

SAMPLING = {"draws": 500, "tune": 700, "chains": 2, "reruns": 0, "cores": 2}


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
        found[f"{name}rmse"] = float(np.sqrt(((values.mean(axis=0) - true) ** 2).mean()))
        for level in (50, 80, 90, 95):
            low, high = np.quantile(values, [0.5 - level / 200, 0.5 + level / 200], axis=0)
            found[f"{name}cover{level}"] = float(((low <= true) & (true <= high)).mean())
            if level == 90:
                found[f"{name}width90"] = float((high - low).mean())
    return found


def run(name: str, replication: int, **settings) -> dict[str, object]:
    """Fit one simulated grid and return its scores and diagnostics."""
    import curvefit

    simulated = simulate(SCENARIOS[name], replication)
    before = sum(os.times()[:2])
    fit = curvefit.fit(simulated.curves, seed=replication, **{**SAMPLING, **settings})
    line = {"scenario": name, "replication": replication, "cpu": sum(os.times()[:2]) - before}
    line |= score(np.log(fit.parameter("exponent")), simulated)
    line |= {
        "r_hat": fit.status.max_r_hat,
        "ess": fit.status.min_ess_bulk,
        "divergences": fit.status.divergences,
    }
    if "bend_ratio" in fit.draws.posterior:
        line["bend"] = float(np.log(fit.parameter("bend_ratio")).mean())
    return line


def table(path: Path) -> str:
    """Return the Markdown table of a file of lines."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    rows = [
        "| scenario | grids | exponent: bias | RMSE | cover 50/80/90/95 | width 90 | ratio: RMSE | cover 50/80/90/95 | R-hat > 1.05 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(line["scenario"] for line in lines):
        mine = [line for line in lines if line["scenario"] == name]

        def mean(key, mine=mine):
            return float(np.mean([line[key] for line in mine]))

        def root(key, mine=mine):
            return float(np.sqrt(np.mean([line[key] ** 2 for line in mine])))

        cover = "/".join(f"{mean(f'cover{level}'):.2f}" for level in (50, 80, 90, 95))
        ratio = "/".join(f"{mean(f'ratio_cover{level}'):.2f}" for level in (50, 80, 90, 95))
        stuck = np.mean([line["r_hat"] > 1.05 for line in mine])
        rows.append(
            f"| {name} | {len(mine)} | {mean('bias'):+.3f} | {root('rmse'):.3f} | {cover} | {mean('width90'):.2f} | "
            f"{root('ratio_rmse'):.3f} | {ratio} | {stuck:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*")
    parser.add_argument("--replications", type=int, default=16)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("coverage.jsonl"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--seconds", type=float, default=450.0, help="start no new fit after this time")
    parser.add_argument("--set", nargs="*", default=[], help="fit settings as key=value")
    chosen = parser.parse_args()
    if chosen.table:
        print(table(chosen.table))
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


if __name__ == "__main__":
    main()
