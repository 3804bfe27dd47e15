"""Fixtures that several suites share. Real sampling happens here, once a session."""

from __future__ import annotations

import warnings

import pytest

from tests.calibration.scenarios import SCENARIOS, Simulated, simulate


def pytest_configure(config: pytest.Config) -> None:
    """Import ArviZ before workers do: at its first import of a day it renames a file, which only one of them would find."""
    if not hasattr(config, "workerinput"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import arviz  # noqa: F401


@pytest.fixture(scope="session")
def simulated_grid() -> Simulated:
    """A small grid of curves from nested training sets with known exponents."""
    return simulate(SCENARIOS["nested"], 1, shape=(2, 2, 2), drop=1, n_sizes=7, seeds=3)


@pytest.fixture(scope="session")
def sampled_fit(simulated_grid):
    """The posterior of `simulated_grid` from a real, short run of the default sampler."""
    import curvefit

    return curvefit.fit(simulated_grid.curves, seed=1, draws=400, tune=500, chains=2, reruns=0)
