"""Speed of the sampler: compile and sampling time, leapfrog steps and effective draws per CPU-second.

``python -m tests.benchmarks.sampling [--write] [--pymc]``: 56 curves x 10 sizes x 4 seeds, then one curve. ``--pymc`` adds
`pm.sample` on the same model (minutes).
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from tests.calibration.scenarios import SCENARIOS, simulate

HEADER = (
    "| data | likelihood | sampler | first call, wall s (CPU s) | second call, wall s (CPU s) | leapfrog steps per draw | "
    "min / median ESS of the exponents | median ESS per CPU-s | min ESS per CPU-s | largest R-hat | divergences |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def clock() -> tuple[float, float]:
    """Return wall and CPU seconds."""
    return time.perf_counter(), sum(os.times()[:2])


def measure(label: str, curves, **settings) -> str:
    """Fit twice (with and without compilation) and return a row of the table."""
    import arviz as az

    import curvefit
    from curvefit.fitting import sampling

    sampling.clear_compiled()
    times = []
    for seed in (0, 1):
        before = clock()
        fit = curvefit.fit(curves, seed=seed, reruns=0, **settings)
        after = clock()
        times.append((after[0] - before[0], after[1] - before[1]))
    exponent = np.log(fit.draws.posterior["exponent"].values)
    ess = np.array([az.ess(exponent[..., j]) for j in range(exponent.shape[2])])
    steps = (
        ""
        if "n_steps" not in fit.draws.sample_stats
        else f"{float(fit.draws.sample_stats['n_steps'].mean()):.0f}"
    )
    cpu = times[1][1]
    return (
        f"| {label} | {fit.likelihood} | {fit.settings.sampler} | {times[0][0]:.0f} ({times[0][1]:.0f}) | {times[1][0]:.1f} ({cpu:.1f}) | "
        f"{steps} | {ess.min():.0f} / {np.median(ess):.0f} | {np.median(ess) / cpu:.0f} | {ess.min() / cpu:.0f} | "
        f"{fit.status.max_r_hat:.3f} | {fit.status.divergences} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pymc", action="store_true")
    chosen = parser.parse_args()
    large = {"shape": (5, 4, 3), "drop": 4, "n_sizes": 10, "seeds": 4}
    nested = simulate(SCENARIOS["nested"], 0, **large).curves
    beta = simulate(SCENARIOS["beta"], 0, **large).curves
    one = nested.select(data="d0", model="m0", inference="i0")
    rows = [
        measure("56 curves x 10 x 4, nested", nested),
        measure("56 curves x 10 x 4, independent", beta),
        measure("56 curves x 10 x 4, independent", beta, likelihood="beta-binomial"),
        measure("one curve x 10 x 4", one),
    ]
    if chosen.pymc:
        rows.append(measure("56 curves x 10 x 4, independent", beta, sampler="pymc"))
    text = "\n".join([HEADER, *rows])
    print(text)
    if chosen.write:
        page = (
            "# Speed of the sampler\n\nMade by `python -m tests.benchmarks.sampling --write`; two cores, 4 chains of 1,000 warm-up and "
            "1,000 kept draws. The first call compiles the model, later calls on the same structure do not.\n\n"
        )
        Path("docs/results/sampling.md").write_text(page + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
