"""Forecasts of the reference studies: the largest sizes left out, four times the rest foretold.

``python -m tests.benchmarks.forecasts [study ...] [--fits] [--write]`` forecasts from the curves, by the last value and, with
``--fits``, from a hierarchical fit of them (minutes a study), and keeps the table in docs/results/forecasts.md. ``--simulated N`` adds N
grids of each scenario of the coverage study, whose laws are known to hold or to break.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import curvefit
from curvefit.curves import LearningCurves, load_curves
from curvefit.fitting import Forecast, forecast
from curvefit.fitting.forecast_of_fit import FitOutlook
from curvefit.triplet import AXES
from tests.benchmarks.sampling import clock
from tests.calibration.scenarios import SCENARIOS, simulate
from tests.results_pages import keep

ROOT = Path(__file__).parents[2]
STUDIES = ("rotations", "translation", "inference", "dimension")
SIMULATED = ("base", "nested", "short", "broken")
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
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="grids a scenario, from fits")
    parser.add_argument("--first", type=int, default=100, help="number of the first simulated grid")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/results/forecasts.md")
    options = parser.parse_args()
    grids = range(options.first, options.first + options.simulated)
    rows = [row for name in options.studies or STUDIES for row in study_rows(name, fits=options.fits)]
    rows += [row for name in SIMULATED for row in simulated_rows(name, grids)] if options.simulated else []
    text = "\n".join([PAGE, *rows, ""])
    print(text)
    if options.write:
        keep("forecasts", text)


def study_rows(name: str, *, fits: bool) -> Iterator[str]:
    """Yield a row of the table for each way to forecast one study."""
    curves = load_curves(ROOT / "data" / name)
    largest = int(curves.usable["n_train"].max())
    seen = curves.drop_sizes(above=largest // AHEAD)
    before = clock()
    found = forecast(seen, [largest])
    label = f"{name}: {len(found.triplets)} curves to n = {largest // AHEAD:,}"
    yield scores(label, "of the curves", [(found, curves)], clock() - before)
    if fits:
        before = clock()
        fit = curvefit.fit(seen, chains=2, reruns=0)
        label = f"of a fit (R-hat {fit.status.max_r_hat:.2f})"
        yield scores("", label, [(forecast(fit, [largest]), curves)], clock() - before)
    held = held_out(curves, found)
    last = np.array([found.last_value[i] for i in held])
    truth = np.array([runs.mean() for runs in held.values()])
    yield f"| | last value | | {rms(np.log(last / truth)):.3f} | {np.log(last / truth).mean():+.3f} | | | |"


def simulated_rows(name: str, grids: Sequence[int]) -> Iterator[str]:
    """Yield rows of forecasts from fits of simulated grids, with the drift beyond the data that hold-out showed and without it."""
    before = clock()
    found: dict[str, list[tuple[Forecast, LearningCurves]]] = {"of fits": [], "of fits, no drift": []}
    for grid in grids:
        curves = simulate(SCENARIOS[name], grid).curves
        largest = int(curves.usable["n_train"].max())
        fit = curvefit.fit(curves.drop_sizes(above=largest // AHEAD), chains=2, reruns=0, cores=1)
        for label, drifts in zip(found, (True, False)):
            found[label].append((forecast(FitOutlook(fit, 0, drifts), [largest]), curves))
    seconds = clock() - before
    for label, forecasts in found.items():
        yield scores(f"{name}, {len(grids)} simulated grids", label, forecasts, seconds)


def scores(
    study: str, method: str, forecasts: Sequence[tuple[Forecast, LearningCurves]], seconds: float
) -> str:
    """Return a row: what forecasts of the largest size are worth against the runs there."""
    away, places, widths = [], [], []
    for found, curves in forecasts:
        for i, runs in held_out(curves, found).items():
            away.append(np.log(np.median(found.curve_draws[:, i, 0]) / runs.mean()))
            ordered = np.sort(found.seed_draws[:, i, 0])
            places.append(np.searchsorted(ordered, runs) / len(ordered))
            low, high = np.quantile(ordered, [0.05, 0.95])
            widths.append(np.log(high / low))
    outside = abs(np.concatenate(places) - 0.5)
    covers = "/".join(f"{(outside < level / 200).mean():.2f}" for level in LEVELS)
    return (
        f"| {study} | {method} | {len(away)} | {rms(np.array(away)):.3f} | {np.mean(away):+.3f} | {covers} | "
        f"{np.median(widths):.2f} | {seconds:.0f} |"
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

`python -m tests.benchmarks.forecasts --fits --simulated 4 --first 2 --write`: the largest size of a study, and all above a quarter of it, are left out, and the runs there are
foretold. RMSLE and bias are of the log of the forecast's median over the mean of the runs; coverage is that of single runs by the central
intervals of a new run; width is the median over curves of log(upper / lower) of the 90 % interval. Fits are of 2 chains, without a second
run. Curves of one study are much alike, so that their errors are too: a study counts for little more than one case.

Simulated grids are those of the coverage study ([Coverage](coverage.md)): laws that hold, and one that breaks. *No drift* leaves out what hold-out inside
the training sizes says of misses beyond them.

| study | forecast | curves scored | RMSLE | bias | covers 50/80/90/95 | width 90 | CPU s |
|---|---|---|---|---|---|---|---|"""


if __name__ == "__main__":
    main()
