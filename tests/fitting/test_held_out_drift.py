"""The drift beyond the data that forecasts of a fit allow for: seen by holding out, common to all curves, zero inside the data."""

import numpy as np
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.fitting.forecasts import forecast
from curvefit.fitting.held_out_drift import PRIOR_SCALE, held_out_drift
from curvefit.fitting.needed_sizes import needed_size

N = 2.0 ** np.arange(5, 13)
#: Errors lose this much of their log an e-fold of n beyond 512, all curves alike.
STEEPENING = 0.3


def study(steepening=0.0, models="abcdef"):
    rng, rows = np.random.default_rng(3), []
    for k, model in enumerate(models):
        error = 0.02 + 0.88 * (1 + N / 60) ** -(0.45 + 0.03 * k)
        error = error * np.maximum(N / 512, 1.0) ** -steepening
        rows += [
            {"n": n, "seed": s, "n_errors": rng.binomial(5000, e * np.exp(0.03 * rng.standard_normal())),
             "n_test": 5000, "model": model, "chance_error": 0.9}
            for n, e in zip(N, error) for s in range(3)
        ]  # fmt: skip
    return LearningCurves.from_frame(rows)


@pytest.fixture(scope="module")
def steady():
    return curvefit.fit(study(), method="approximate")


@pytest.fixture(scope="module")
def steepening():
    return curvefit.fit(study(STEEPENING), method="approximate")


def test_drift_is_what_held_out_sizes_missed(steady, steepening):
    calm, drifting = held_out_drift(steady), held_out_drift(steepening)
    assert [n for n, _ in drifting.missed] == [2048, 1024]
    assert np.abs([drift for _, drift in calm.missed]).max() < 0.05
    assert calm.scale < 2 * PRIOR_SCALE
    # Seen from 1,024 on the laws miss the most; a bend that the fit has learnt below takes part of it.
    assert max(drift for _, drift in drifting.missed) > 0.5 * STEEPENING
    assert drifting.scale > 3 * calm.scale
    assert "missed these by +" in str(drifting)


def test_forecasts_are_wider_beyond_the_data_alone(steady, steepening):
    inside, beyond = 4096.0, 4 * 4096.0
    found = {
        name: forecast(fit, [inside, beyond], draws=1000)
        for name, fit in (("calm", steady), ("drift", steepening))
    }
    drift = held_out_drift(steepening)
    assert any(str(drift) in note for note in found["drift"].notes)
    law = steepening.thinned(1000).expected_error([inside, beyond])
    np.testing.assert_allclose(found["drift"].curve_draws[..., 0], law[..., 0])
    moved = np.log(found["drift"].curve_draws[..., 1] / law[..., 1]) / np.log(4.0)
    one_for_all = moved[:, :1].repeat(moved.shape[1], axis=1)
    np.testing.assert_allclose(moved, one_for_all, atol=1e-9)
    median = 0.741 * drift.scale  # of the size of a Student-t(4)
    assert np.quantile(np.abs(moved[:, 0]), 0.5) == pytest.approx(median, rel=0.15)
    width = {
        k: np.diff(np.quantile(np.log(f.curve_draws[:, 0, 1]), [0.05, 0.95]))[0] for k, f in found.items()
    }
    assert width["drift"] > 1.5 * width["calm"]


def test_few_or_short_curves_show_no_drift():
    assert held_out_drift(curvefit.fit(study(models="abc"), method="approximate")) is None
    short = study().drop_sizes(above=256)  # four sizes: nothing can be left out
    assert held_out_drift(curvefit.fit(short, method="approximate")) is None


@pytest.mark.parametrize("factor", [1.5, 2.0, 3.9])
def test_forecasts_of_curves_whose_sizes_span_little(factor):
    """No size is left below a quarter, or a half, of the largest: nothing is held out, and nothing raised."""
    sizes, rng = np.geomspace(1000, 1000 * factor, 6).round(), np.random.default_rng(0)
    curves = LearningCurves.from_frame(
        [
            {"n": n, "seed": s, "loss": (0.1 + 3 * n**-0.3) * np.exp(0.02 * rng.standard_normal()), "model": m}
            for m in "abcd" for s in range(2) for n in sizes
        ]
    )  # fmt: skip
    fit = curvefit.fit(curves, method="approximate")
    assert held_out_drift(fit) is None
    assert np.isfinite(forecast(fit, [1e4], draws=50).curve_draws).all()
    assert needed_size(fit, 0.2, draws=50).sizes.shape == (50, 4)
