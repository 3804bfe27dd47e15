"""Forecasts of the reference studies: the largest sizes left out, four times the rest foretold.

``python -m tests.benchmarks.forecasts [study ...] [--fits] [--write]`` forecasts from the curves, by the last value and, with
``--fits``, from a hierarchical fit of them (minutes a study), and keeps the table in docs/results/forecasts.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import curvefit
from curvefit.curves import LearningCurves, load_curves
from curvefit.fitting import Forecast, forecast
from curvefit.triplet import AXES
from tests.benchmarks.sampling import clock

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "forecasts.md"
STUDIES = ("rotations", "translation", "inference", "dimension")
AHEAD = 4
LEVELS = (50, 80, 90, 95)


def main() -> None:
    """Forecast every study, print the table, keep it when asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "studies", nargs="*", metavar="study", help=f"of {', '.join(STUDIES)}; all when none is given"
    )
    parser.add_argument("--fits", action="store_true", help="also from hierarchical fits")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/results/forecasts.md")
    options = parser.parse_args()
    rows = [row for name in options.studies or STUDIES for row in study_rows(name, fits=options.fits)]
    text = "\n".join([PAGE, *rows, ""])
    print(text)
    if options.write:
        RESULT.write_text(text, encoding="utf-8")


def study_rows(name: str, *, fits: bool) -> Iterator[str]:
    """Yield a row of the table for each way to forecast one study."""
    curves = load_curves(ROOT / "data" / name)
    largest = int(curves.usable["n_train"].max())
    seen = curves.drop_sizes(above=largest // AHEAD)
    before = clock()
    found = forecast(seen, [largest])
    yield scores(
        f"{name}: {len(found.triplets)} curves to n = {largest // AHEAD:,}",
        "of the curves",
        found,
        curves,
        clock() - before,
    )
    if fits:
        before = clock()
        fit = curvefit.fit(seen, chains=2, reruns=0)
        label = f"of a fit (R-hat {fit.status.max_r_hat:.2f})"
        yield scores("", label, forecast(fit, [largest]), curves, clock() - before)
    held = held_out(curves, found)
    last = np.array([found.last_value[i] for i in held])
    truth = np.array([runs.mean() for runs in held.values()])
    yield f"| | last value | | {rms(np.log(last / truth)):.3f} | {np.log(last / truth).mean():+.3f} | | | |"


def scores(study: str, method: str, found: Forecast, curves: LearningCurves, seconds: float) -> str:
    """Return a row: what a forecast of the largest size is worth against the runs there."""
    held = held_out(curves, found)
    away = np.array([np.log(np.median(found.curve_draws[:, i, 0]) / runs.mean()) for i, runs in held.items()])
    places = [
        np.searchsorted(np.sort(found.seed_draws[:, i, 0]), runs) / len(found.seed_draws)
        for i, runs in held.items()
    ]
    outside = abs(np.concatenate(places) - 0.5)
    covers = "/".join(f"{(outside < level / 200).mean():.2f}" for level in LEVELS)
    low, high = np.quantile(found.seed_draws[:, list(held), 0], [0.05, 0.95], axis=0)
    return (
        f"| {study} | {method} | {len(held)} | {rms(away):.3f} | {away.mean():+.3f} | {covers} | "
        f"{np.median(np.log(high / low)):.2f} | {seconds:.0f} |"
    )


def held_out(curves: LearningCurves, found: Forecast) -> dict[int, np.ndarray]:
    """Return the runs at the size that was forecast, by position of the triplet; those that erred nowhere are left out."""
    at = curves.usable[curves.usable["n_train"] == found.n[0]]
    runs = {key: part["value"].to_numpy(float) for key, part in at.groupby(list(AXES), sort=False)}
    return {
        i: runs[tuple(t)]
        for i, t in enumerate(found.triplets)
        if tuple(t) in runs and runs[tuple(t)].mean() > 0
    }


def rms(x: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(x**2)))


PAGE = """# Forecasts of the reference studies

`python -m tests.benchmarks.forecasts --fits --write`: the largest size of a study, and all above a quarter of it, are left out, and the runs there are
foretold. RMSLE and bias are of the log of the forecast's median over the mean of the runs; coverage is that of single runs by the central
intervals of a new run; width is the median over curves of log(upper / lower) of the 90 % interval. Fits are of 2 chains, without a second
run. Curves of one study are much alike, so that their errors are too: a study counts for little more than one case.

| study | forecast | curves scored | RMSLE | bias | covers 50/80/90/95 | width 90 | CPU s |
|---|---|---|---|---|---|---|---|"""


if __name__ == "__main__":
    main()
