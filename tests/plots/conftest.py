"""One simulated fit for all plot tests; figures are closed after each test."""

from __future__ import annotations

import pytest

from tests import simulated


@pytest.fixture(scope="session")
def fit():
    return simulated.fit(n_draws=200)


@pytest.fixture(autouse=True)
def _headless(monkeypatch):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
