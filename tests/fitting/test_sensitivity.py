"""Sensitivity to the power of the priors is what fits under other priors show."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit
from curvefit.families import get_family
from curvefit.fitting import Priors, prior_sensitivity
from tests.calibration.scenarios import SCENARIOS, simulate

pytestmark = pytest.mark.slow


def raised(power: float) -> Priors:
    """Return the default priors to a power, but for the bend's: all others are normal on the scale of what is estimated."""
    narrower, usual = power**-0.5, Priors()
    return Priors(
        mean={s.estimated_name: (s.prior[0], s.prior[1] * narrower) for s in get_family("power-law").parameters},
        scale_width=usual.scale_width * narrower,
        noise=(usual.noise[0], usual.noise[1] * narrower),
        noise_slope=usual.noise_slope * narrower,
        noise_floor=usual.noise_floor * narrower,
        walk=(usual.walk[0], usual.walk[1] * narrower),
    )  # fmt: skip


def test_prior_shift_is_that_of_refits():
    """Exponents of four short curves move by up to .12 of their sd when the power doubles, give or take .02."""
    curves = simulate(SCENARIOS["hard"], 3, shape=(2, 2, 1), drop=0, n_sizes=6, seeds=2).curves
    half, middle, twice = (
        curvefit.fit(
            curves, discrepancy="walk", priors=raised(power), seed=1, draws=8000, tune=1000, reruns=0
        )
        for power in (2**-0.5, 1.0, 2**0.5)
    )
    low, centre, high = (fit.parameter("log_exponent") for fit in (half, middle, twice))
    moved = (high.mean(axis=0) - low.mean(axis=0)) / centre.std(axis=0)
    found = prior_sensitivity(middle)["prior_shift"]
    assert found.min() < -0.1
    np.testing.assert_allclose(found, moved, atol=0.06)
