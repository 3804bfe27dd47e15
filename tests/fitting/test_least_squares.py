"""Least squares for the power law: right where the answer is known, and honest where a curve cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.fitting.forecast_shapes import get_shape
from curvefit.fitting.least_squares import least_squares
from curvefit.fitting.point_fits import fit_one
from curvefit.triplet import Triplet

N = 2.0 ** np.arange(4, 13)
UNKNOWN = np.full(len(N), np.nan)


def law(chance: float | None, floor: float, exponent: float, onset: float) -> np.ndarray:
    if chance is None:
        return floor + 2 * N**-exponent
    if np.isnan(chance):
        return floor + 0.6 * (1 + N / onset) ** -exponent
    return floor + (chance - floor) * (1 + N / onset) ** -exponent


LAWS = [
    (0.9, 0.05, 0.4, 10.0),
    (0.9, 0.0, 0.25, 8.0),
    (0.5, 0.1, 1.1, 60.0),
    (None, 0.02, 0.5, 1.0),
    (np.nan, 0.02, 0.5, 30.0),
]


@pytest.mark.parametrize("truth", LAWS)
def test_exact_curves_give_their_exponent(truth):
    found = least_squares(N, law(*truth), UNKNOWN, chance=truth[0])
    assert found.exponent == pytest.approx(truth[2], rel=0.01)
    assert found.lower <= found.exponent <= found.upper


@pytest.mark.parametrize("truth", LAWS)
def test_intervals_cover_about_as_often_as_they_say(truth):
    """Nominal 90 %, weights estimated from three seeds: fewer than 110 of 150 would happen once in 10^4 tests at 85 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(150):
        value = law(*truth) * np.exp(0.04 * rng.standard_normal((3, len(N))))
        found = least_squares(N, value.mean(0), value.std(0, ddof=1) / 3**0.5, chance=truth[0])
        hits += found.lower <= truth[2] <= found.upper
    assert hits >= 110


def test_a_curve_whose_floor_is_not_seen_is_not_bounded_from_above():
    rng = np.random.default_rng(1)
    short = N[:5]
    value = law(0.9, 0.3, 0.4, 60.0)[:5] * np.exp(0.03 * rng.standard_normal(5))
    found = least_squares(short, value, np.full(5, 0.01), chance=0.9)
    assert found.lower < 0.4
    assert np.isinf(found.upper)


def test_too_few_sizes_and_flat_curves_give_no_estimate():
    assert "4 sizes for 4 parameters" in least_squares(N[:4], 1 / N[:4], UNKNOWN[:4], chance=np.nan).status
    assert "3 sizes for 3 parameters" in least_squares(N[:3], 1 / N[:3], UNKNOWN[:3], chance=0.9).status
    flat = least_squares(N, np.full(len(N), 0.4), UNKNOWN, chance=0.9)
    assert (np.isnan(flat.exponent), flat.status) == (True, "every value is the same")


@pytest.mark.parametrize("truth", [law_ for law_ in LAWS if law_[0] is not None and np.isfinite(law_[0])])
def test_a_point_fit_of_the_power_law_finds_the_same_optimum(truth):
    """Two searches of one sum of squares: by grid here, by variable projection from three starts there."""
    rng = np.random.default_rng(4)
    for _ in range(5):
        value = law(*truth) * np.exp(0.02 * rng.standard_normal(len(N)))
        here = least_squares(N, value, UNKNOWN, chance=truth[0])
        there = fit_one(
            Triplet("d", "m", "i"), N, value, UNKNOWN, get_shape("power-law"), "linear", chance=truth[0]
        )
        assert there.exponent == pytest.approx(here.exponent, rel=0.02)


@pytest.mark.parametrize("chance", [np.nan, 0.9, None, 0.0])
def test_rising_errors_give_no_estimate(chance):
    found = least_squares(N, 0.1 + 0.02 * np.log(N), UNKNOWN, chance=chance)
    assert np.isnan([found.exponent, found.lower, found.upper]).all()
    assert found.status == "the error does not fall"
