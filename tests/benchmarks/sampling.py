"""Speed of a fit: compile and sampling time, leapfrog steps, effective draws per CPU-second, time to the first answer.

``python -m tests.benchmarks.sampling [row ...] [--write]`` measures the rows given (all when none is) and keeps them in
docs/results/sampling.md; ``start`` is the import and the first fits of one curve, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from curvefit.curves import LearningCurves
from tests.calibration.scenarios import SCENARIOS, simulate
from tests.results_pages import keep

LARGE = {"shape": (5, 4, 3), "drop": 4, "n_sizes": 10, "seeds": 4}
HUGE = {"shape": (10, 10, 6), "drop": 0, "n_sizes": 10, "seeds": 4}
HEADER = (
    "| data | likelihood | sampler | compile, CPU s | then a fit of 4 x ({tune:,} + {draws:,}), CPU s | leapfrog steps per draw | "
    "min ESS of all parameters | min / median ESS of the exponents | median ESS per CPU-s | CPU s to min ESS 400 of the exponents, compile apart | largest R-hat | divergences |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def clock() -> float:
    """Return CPU-seconds of this process and of those it has waited for: PyMC's chains run in processes of their own."""
    return sum(os.times()[:4])


def one_curve() -> LearningCurves:
    """Return one curve of ten sizes and four seeds."""
    nested = simulate(SCENARIOS["nested"], 0, **LARGE).curves
    data, model, inference = nested.triplets[0]
    return nested.select(data=data, model=model, inference=inference)


def measure(label: str, curves: LearningCurves, **settings) -> str:
    """Compile, fit, and return a row of the table."""
    import arviz as az

    from curvefit.fitting.hierarchical import run_fit
    from curvefit.fitting.hierarchy import build_hierarchy
    from curvefit.fitting.layout import lay_out
    from curvefit.fitting.sampling import Problem, nutpie_model
    from curvefit.fitting.settings import FitSettings
    from curvefit.fitting.start import start_of_fit

    chosen = FitSettings(reruns=0, **settings)
    before = clock()
    layout = lay_out(curves, family=chosen.family, likelihood=chosen.likelihood)
    hierarchy = build_hierarchy(layout, chosen)
    if chosen.sampler == "nutpie":
        nutpie_model(Problem(layout, hierarchy, start_of_fit(layout, hierarchy, chosen), chosen))
    compiled = clock()
    fit = run_fit(curves, chosen)
    cpu = clock() - compiled
    exponent = np.log(fit.draws["posterior"]["exponent"].values)
    ess = np.array([az.ess(exponent[..., j]) for j in range(exponent.shape[2])])
    stats = fit.draws["sample_stats"]
    steps = f"{float(stats['n_steps'].mean()):.0f}" if "n_steps" in stats else ""
    compile_time = f"{compiled - before:.0f}" if chosen.sampler == "nutpie" else "in the fit"
    return (
        f"| {label} | {fit.likelihood} | {chosen.sampler} | {compile_time} | {cpu:.1f} | {steps} | {fit.status.min_ess_bulk:.0f} | "
        f"{ess.min():.0f} / {np.median(ess):.0f} | {np.median(ess) / cpu:.0f} | {400 * cpu / ess.min():.0f} | "
        f"{fit.status.max_r_hat:.3f} | {fit.status.divergences} |"
    )


def start() -> str:
    """Return a sentence with the times of a newcomer's first answers, each in a fresh process, before and after loops are compiled."""
    script = (
        "import os, time\n"
        "def clock(): return sum(os.times()[:2]), time.perf_counter()\n"
        "at = [clock()]\n"
        "import curvefit; at.append(clock())\n"
        "from tests.benchmarks.sampling import one_curve; curves = one_curve(); at[-1:] = [at[-1], clock()]\n"
        "from curvefit.fitting import point_fit; point_fit(curves).summary(); at.append(clock())\n"
        "curvefit.fit(curves, method='approximate'); at.append(clock())\n"
        "curvefit.fit(curves, reruns=0); at.append(clock())\n"
        "for k in 0, 1: print(*(b[k] - a[k] for a, b in zip(at, at[1:])))\n"
    )
    with tempfile.TemporaryDirectory() as empty:
        apart = {"NUMBA_CACHE_DIR": empty, "PYTENSOR_FLAGS": f"base_compiledir={empty}"}
        first, second = (
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", script],
                capture_output=True, text=True, check=True, env=os.environ | apart,
            ).stdout.splitlines()
            for _ in range(2)
        )  # fmt: skip
    cold, cold_wall = float(first[0].split()[-1]), float(first[1].split()[-1])
    imported, _, point, approximate, fitted = map(float, second[0].split())
    return (
        f"One curve in a fresh process, CPU-seconds: `import curvefit` {imported:.2f}, point fit {point:.2f}, approximate fit "
        f"{approximate:.1f} (most of it imports), full fit {fitted:.1f} ({float(second[1].split()[-1]):.1f} seconds on the clock); with all "
        f"that is compiled once a machine {cold:.0f} ({cold_wall:.0f} on the clock)."
    )


def large(scenario: str, label: str, **settings) -> Callable[[], str]:
    """Return what measures a grid of 56 curves x 10 sizes x 4 seeds of a scenario."""

    def row() -> str:
        return measure(f"56 curves x 10 x 4, {label}", simulate(SCENARIOS[scenario], 0, **LARGE).curves, **settings)  # fmt: skip

    return row


#: Four chains of so many draws, for samplers that take minutes.
SHORT = "independent, 4 x (500 + 500)"
ROWS: dict[str, Callable[[], str]] = {
    "one": lambda: measure("one curve x 10 x 4", one_curve()),
    "nested": large("nested", "nested"),
    "ragged": large("ragged", "nested, seeds of different sizes"),
    "independent": large("beta", "independent"),
    "shared": large("shared", "independent, 300 shared test points"),
    "beta-binomial": large("beta", "independent", likelihood="beta-binomial"),
    "student": large("beta", "independent", likelihood="logit-student"),
    "losses": large("losses", "losses", likelihood="log-gaussian"),
    "losses-student": large("losses", "losses", likelihood="log-student"),
    "many": lambda: measure(
        "600 curves x 10 x 4, independent", simulate(SCENARIOS["beta"], 0, **HUGE).curves
    ),
    "pymc": large("beta", SHORT, sampler="pymc", draws=500),
    "numpyro": large("beta", SHORT, sampler="numpyro", draws=500),
    "start": start,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/results/sampling.md")
    chosen = parser.parse_args()
    found = []
    for name in chosen.rows or ROWS:
        began = time.strftime("%H:%M")
        found.append(ROWS[name]())
        print(began, found[-1], flush=True)
    table = [line for line in found if line.startswith("|")]
    said = [line for line in found if not line.startswith("|")]
    if chosen.write:
        from curvefit.fitting.settings import FitSettings

        page = (
            f"# Speed of a fit\n\nMade by `python -m tests.benchmarks.sampling {' '.join([*chosen.rows, '--write'])}`. CPU-seconds, so that load of "
            "the machine counts little; four chains, on idle cores at most four run at once. With nutpie nothing is compiled "
            "but the family's law, once a process, and the loops of the density, once a machine.\n\n"
        )
        keep("sampling", page + "\n".join([HEADER.format(**dict(FitSettings())), *table, "", *said]))


if __name__ == "__main__":
    main()
