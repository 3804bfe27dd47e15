"""One simulated fit and its report for all report tests."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from curvefit.report import Occasion, build_report
from tests import simulated


@pytest.fixture(scope="session")
def fit():
    mpl.use("Agg")
    return simulated.fit(n_draws=200)


@pytest.fixture(scope="session")
def small_fit():
    """A fit of few curves, for what does not depend on how many there are: drawing takes most of a report's time."""
    mpl.use("Agg")
    return simulated.fit(n_draws=200, of=simulated.few_curves())


@pytest.fixture(scope="session")
def report(fit):
    occasion = Occasion(
        "simulated rotations",
        "Which rotations leave a learning curve unchanged?",
        ("curvefit report STORE --out OUT",),
    )
    return build_report(fit, occasion=occasion)
