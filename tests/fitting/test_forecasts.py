"""Forecasts: honest widths, paths, targets, calibration from inside the data only."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import hold_outs
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.designs import design
from curvefit.fitting.forecast_calibration import calibrate
from curvefit.fitting.forecast_curve import fit_ensemble
from curvefit.fitting.forecast_of_curves import seen_curves
from curvefit.fitting.forecast_of_fit import WALK_SPEED
from curvefit.fitting.forecast_pooling import pool
from curvefit.fitting.forecasts import forecast, outlook
from curvefit.fitting.needed_sizes import NeededSize, needed_size
from curvefit.fitting.rolling_origins import compare_families, rolling_origin
from curvefit.fitting.seen_curve import SeenCurve
from curvefit.triplet import Triplet

N = 2.0 ** np.arange(4, 13)


def law(n, exponent=0.5, floor=0.03):
    return floor + (0.9 - floor) * (1 + np.asarray(n) / 60) ** -exponent


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(0)
    return LearningCurves.from_frame(
        [{"n": n, "seed": s, "n_errors": rng.binomial(2000, law(n)), "n_test": 2000, "model": m}
         for n in N for s in range(3) for m in ("a", "b")]
    )  # fmt: skip


@pytest.fixture(scope="module")
def predicted(curves):
    return forecast(curves, [1000, 8192, 65536], draws=600)


@pytest.fixture(scope="module")
def fit(curves):
    rng = np.random.default_rng(1)
    exponent = 0.5 * np.exp(0.1 * rng.standard_normal((400, 2)))
    return CurveFit.from_draws(
        curves,
        exponent=exponent,
        amplitude=0.87 * 60**exponent,
        floor=np.full((400, 2), 0.03),
        chance=[0.9, 0.9],
    )


def test_forecasts_are_near_and_marked(predicted):
    middle = predicted.quantiles([0.5], kind="curve")[0]
    np.testing.assert_allclose(middle[:, 0], law(1000), rtol=0.05)
    np.testing.assert_allclose(middle[:, 1], law(8192), rtol=0.2)
    assert predicted.extrapolated.tolist() == [[False, True, True]] * 2
    assert (predicted.last_value > 0.1).all()
    assert "extrapolated 16 times" in str(predicted)


def test_width_grows_beyond_the_data(predicted):
    width = np.log(predicted.curve_draws).std(axis=0)
    assert (np.diff(width, axis=1) > 0).all()
    assert (np.log(predicted.seed_draws).std(axis=0) > width)[:, 0].all()


def test_order_of_sizes_does_not_matter(curves):
    one = forecast(curves.select(model="a"), [65536, 1000], draws=200)
    other = forecast(curves.select(model="a"), [1000, 65536], draws=200)
    np.testing.assert_allclose(one.curve_draws[..., ::-1], other.curve_draws)


def test_log_density_prefers_the_truth(predicted):
    good = predicted.log_density(law(predicted.n)[None, :])
    assert (good > predicted.log_density(2 * law(predicted.n)[None, :])).all()
    with pytest.raises(UnknownNameError):
        predicted.draws_of("mean")


def test_needed_size(curves, fit):
    easy = needed_size(curves, 0.3, draws=300).summary().iloc[0]
    assert easy["probability_never"] == 0
    assert easy["low"] * 0.9 < 563 < easy["high"] * 1.1  # the law reaches 0.3 at n = 563
    assert (needed_size(fit, 0.01).probability_never > 0.9).all()
    with pytest.raises(InvalidInputError):
        needed_size(curves, 0.0)


def test_from_a_fit_nothing_is_added_inside(fit):
    inside = forecast(fit, [1000.0], draws=400)
    np.testing.assert_allclose(inside.curve_draws[:, :, 0], fit.expected_error([1000.0])[:, :, 0])
    outside = forecast(fit, [65536.0], draws=400)
    law_alone = np.log(fit.expected_error([65536.0])).std(axis=0)[:, 0]
    assert (np.log(outside.curve_draws[:, :, 0]).std(axis=0) > law_alone).all()


def test_a_walk_added_to_a_fit_does_not_depend_on_what_else_is_asked(fit):
    one, more = forecast(fit, [65536.0], draws=400), forecast(fit, [8192.0, 65536.0, 9000.0], draws=400)
    np.testing.assert_array_equal(one.curve_draws[..., 0], more.curve_draws[..., 1])
    spread = np.log(more.curve_draws / fit.expected_error(more.n)).std(axis=(0, 1))
    # 800 walks: the standard error of a spread is 2.5 %, four of them are 10 %.
    np.testing.assert_allclose(spread, WALK_SPEED * np.sqrt(np.log(more.n / 4096)), rtol=0.1)


@pytest.fixture(scope="module")
def counted(curves):
    return curvefit.fit(curves, method="approximate")


@pytest.mark.parametrize("kind", ["curves", "fit", "counted"])
def test_a_size_is_forecast_alike_whatever_else_is_asked(kind, request):
    ahead = outlook(request.getfixturevalue(kind))
    more = forecast(ahead, [65536, 300, 65536, 4096, 5000.0, 65536 * 8], draws=200)
    np.testing.assert_array_equal(more.seed_draws[..., 0], more.seed_draws[..., 2])
    for j, n in enumerate(more.n):
        one = forecast(ahead, [n], draws=200)
        np.testing.assert_allclose(one.curve_draws[..., 0], more.curve_draws[..., j], rtol=1e-12)
        np.testing.assert_allclose(one.seed_draws[..., 0], more.seed_draws[..., j], rtol=1e-12)
    noise = np.log(more.seed_draws / more.curve_draws)[:, 0]
    assert abs(np.corrcoef(noise[:, 0], noise[:, 5])[0, 1]) < 0.3  # four standard errors are .28


def test_walks_of_curves_are_continuous_and_widen_as_the_mixture_says(curves):
    ahead = outlook(curves.select(model="a"))
    n = np.array([4096, 4097, 8192, 8193, 65536])
    logs = np.log(forecast(ahead, n, draws=4000).curve_draws[:, 0])
    assert (np.diff(logs, axis=1)[:, [0, 2]].std(axis=0) < 0.1 * logs.std(axis=0)[[0, 2]]).all()
    (ensemble,) = ahead.ensembles.values()
    weights = ensemble.weights(ahead.calibration.weights)
    mixture = ahead.calibration.widen(ensemble.mixture(n, weights=weights, draws=4000))
    away = mixture.log_mean - mixture.weight @ mixture.log_mean
    expected = np.sqrt(mixture.weight @ (away**2 + mixture.walk_sd**2))
    np.testing.assert_allclose(logs.std(axis=0), expected, rtol=0.08)


def test_new_runs_of_a_fit_without_noise_spread_as_the_seeds_did(fit, curves):
    found = forecast(fit, [1024.0], draws=400)
    spread = np.log(found.seed_draws / found.curve_draws).std(axis=0)[:, 0]
    runs = curves.usable[curves.usable["n_train"] >= 256].groupby(["model", "n_train"])["value"]
    seen = np.sqrt((runs.std() / runs.mean()).pow(2).groupby("model").mean())
    np.testing.assert_allclose(spread, seen, rtol=0.15)


@pytest.mark.parametrize("kind", ["curves", "fit"])
def test_an_outlook_answers_every_question_as_if_it_were_the_only_one(kind, request):
    source = request.getfixturevalue(kind)
    ahead = outlook(source, seed=3)
    needed = needed_size(ahead, 0.2, draws=200)
    found = forecast(ahead, [1000, 8192], draws=200)
    np.testing.assert_array_equal(needed.sizes, needed_size(source, 0.2, draws=200, seed=3).sizes)
    alone = forecast(source, [1000, 8192], draws=200, seed=3)
    np.testing.assert_array_equal(found.curve_draws, alone.curve_draws)
    np.testing.assert_array_equal(found.seed_draws, alone.seed_draws)
    assert str(found) == str(alone)


def test_bad_sizes(curves):
    for n in ([], [0], [[1, 2]]):
        with pytest.raises(InvalidInputError):
            forecast(curves, n)


def test_coverage_of_noisy_power_laws():
    """40 curves, 2 held-out sizes each: 90 % intervals cover more than 72 % (false alarm below 1 in 1000 at a true 87 %)."""
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(40):
        exponent, floor = 0.4 * np.exp(0.3 * rng.standard_normal()), 0.02 * np.exp(rng.standard_normal())
        value = law(N, exponent, floor) * np.exp(0.02 * rng.standard_normal(len(N)))
        seen = SeenCurve(N[:-2], value[:-2], np.full(len(N) - 2, np.nan))
        ensemble = fit_ensemble(seen, ("power-law", "m4"))
        mixture = ensemble.mixture(N[-2:], weights=ensemble.weights())
        inside += list(np.abs(mixture.probability_below(value[-2:]) - 0.5) < 0.45)
    assert np.mean(inside) > 0.72


def test_hold_out_separates_families():
    """A curve that falls to an exponential floor: exponential shapes must get more weight than a power law."""
    n = np.geomspace(16, 4096, 24)
    rng = np.random.default_rng(2)
    seen = [
        SeenCurve(
            n, (0.1 + 0.6 * np.exp(-n / 400)) * np.exp(0.01 * rng.standard_normal(24)), np.full(24, np.nan)
        )
        for _ in range(8)
    ]
    found = calibrate(seen, ("power-law", "exponential"))
    assert found.held_out > 0
    assert found.weights[1] > 0.6


def test_the_less_can_be_held_out_the_wider_the_walk_and_hold_out_learns_that_it_is_too_slow():
    """Curves that keep their law inside and steps that no walk inside foretells beyond it."""
    n = np.geomspace(16, 4096, 9)
    law = 0.05 + 0.8 * n**-0.4
    short = calibrate([SeenCurve(n[:3], law[:3], np.full(3, np.nan))], ("power-law",))
    assert short.held_out == 0
    kept = calibrate(
        [SeenCurve(n, law * (1 + 0.01 * k), np.full(9, np.nan)) for k in range(12)], ("power-law",)
    )
    steps = np.where(n > 300, 0.6, 1.0)
    broken = calibrate(
        [SeenCurve(n, law * steps * (1 + 0.01 * k), np.full(9, np.nan)) for k in range(12)], ("power-law",)
    )
    assert kept.inflation < short.inflation < 2.0 < broken.inflation


def test_each_factor_has_its_share_of_the_components(curves):
    seen = list(seen_curves(curves).values())
    found = replace(calibrate(seen, ("power-law", "m4")), inflations=np.array([0.5, 0.0, 0.25, 0.0, 0.25]))
    mixture = fit_ensemble(seen[0], found.families).mixture(
        np.array([1e5, 1e6]), weights=np.array([0.5, 0.5])
    )
    factor = (found.widen(mixture).beyond_sd / mixture.beyond_sd)[:, 1]
    shares = [np.isclose(factor, value).mean() for value in (1.0, 1.4, 2.0, 2.8, 4.0)]
    np.testing.assert_allclose(shares, found.inflations, atol=0.01)
    assert found.inflation == pytest.approx(2.0)


def test_the_mixture_of_one_family_is_the_mixture_that_weighs_it_alone(curves):
    ensemble = fit_ensemble(next(iter(seen_curves(curves).values())), ("power-law", "m4", "mmf4"))
    ahead, value = np.array([8192.0, 32768.0]), np.array([0.1, 0.08])
    parts = ensemble.mixtures(ahead, draws=50, seed=3)
    for alone, part in zip(np.eye(3), parts):
        mixture = ensemble.mixture(ahead, weights=alone, draws=50, seed=3)
        np.testing.assert_allclose(part.log_density(value), mixture.log_density(value), rtol=1e-13)
        np.testing.assert_allclose(part.centre(), mixture.centre(), rtol=1e-13)


def test_comparing_families_fits_every_hold_out_once_and_weighs_them_as_forecasts_do(curves, monkeypatch):
    fits = []
    monkeypatch.setattr(hold_outs, "fit_ensemble", lambda *a, **k: fits.append(a) or fit_ensemble(*a, **k))
    families = ("power-law", "mmf4")
    table = compare_families(curves, families=families).set_index("method")
    assert len(fits) == 4  # two curves at two origins
    alone = calibrate(list(seen_curves(curves).values()), families)
    np.testing.assert_array_equal(table.loc[list(families), "stacking_weight"], alone.weights)


def test_rolling_origin_scores_last_value_too(curves):
    table = rolling_origin(curves, families=("power-law", "mmf4"))
    assert set(table["method"]) == {"power-law", "mmf4", "last-value"}
    means = table.groupby("method")["rmsle"].mean()
    assert means["power-law"] < means["last-value"]
    assert compare_families(curves, families=("power-law", "mmf4"))["stacking_weight"].sum() == pytest.approx(
        1
    )


def test_design_ranks_what_tells_more(fit):
    table = design(fit)
    assert (table["exponent_sd_after"] <= table["exponent_sd_now"] + 1e-12).all()
    assert table["gain"].iloc[0] >= 0.25 * table["gain"].max()
    more = design(fit, seeds=8)
    key = ["model", "n_train"]
    merged = table.merge(more, on=key)
    assert (merged["gain_y"] >= merged["gain_x"] - 1e-12).all()


def test_short_curves_do_not_break_it():
    two = LearningCurves.from_frame({"n": [16, 64], "error": [0.5, 0.4]})
    found = forecast(two, [256], draws=100)
    assert np.isfinite(found.curve_draws).all()
    assert "too short" in found.notes[0]
    with pytest.raises(InvalidInputError, match="two usable sizes"):
        forecast(LearningCurves.from_frame({"n": [16], "error": [0.5]}), [256])


def test_priors_pooled_over_like_curves_bring_them_together():
    """Twelve short noisy curves of one exponent: pooled shape parameters spread less, and weights stay weights."""
    rng = np.random.default_rng(7)
    n = 2.0 ** np.arange(4, 10)
    alone = [
        fit_ensemble(
            SeenCurve(n, law(n, 0.5) * np.exp(0.03 * rng.standard_normal(len(n))), np.full(len(n), np.nan)),
            ("power-law",),
        )
        for _ in range(12)
    ]

    def centres(ensembles):
        return [
            np.exp(e.posteriors[0].log_weights).sum(axis=1) @ e.posteriors[0].standard[:, 0]
            for e in ensembles
        ]

    pooled = pool(alone)
    assert np.std(centres(pooled)) < 0.8 * np.std(centres(alone))
    for ensemble in pooled:
        assert np.exp(ensemble.posteriors[0].log_weights).sum() == pytest.approx(1.0)
        assert ensemble.posteriors[0].effective > 20
    assert pool(alone[:1])[0] is alone[0]


def test_sizes_below_the_data_are_extrapolated_too(curves):
    predicted = forecast(curves, [1, 64])
    first = predicted.first_n[0]
    assert first > 1
    assert predicted.extrapolated[:, 0].all()
    assert "below the smallest size" in str(predicted)


def test_a_target_is_met_already_or_never_in_words():
    sizes = np.array([[64.0, np.inf, np.inf], [64.0, np.inf, 300.0], [64.0, np.inf, np.inf]])
    triplets = tuple(Triplet("d", model, "i") for model in "abc")
    first, last, value = np.full(3, 64.0), np.full(3, 1e3), np.array([0.2, 0.6, 0.55])
    said = str(NeededSize(triplets, 0.5, sizes, np.full(3, 1e6), first, last, value)).splitlines()
    assert said[0].endswith("error 0.5 is met at n = 64 already, the smallest size")
    assert said[1].endswith("error 0.5 is not reached by n = 1,000,000 with probability 1.00; last value 0.6")
    assert (
        "needs more examples than were looked at (90 %: 300 to beyond); extrapolated; not reached" in said[2]
    )


def test_a_curve_is_asked_from_its_own_smallest_size_on_and_extrapolation_is_marked():
    short, late = 2.0 ** np.arange(4, 13), 2.0 ** np.arange(12, 21)
    parts = [
        pd.DataFrame(
            {
                "model": model,
                "n_train": n,
                "n_errors": np.round(1e5 * law(n)),
                "n_test": 100_000,
                "chance_error": 0.9,
            }
        )
        for model, n in (("short", short), ("late", late))
    ]
    both = LearningCurves.from_frame(pd.concat(parts))
    alone = LearningCurves.from_frame(parts[1])
    for curves in (both, alone):
        said = next(line for line in str(needed_size(curves, 0.5, draws=100)).splitlines() if "late" in line)
        assert said.endswith("error 0.5 is met at n = 4,096 already, the smallest size")
    table = needed_size(both, law(16_384), draws=300).summary().set_index("model")
    assert list(table["extrapolated"]) == [True, False]
    assert table.loc["short", "times_largest_size"] == pytest.approx(table.loc["short", "median"] / 4096)
    assert table.loc["short", "last_value"] == pytest.approx(law(4096), abs=1e-4)
    assert table.loc["late", "median"] == pytest.approx(16_384, rel=0.1)
    assert (
        "times the largest size; not reached"
        in str(needed_size(both, law(16_384), draws=300)).splitlines()[0]
    )
