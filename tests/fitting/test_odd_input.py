"""Odd data: a clear error, or a flagged and weaker answer, never a silent number. Approximate fits: nothing is sampled."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting import (
    bootstrap,
    compare_families,
    forecast,
    log_regression,
    needed_size,
    point_fit,
    profile_interval,
    rolling_origin,
)

N = [16, 32, 64, 128, 256, 512]
ERRORS = [0.6, 0.5, 0.4, 0.33, 0.28, 0.24]
NOTED = {
    "too-short": {"n": N[:3], "error": ERRORS[:3]},
    "one-seed": {"n": N, "error": ERRORS},
    "all-chance": {"n": N, "n_errors": [905, 896, 903, 899, 910, 890], "n_test": 1000},
    "all-zero": {"n": N, "n_errors": [0] * 6, "n_test": 1000},
    "non-monotone": {"n": N, "error": ERRORS[::-1]},
    "constant": {"n": N, "error": [0.3] * 6},
    "above-chance": {"n": N, "error": [0.99, *ERRORS[1:]]},
}


def read(columns: dict) -> LearningCurves:
    return LearningCurves.from_frame({**columns, "chance_error": [0.9] * len(columns["n"])})


@pytest.mark.parametrize("flag", NOTED)
def test_weak_curves_are_fitted_and_said_to_be_weak(flag):
    fit = curvefit.fit(read(NOTED[flag]), method="approximate")
    assert np.isfinite(fit.parameter("exponent")).all()
    assert any(note.startswith(f"{flag}:") for note in fit.notes)
    assert f"note: {flag}:" in str(fit)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"n": [0, -5], "error": [0.1, 0.2]}, r"no row is usable: 2 row\(s\): for example n_train -5"),
        ({"n": N, "error": [0.0] * 6}, "all error rates are 0 or 1"),
        ({"n": N, "error": ERRORS, "chance_error": [0.0] * 6}, "must be positive, found 0"),
        ({"n": N, "error": ERRORS, "chance_error": [190.0] * 6}, "at most 1, found 1.9"),
        ({"n": N, "error": ERRORS, "chance_error": [0.1] * 6}, "lie above the chance level 0.1"),
        ({"n": N[:1], "error": ERRORS[:1]}, "every curve has one size only"),
        ({"n": N, "value": ERRORS, "metric": ["mse", "error-rate"] * 3}, "mix the metrics"),
    ],
)
def test_hopeless_tables_are_refused_with_the_reason(columns, message):
    curves = LearningCurves.from_frame({"chance_error": [0.9] * len(columns["n"]), **columns})
    with pytest.raises(InvalidInputError, match=message):
        curvefit.fit(curves, method="approximate")


def test_rates_of_0_and_1_move_inside_by_half_of_what_is_nearest_each():
    """One margin for both would leave a rate of 1 at 1 beside a rate that is 0 but for rounding."""
    curves = LearningCurves.from_frame({"n": [8, *N], "error": [1.0, *ERRORS[:-2], 1e-20, 0.0]})
    fit = curvefit.fit(curves, method="approximate", likelihood="logit-student")
    assert np.isfinite(fit.parameter("exponent")).all()
    assert any(
        note.startswith("1 rates of 0 without n_test were moved inside by 5e-21") for note in fit.notes
    )
    assert any(note.startswith("1 rates of 1 without n_test were moved inside by 0.2:") for note in fit.notes)


def test_one_test_point_still_gives_a_forecast():
    curves = read({"n": N, "n_errors": [1, 1, 0, 1, 0, 0], "n_test": 1})
    draws = forecast(curves, [1024, 10**12], draws=50).curve_draws
    assert ((draws >= 0) & (draws <= 1)).all()


def test_unusable_tables_have_no_forecast():
    curves = read({"n": [0, -5], "error": [0.1, 0.2]})
    for call in (
        lambda: forecast(curves, [100]),
        lambda: needed_size(curves, 0.1),
        lambda: point_fit(curves),
    ):
        with pytest.raises(InvalidInputError, match="usable"):
            call()
    with pytest.raises(InvalidInputError, match="5 sizes below an origin"):
        compare_families(read({"n": N[:3], "error": ERRORS[:3]}))


@pytest.mark.parametrize(
    "answer",
    [
        point_fit,
        bootstrap,
        log_regression,
        compare_families,
        rolling_origin,
        lambda curves: forecast(curves, 1024),
        lambda curves: needed_size(curves, 0.1),
        lambda curves: profile_interval(curves, curves.triplets[0]),
    ],
)
def test_what_takes_one_metric_refuses_several(answer):
    curves = LearningCurves.from_frame(
        {
            "n": N * 2,
            "value": [*ERRORS, *(3 * e for e in ERRORS)],
            "metric": ["error-rate"] * 6 + ["loss"] * 6,
        }
    )
    with pytest.raises(InvalidInputError, match="mix the metrics error-rate, loss; a fit takes one: choose"):
        answer(curves)
