"""Arguments that cannot be are refused by name, before any work; order of points says nothing."""

import numpy as np
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting import (
    bnsl_fit,
    bootstrap,
    check_predictions,
    compare_families,
    design,
    forecast,
    log_regression,
    loss_surface_fit,
    needed_size,
    outlook,
    point_fit,
    profile_interval,
    published_fit,
    rolling_origin,
)
from curvefit.fitting.bands import curve_bands, parameter_table
from curvefit.fitting.slopes import local_slopes
from curvefit.report.cross_checks import cross_check

N = 64 * 2.0 ** np.arange(7)


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(0)
    law = 0.1 + 3 * N**-0.3
    noise = np.exp(0.02 * rng.standard_normal((4, len(N))))
    rows = [{"n": n, "seed": s, "loss": law[i] * noise[s, i]} for s in range(4) for i, n in enumerate(N)]
    return LearningCurves.from_frame(rows)


@pytest.fixture(scope="module")
def fit(curves):
    return curvefit.fit(curves, method="approximate")


@pytest.fixture(scope="module")
def ready(curves):
    return outlook(curves)


@pytest.fixture(scope="module")
def surface():
    parameters, tokens = np.meshgrid(10.0 ** np.arange(6, 10), 10.0 ** np.arange(8, 11))
    loss = 1.8 + 480 * parameters**-0.35 + 2000 * tokens**-0.37
    return loss_surface_fit(parameters.ravel(), tokens.ravel(), loss.ravel(), replicates=2)


@pytest.mark.parametrize("wrong", [0, 1, 90, -0.1, np.nan, "0.9"])
def test_a_probability_lies_between_0_and_1(curves, fit, ready, surface, wrong):
    ahead, needed, one = (
        forecast(ready, [1e5], draws=10),
        needed_size(ready, 0.3, draws=10),
        curves.triplets[0],
    )
    asked = [
        lambda: fit.summary(wrong),
        lambda: bootstrap(curves, probability=wrong),
        lambda: log_regression(curves, probability=wrong),
        lambda: profile_interval(curves, one, probability=wrong),
        lambda: profile_interval(curves, one, family="m4", probability=wrong),
        lambda: check_predictions(fit, probability=wrong),
        lambda: ahead.summary(wrong),
        lambda: needed.summary(wrong),
        lambda: surface.summary(wrong),
        lambda: curve_bands(fit, probability=wrong),
        lambda: parameter_table(fit, "exponent", probability=wrong),
        lambda: local_slopes(fit, probability=wrong),
        lambda: cross_check(fit, probability=wrong),
    ]
    for ask in asked:
        with pytest.raises(InvalidInputError, match=f"probability {wrong!r} must lie between 0 and 1"):
            ask()


@pytest.mark.parametrize("wrong", [0, -5, 2.5, True])
def test_numbers_of_draws_are_whole_and_above_0(curves, fit, ready, wrong):
    asked = [
        lambda: forecast(ready, [1e5], draws=wrong),
        lambda: forecast(fit, [1e5], draws=wrong),
        lambda: needed_size(ready, 0.3, draws=wrong),
        lambda: design(fit, draws=wrong),
        lambda: bootstrap(curves, replicates=wrong),
    ]
    for ask in asked:
        with pytest.raises(InvalidInputError, match=rf"whole number of [12] or more, not {wrong}"):
            ask()


def test_a_surface_has_no_less_than_0_replicates():
    with pytest.raises(InvalidInputError, match="replicates must be a whole number of 0 or more, not -1"):
        loss_surface_fit(N, N, N, replicates=-1)


@pytest.mark.parametrize("wrong", [np.inf, np.nan, 0.0, -1.0])
def test_sizes_and_targets_are_positive_and_finite(curves, fit, ready, wrong):
    for ask in (
        lambda: forecast(ready, [1e5, wrong]),
        lambda: forecast(fit, [wrong]),
        lambda: design(fit, sizes=[wrong]),
    ):
        with pytest.raises(InvalidInputError, match="n must be positive, finite sizes"):
            ask()
    with pytest.raises(InvalidInputError, match="the target error must be a finite number above 0"):
        needed_size(ready, wrong)


@pytest.mark.parametrize("wrong", [0, 1, 1.5, np.inf, np.nan, "0.1"])
def test_a_target_error_rate_lies_between_0_and_1(wrong):
    """Of a table, of curves, of a fit and of an outlook."""
    rows = {"n": N, "n_errors": (400 * N**-0.3).astype(int), "n_test": 1000}
    rates = LearningCurves.from_frame(rows)
    for source in (rows, rates, curvefit.fit(rates, method="approximate"), outlook(rates)):
        with pytest.raises(
            InvalidInputError, match="the target error must be an error rate above 0 and below 1"
        ):
            needed_size(source, wrong)


@pytest.mark.parametrize("wrong", [0, -1, np.inf, np.nan, 0.5])
def test_how_far_to_look_is_finite(fit, ready, wrong):
    for ask in (lambda: needed_size(ready, 0.3, times=wrong), lambda: design(fit, times=wrong)):
        with pytest.raises(InvalidInputError, match="times must be a finite number of 1 or more, not"):
            ask()


@pytest.mark.parametrize("wrong", [(), "power-law"])
def test_families_are_names(curves, wrong):
    for ask in (
        lambda: forecast(curves, [1e5], families=wrong),
        lambda: rolling_origin(curves, families=wrong),
        lambda: compare_families(curves, families=wrong),
    ):
        with pytest.raises(InvalidInputError, match="families must be one or more names"):
            ask()


def test_families_differ(curves):
    for ask in (forecast, lambda source, _, families: rolling_origin(source, families=families)):
        with pytest.raises(
            InvalidInputError, match="families must differ; given more than once: m4, power-law$"
        ):
            ask(curves, [1e5], families=("power-law", "m4", "wbl4", "power-law", "m4"))


@pytest.mark.parametrize("wrong", [1.5, [1.5], [-0.1, 0.5], [np.nan], [], "half", ["half"], 0.5])
def test_probabilities_are_numbers_from_0_to_1(ready, wrong):
    ahead = forecast(ready, [1e5], draws=10)
    with pytest.raises(InvalidInputError, match="probabilities must be one or more numbers from 0 to 1, not"):
        ahead.quantiles(wrong)
    assert ahead.quantiles((0, 1)).shape == (2, 1, 1)


@pytest.mark.parametrize("wrong", [[0.1, 0.1, 0.1], ["low", "high"], [[0.1], [0.2]]])
def test_values_of_a_density_have_the_shape_of_its_forecast(ready, wrong):
    with pytest.raises(
        InvalidInputError, match=r"values must be numbers of shape \(1, 2\) \(triplets, sizes\)"
    ):
        forecast(ready, [1e4, 1e5], draws=10).log_density(wrong)


@pytest.mark.parametrize("wrong", [(2,), (0.0,), (0.5, 1.0), (), 0.5, "0.5", (np.nan,)])
def test_origins_lie_between_0_and_1(curves, wrong):
    with pytest.raises(
        InvalidInputError, match="origins must be one or more numbers from 0 to 1, neither of them"
    ):
        rolling_origin(curves, origins=wrong)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0])
def test_points_of_others_estimators_are_positive_and_finite(wrong):
    spoiled = np.r_[N[:6] ** -0.3, wrong]
    for estimate in (lambda *x: published_fit("m2", *x), bnsl_fit):
        with pytest.raises(InvalidInputError, match=f"needs value positive and finite; .* is {wrong:g}"):
            estimate(N, spoiled)
        with pytest.raises(InvalidInputError, match="one value each"):
            estimate(N, N[:6])


def test_the_order_of_points_says_nothing():
    value, mixed = 0.1 + N**-0.3, np.random.default_rng(0).permutation(len(N))
    assert bnsl_fit(N[mixed], value[mixed]) == bnsl_fit(N, value)
    for name in ("m1", "m2", "m3", "m4"):
        assert published_fit(name, N[mixed], value[mixed]) == published_fit(name, N, value)


def test_tables_are_read_by_everything_that_takes_curves():
    columns = {
        "n": [16, 32, 64, 128, 256, 512, 1024, 2048],
        "error": [0.5, 0.41, 0.33, 0.27, 0.22, 0.18, 0.15, 0.12],
    }
    curves = LearningCurves.from_frame(columns)
    calls = (
        lambda source: point_fit(source).summary(),
        lambda source: profile_interval(source, curves.triplets[0]),
        lambda source: bootstrap(source, kind="wild", replicates=3),
        log_regression,
        lambda source: forecast(source, [4096], draws=20).summary(),
        lambda source: needed_size(source, 0.1, draws=20).summary(),
        rolling_origin,
        compare_families,
    )
    for call in calls:
        one, other = call(columns), call(curves)
        assert one.equals(other) if hasattr(one, "equals") else one == other
