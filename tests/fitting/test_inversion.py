"""The size at which a curve falls to an error: one answer for needed sizes and data multipliers."""

import numpy as np
import pytest

from curvefit.dimension import data_multiplier
from curvefit.errors import InvalidInputError
from curvefit.fitting import needed_size
from curvefit.fitting.inversion import invert
from tests.dimension.studies import power_laws

SIZES = np.log(np.array([1.0, 10.0, 100.0, 1000.0]))


def test_inversion_finds_the_first_crossing() -> None:
    error = np.array([[1.0, 0.1, 0.3, 0.01], [0.9, 0.8, 0.7, 0.6]])
    found = invert(SIZES, error, np.array([0.1, 0.2, 2.0, np.nan]))
    assert found[0, 0] == pytest.approx(np.log(10))
    assert np.isinf(found[1, :2]).all()
    assert np.isnan(found[:, 2:]).all()


def test_a_power_law_is_inverted_exactly() -> None:
    law = 2 * np.exp(SIZES) ** -0.4
    for n in (1.5, 7.0, 30.0, 999.0):
        assert invert(SIZES, law[None], np.array([2 * n**-0.4]))[0, 0] == pytest.approx(np.log(n), rel=1e-12)


@pytest.mark.parametrize("position", range(4))
def test_an_error_of_the_grid_is_reached_at_its_size(position) -> None:
    law = 2 * np.exp(SIZES) ** -0.4
    assert invert(SIZES, law[None], law[[position]])[0, 0] == SIZES[position]


def test_an_error_of_zero_is_reached_at_its_size() -> None:
    found = invert(SIZES, np.array([[0.5, 0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]), np.array([0.01, 0.2]))
    assert found[0, 0] == SIZES[2]
    assert SIZES[0] < found[0, 1] < SIZES[1]
    assert np.isnan(found[1]).all()


def test_needed_sizes_and_data_multipliers_of_power_laws_are_exact() -> None:
    """Errors of sizes 64 to 1024, the smallest and the largest themselves among them."""
    fit = power_laws({"fcn": 0.4, "gap": 0.4}, {"fcn": 2.0, "gap": 1.0})
    for n in (64.0, 100.0, 300.0, 1024.0):
        needed = needed_size(fit, 2 * n**-0.4, times=1.0)
        np.testing.assert_allclose(needed.sizes[:, 0], n, rtol=1e-9)
        assert ("is met at n = 64 already" in str(needed).splitlines()[0]) == (n == 64)
    multiplier = data_multiplier(fit, "fcn", levels=[2 * 300**-0.4]).multiplier
    assert multiplier.ravel() == pytest.approx(2 ** (1 / 0.4), rel=1e-9)


def test_pairs_given_in_the_place_of_the_baseline_are_named() -> None:
    fit = power_laws({"fcn": 0.4, "gap": 0.4}, {"fcn": 2.0, "gap": 1.0})
    with pytest.raises(InvalidInputError, match="the baseline must be a name, .* given by pairs="):
        data_multiplier(fit, [fit.triplets])
