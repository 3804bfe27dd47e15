"""All samplers draw from one posterior: PyMC's model, and the density that nutpie runs, walks integrated out or sampled."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import curvefit
from tests.calibration.scenarios import SCENARIOS, simulate

pytestmark = pytest.mark.slow

INSTALLED = importlib.util.find_spec("numpyro") is not None
NUMPYRO = pytest.param("numpyro", marks=pytest.mark.skipif(not INSTALLED, reason="numpyro is not installed"))


@pytest.mark.parametrize("scenario", ["base", "ragged"])
@pytest.mark.parametrize("sampler", ["pymc", NUMPYRO])
def test_samplers_agree(sampler, scenario):
    curves = simulate(SCENARIOS[scenario], 0, shape=(2, 1, 1), drop=0, n_sizes=6, seeds=2).curves

    def exponents(chosen):
        fit = curvefit.fit(
            curves, sampler=chosen, draws=1000, tune=500, reruns=0, cores=1, progress_bar=False, seed=1
        )
        assert fit.status.max_r_hat < 1.05
        return fit.parameter("log_exponent")

    one, other = exponents("nutpie"), exponents(sampler)
    spread = one.std(axis=0)
    np.testing.assert_allclose(other.mean(axis=0), one.mean(axis=0), atol=0.2 * spread.max())
    np.testing.assert_allclose(other.std(axis=0), spread, rtol=0.15)
