"""Fits of small tables at the defaults: ``python -m tests.benchmarks.small_tables [--write]``.

Tables of kinds that people bring: few curves, no chance level, losses, one run a size, small test sets, curves that do not fall. For each
it says what was fitted, whether it converged and at which try, and what exponents came out beside the true ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import curvefit
from curvefit.curves import LearningCurves
from tests.results_pages import keep

PAGE = """# Small tables

Made by `python -m tests.benchmarks.small_tables --write`: one table of each kind, default settings. *again*: all chains were run again, with smaller steps where draws
diverged; *more*: chains were joined by more. Exponents are those of the first curve: its 90 % interval, and the true one where there is one.

"""
Law = Callable[[int], Callable[[np.ndarray], np.ndarray]]  # from the number of a curve to its error at sizes


def saturating(exponent: float, floor: float, onset: float, start: float = 0.9) -> Law:
    """Error rates from a start on; exponents differ from curve to curve."""
    return lambda k: lambda n: floor + (start - floor) * (1 + n / onset) ** -own(exponent, k)


def asymptotic(amplitude: float, exponent: float, floor: float, onset: float = 0.0) -> Law:
    """Losses: a power law of n + onset."""
    return lambda k: lambda n: floor + amplitude * (n + onset) ** -own(exponent, k)


def own(exponent: float, k: int) -> float:
    """Return the exponent of curve k."""
    return exponent * np.exp(0.25 * np.sin(3 * k))


def table(curves: int, span: tuple[float, float, int], law: Law, noise: float, seeds: int, *, column: str = "error",
          n_test: int = 0, with_se: bool = False) -> LearningCurves:  # fmt: skip
    """Draw runs: counts where `n_test` is given, means with standard errors where asked for, values otherwise."""
    rng, rows = np.random.default_rng(5), []
    for k in range(curves):
        for n in np.geomspace(*span).round():
            value = law(k)(n) * np.exp(noise * rng.normal(size=seeds))
            here = {"model": f"m{k:02}", "n": int(n)}
            if with_se:
                rows.append(here | {column: value.mean(), f"{column}_se": value.std(ddof=1) / seeds**0.5})
            elif n_test:
                counts = rng.binomial(n_test, np.minimum(value, 0.999))
                rows += [
                    here | {"seed": s, "n_errors": int(c), "n_test": n_test} for s, c in enumerate(counts)
                ]
            else:
                rows += [here | {"seed": s, column: v} for s, v in enumerate(value)]
    return LearningCurves.from_frame(rows)


RISING: Law = lambda k: lambda n: 0.2 + 0.02 * np.log(n)  # noqa: E731
FLAT: Law = lambda k: lambda n: 0.5 + 0.0 * n  # noqa: E731
WIDE, SHORT = (32, 4096, 8), (50, 5000, 6)
#: What, the table, and the true exponent of its first curve (None where there is none).
CASES: dict[str, tuple[LearningCurves, float | None]] = {
    "language-model losses, one curve, one run": (table(1, (1e4, 1e7, 10), asymptotic(30, 0.3, 1.7), 0.005, 1, column="loss"), 0.3),
    "language-model losses, 3 curves": (table(3, (1e4, 1e7, 10), asymptotic(30, 0.3, 1.7), 0.01, 1, column="loss"), 0.3),
    "losses at 10^9 to 10^11 tokens": (table(2, (1e9, 1e11, 9), asymptotic(300, 0.3, 1.7), 0.003, 1, column="loss"), 0.3),
    "losses that level off, 3 curves": (table(3, (32, 8192, 9), asymptotic(6, 0.4, 0.15, 30), 0.05, 3, column="loss"), 0.4),
    "mse without floor or start, 2 curves": (table(2, WIDE, asymptotic(2, 0.8, 0), 0.1, 3, column="mse"), 0.8),
    "mse that levels off, 4 curves": (table(4, WIDE, asymptotic(20, 0.6, 1e-3, 100), 0.1, 3, column="mse"), 0.6),
    "mse of 10^-7": (table(2, WIDE, asymptotic(2e-6, 0.8, 0), 0.1, 3, column="mse"), 0.8),
    "fractions, one curve, one run": (table(1, SHORT, saturating(0.4, 0.05, 80), 0.05, 1), 0.4),
    "fractions, 5 curves, one run": (table(5, SHORT, saturating(0.4, 0.05, 80), 0.05, 1), 0.4),
    "fractions with standard errors": (table(3, (50, 5000, 7), saturating(0.4, 0.05, 80), 0.05, 5, with_se=True), 0.4),
    "4 sizes, one curve, one run": (table(1, (50, 5000, 4), saturating(0.4, 0.05, 80), 0.03, 1), 0.4),
    "4 sizes, one curve, counts": (table(1, (50, 5000, 4), saturating(0.4, 0.05, 80), 0.03, 3, n_test=2000), 0.4),
    "5 sizes, 3 curves": (table(3, (32, 2048, 5), saturating(0.45, 0.03, 50), 0.05, 3, n_test=2000), 0.45),
    "sizes of 10^3 to 10^6": (table(3, (1e3, 1e6, 9), saturating(0.35, 0.02, 3000), 0.03, 2, n_test=20000), 0.35),
    "100 test points": (table(4, (20, 2000, 7), saturating(0.5, 0.05, 40), 0.03, 3, n_test=100), 0.5),
    "20 test points": (table(3, (20, 2000, 7), saturating(0.5, 0.05, 40), 0.03, 3, n_test=20), 0.5),
    "two classes": (table(2, (20, 2000, 7), saturating(0.5, 0.05, 40, 0.5), 0.05, 3, n_test=1000), 0.5),
    "20 curves": (table(20, (16, 4096, 9), saturating(0.45, 0.03, 50), 0.05, 3, n_test=2000), 0.45),
    "far from the start": (table(4, (500, 50000, 8), saturating(0.5, 0.01, 10), 0.05, 3, n_test=5000), 0.5),
    "a plateau": (table(2, (32, 8192, 9), saturating(0.9, 0.2, 50), 0.04, 3, n_test=5000), 0.9),
    "steep": (table(2, WIDE, saturating(2.0, 0.0, 200), 0.05, 3, n_test=10**5), 2.0),
    "slow, no floor": (table(3, (32, 65536, 10), saturating(0.1, 0.0, 20), 0.03, 3, n_test=5000), 0.1),
    "rising": (table(2, (32, 4096, 7), RISING, 0.03, 3, n_test=1000), None),
    "flat": (table(2, (32, 4096, 7), FLAT, 0.02, 3, n_test=1000), None),
}  # fmt: skip


def main() -> None:
    """Fit every table, print a row each, and keep them when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/results/small-tables.md")
    options = parser.parse_args()
    lines = [
        "| table | likelihood | converged | R-hat | min ESS | divergences | CPU s | exponent | true |",
        "|---" * 9 + "|",
    ]
    for what, (curves, true) in CASES.items():
        started = time.process_time()
        fit = curvefit.fit(curves, progress_bar=False)
        status, cpu = fit.status, time.process_time() - started
        low, middle, high = np.quantile(fit.parameter("exponent")[:, 0], [0.05, 0.5, 0.95])
        tries = [said for said in ("again", "more chains") if said in str(status)]
        how = ", ".join(["yes" if status.converged else "**no**", *(said.split()[0] for said in tries)])
        cells = (
            what, fit.likelihood, how, f"{status.max_r_hat:.3f}", f"{status.min_ess_bulk:.0f}", status.divergences,
            f"{cpu:.0f}", f"{middle:.2f} ({low:.2f} to {high:.2f})", "" if true is None else f"{true:g}",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
        print(lines[-1], flush=True)
    if options.write:
        keep("small-tables", PAGE + "\n".join(lines))


if __name__ == "__main__":
    main()
