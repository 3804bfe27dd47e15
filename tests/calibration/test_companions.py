"""Coverage of the intervals of bootstraps and regressions on logarithms, which stand beside the fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.fitting import bootstrap, log_regression
from curvefit.fitting.bootstrap_fits import _reach

NOISE = 0.05


def noisy(law, n, *, seeds, curves):
    """Return curves of this law (sizes,) with independent noise, each of so many seeds."""
    rng, rows = np.random.default_rng(seeds), []
    for k in range(curves):
        for seed in range(seeds):
            error = law * np.exp(NOISE * rng.standard_normal(len(n)))
            counts = {"n_errors": rng.binomial(20_000, error), "n_test": 20_000}
            rows.append(pd.DataFrame({"model": f"m{k}", "seed": seed, "n": n, **counts, "chance_error": 0.9}))
    return LearningCurves.from_frame(pd.concat(rows))


def covered(table):
    return float(((table["exponent_low"] <= 0.4) & (table["exponent_high"] >= 0.4)).mean())


@pytest.mark.parametrize("seeds", [3, 10])
def test_few_resampled_units_are_paid_for(seeds):
    """Means of so many normal values, resampled: nominal .9 is met within 3 standard errors (.011); quantiles cover .57 for 3."""
    rng = np.random.default_rng(seeds)
    values = rng.standard_normal((800, seeds))
    hits = 0
    for own in values:
        means = own[rng.integers(seeds, size=(300, seeds))].mean(axis=1)
        hits += abs(own.mean()) <= _reach((means - own.mean())[:, None], seeds, seeds - 1, 0.95)[0]
    assert hits / len(values) == pytest.approx(0.9, abs=0.033)


@pytest.mark.parametrize(("method", "least"), [("weighted", 0.85), ("robust", 0.77), ("binomial", 0.85)])
@pytest.mark.parametrize("sizes", [4, 6])
def test_log_regressions_cover_with_few_degrees_of_freedom(method, least, sizes):
    """Nominal .9 over 150 curves (standard error .025): two below, or what Huber's small scales leave. Normal quantiles: .68 to .84."""
    n = 256 * 2 ** np.arange(sizes)
    assert covered(log_regression(noisy(2 * n**-0.4, n, seeds=1, curves=150), method=method)) >= least


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("kind", ["cluster", "wild"])
def test_bootstraps_cover(seeds, kind):
    """Nominal .9 over 60 curves of eight sizes (standard error .04): .77 is three below; quantiles of refits covered .42 to .85."""
    n = 32 * 2 ** np.arange(8)
    curves = noisy(0.05 + 0.85 * (1 + n / 10) ** -0.4, n, seeds=seeds, curves=60)
    assert covered(bootstrap(curves, kind=kind, replicates=60)) >= 0.77
