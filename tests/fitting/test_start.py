"""The start of sampling: it knows of the bend and of the noise, and ridges reach as far as the sampler goes."""

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.fitting.density import Density, highest
from curvefit.fitting.hierarchy import build_hierarchy
from curvefit.fitting.layout import lay_out
from curvefit.fitting.penalised import penalised_fit
from curvefit.fitting.priors import Priors
from curvefit.fitting.settings import FitSettings
from curvefit.fitting.start import start_of_fit
from tests.calibration.sbc import KINDS, draw_curves, draw_truth
from tests.calibration.scenarios import SCENARIOS, simulate

LATE, EARLY = 0.6, 0.3


@pytest.fixture(scope="module")
def bent():
    """Curves of one exponent that is lower below their 512 largest examples, laid out, their design, and the settings."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "data": f"d{d}",
            "model": f"m{m}",
            "inference": "i",
            "seed": seed,
            "n_train": n,
            "n_test": 10**5,
            "chance_error": 0.9,
        }
        | {"error": 0.9 * (1 + bent_size(n) / (20 + 5 * d)) ** -LATE * np.exp(0.02 * rng.normal())}
        for d in range(4)
        for m in range(3)
        for n in 2 ** np.arange(5, 14)
        for seed in range(3)
    ]
    settings = FitSettings()
    layout = lay_out(LearningCurves.from_frame(pd.DataFrame(rows)), family="power-law")
    return layout, build_hierarchy(layout, settings), settings


def bent_size(n):
    """Return the size at which a law of exponent LATE has local exponents of EARLY below n = 512."""
    return min(n, 512) ** (EARLY / LATE) * 512 ** (1 - EARLY / LATE) * max(n / 512, 1)


def distance_from_the_top(layout, hierarchy, settings, start):
    """Return how far the curves' parameters are from those at the density's top, root mean square in standard deviations."""
    density = Density(layout, hierarchy, settings, start)
    apart = density.expand(highest(density, density.centre))["theta"] - start.theta
    information, _ = start.ridge.at_walk(start.shared.walk)
    return np.sqrt((apart**2 * np.einsum("rkk->rk", information)).mean())


def test_the_start_knows_of_the_bend(bent):
    layout, hierarchy, settings = bent
    first = penalised_fit(layout, hierarchy, walk=settings.usual_walk)
    start = start_of_fit(layout, hierarchy, settings)
    assert np.exp(start.shared.bend).min() == pytest.approx(EARLY / LATE, abs=0.1)
    assert not len(first.shared.bend)
    far, near = (distance_from_the_top(layout, hierarchy, settings, s) for s in (first, start))
    assert near < 0.3 * far
    density = Density(layout, hierarchy, settings, start)
    found = density.expand(density.centre)
    np.testing.assert_allclose(found["bend"], start.shared.bend)
    np.testing.assert_allclose(np.exp(found["log_noise"]), start.shared.noise)


def test_the_start_takes_noise_from_the_density():
    settings = FitSettings()
    layout = lay_out(simulate(SCENARIOS["base"], 3, seeds=4).curves, family="power-law")
    shared = start_of_fit(layout, build_hierarchy(layout, settings), settings).shared
    for n in (64, 1024):
        relative = np.log(n / (layout.middle_size * layout.size_unit))
        sd = np.hypot(shared.noise * np.exp(-shared.noise_slope * relative), shared.noise_floor)
        truth = np.hypot(0.35 * (n / 64) ** -0.4, 0.04)  # for an average model
        assert np.median(sd) == pytest.approx(truth, rel=0.3)


def test_ridges_reach_the_floors_that_other_group_levels_would_ask_for():
    """At the scales of the start floors hardly differ; a curve whose data leave its floor open is traced down to none."""
    settings, simulated = FitSettings(), simulate(SCENARIOS["short"], 1, seeds=3)
    layout = lay_out(simulated.curves, family="power-law")
    hierarchy = build_hierarchy(layout, settings)
    start = start_of_fit(layout, hierarchy, settings)
    lowest = start.ridge.centre - start.ridge.width
    residual = start.scale[-1]
    assert residual < 0.1
    assert np.quantile(lowest, 0.75) < 1e-3


def test_a_curve_that_rises_to_1_leaves_a_start_with_a_density():
    """There the density ends in a wall: from its top the second penalised fit runs away."""
    rng = np.random.default_rng([7, 917, 2])
    kind = KINDS["logit-gaussian, nested"]
    curves = draw_curves(rng, draw_truth(rng, Priors()), kind)
    assert curves.usable["value"].max() > 1 - 1e-9
    settings = FitSettings()
    layout = lay_out(curves, family="power-law", likelihood=kind.likelihood)
    hierarchy = build_hierarchy(layout, settings)
    density = Density(layout, hierarchy, settings, start_of_fit(layout, hierarchy, settings))
    assert np.isfinite(density(density.centre)[0])
