"""What to run next: one unit of cost, several numbers of seeds, and the noise of the fit."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting import design
from tests import simulated

KEY = ["data", "model", "inference", "n_train"]


@pytest.fixture(scope="module")
def table():
    """Return runs of three models whose times are known: twice as long for twice the examples."""
    few = simulated.few_curves().table
    return few.assign(seconds=1e-3 * few["n_train"].astype(float))


def fitted(table):
    return curvefit.fit(LearningCurves.from_frame(table), method="approximate")


def test_proposals_are_compared_in_one_unit(table):
    assert set(design(fitted(table))["cost_unit"]) == {"seconds"}
    some = table.assign(seconds=table["seconds"].where(table["model"] == "gap"))
    ranked = design(fitted(some))
    assert set(ranked["cost_unit"]) == {"examples"}
    np.testing.assert_allclose(ranked["cost"], ranked["n_train"] * ranked["seeds"])


def test_numbers_of_seeds_are_ranked(table):
    fit = fitted(table)
    ranked = design(fit, seeds=(1, 2, 4))
    assert set(ranked["seeds"]) == {1, 2, 4}
    assert len(ranked) == 3 * len(design(fit, seeds=2))
    gain = ranked.pivot_table(index=KEY, columns="seeds", values="gain")
    each = ranked.pivot_table(index=KEY, columns="seeds", values="gain_per_cost")
    assert (gain.diff(axis=1).iloc[:, 1:] >= -1e-12).all(axis=None)
    assert (each.diff(axis=1).iloc[:, 1:] <= 1e-12).all(axis=None)
    for wrong in (0, (1, 1.5), ()):
        with pytest.raises(InvalidInputError, match="whole numbers"):
            design(fit, seeds=wrong)


def test_several_seeds_come_first_where_one_tells_too_little(table):
    """Very noisy runs: a single one tells less than a quarter of what 16 do."""
    fit = fitted(table)
    fit.draws.posterior["log_noise"] += 3.0
    assert design(fit, seeds=(1, 16))["seeds"].iloc[0] == 16


def test_noise_is_that_of_the_fit(table):
    fit = fitted(table)
    before = design(fit, seeds=1).set_index(KEY)["gain"]
    fit.draws.posterior["log_noise"] += 2.0
    after = design(fit, seeds=1).set_index(KEY)["gain"]
    assert (after[before.index] < before).all()


def test_losses_have_no_counting_noise(table):
    """A loss measured on a small test set is as noisy as the fit says, whatever the size of that set."""
    losses = table.assign(metric="mse", n_errors=np.nan, chance_error=np.nan)
    known, unknown = (design(fitted(losses.assign(n_test=test)), seeds=1) for test in (20.0, np.nan))
    np.testing.assert_allclose(known["gain"], unknown["gain"])


@pytest.mark.parametrize("family", ["exponential", "logarithmic", "last-value"])
def test_a_family_without_exponent_has_nothing_to_design_for(table, family):
    fit = curvefit.fit(LearningCurves.from_frame(table), family=family, method="approximate")
    with pytest.raises(InvalidInputError, match=f"family '{family}' has no exponent to design for"):
        design(fit)
    with pytest.raises(InvalidInputError, match=f"family '{family}' has no exponent to decompose"):
        fit.effects()


def test_sizes_are_whole_numbers_of_64_bits(table):
    fit = fitted(table)
    for asked in ({"sizes": [1e5, 1e19]}, {"sizes": [2.0**63]}, {"times": 1e18}):
        with pytest.raises(InvalidInputError, match=r"sizes must be below 2\*\*63, which .*e\+\d+ is not"):
            design(fit, **asked)
    assert (design(fit, sizes=[1e18])["n_train"] == 10**18).all()
