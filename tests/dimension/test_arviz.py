"""ArviZ's functions take the draws of every result of this floor as they take those of a fit."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest

from curvefit.dimension import (
    alignment_slope,
    calibrate_ruler,
    data_multiplier,
    effective_dimension,
    symmetry_gain,
    synergy,
)
from curvefit.dimension.saved import Saveable
from tests.dimension.studies import posterior, rotation_study


@pytest.fixture(scope="module")
def fit():
    return posterior(rotation_study())


def results(fit) -> dict[str, tuple[Saveable, dict[str, int], str]]:
    """Return results with the number of rows of each variable, and the variable that a forest shows."""
    gain = symmetry_gain(fit, baseline="fcn")
    pairs, triplets = len(gain.pairs), len(fit.triplets)
    levels = gain.multiplier.levels.shape[1]
    found, slope = synergy(fit), alignment_slope(fit)
    terms = len(found.effects) - 1
    exponents = np.array([[1.0, 0.5, 0.25]]) * np.exp(0.01 * np.arange(40) % 0.07)[:, None]
    return {
        "dimension": (effective_dimension(fit), {"exponent": triplets, "dimension": triplets}, "dimension"),
        "gain": (gain, dict.fromkeys(gain.quantities, pairs), "dimension_gain"),
        "multiplier": (data_multiplier(fit, pairs=gain.pairs), {"multiplier": pairs * levels}, "multiplier"),
        "synergy": (
            found,
            {
                "effect": terms * triplets,
                "sd": terms,
                "share": terms,
                "interaction": triplets,
                "interaction_share": 1,
            },
            "sd",
        ),
        "slope": (slope, {"slope": 1, "slope_here": 1, "class_factor": len(slope.class_factors)}, "slope"),
        "ruler": (calibrate_ruler([1, 2, 4], exponents), {"exponent": 3}, "exponent"),
    }


NAMES = ("dimension", "gain", "multiplier", "synergy", "slope", "ruler")


@pytest.mark.parametrize("name", NAMES)
def test_tables_intervals_and_extraction(fit, name):
    result, rows, shown = results(fit)[name]
    draws = result.draws
    assert isinstance(draws, az.InferenceData)
    table = az.summary(draws, kind="stats")
    assert len(table) == sum(rows.values())
    one = draws.posterior[shown]
    assert one.sizes["chain"] * one.sizes["draw"] >= 40
    low, high = np.moveaxis(az.hdi(draws, var_names=[shown])[shown].values, -1, 0)
    assert (low <= high).all()
    assert az.extract(draws, var_names=shown).sizes["sample"] == one.sizes["chain"] * one.sizes["draw"]


def test_labels_and_chains_are_those_of_the_fit(fit):
    gain = symmetry_gain(fit, baseline="fcn")
    drawn = gain.draws.posterior
    assert [str(label) for label in drawn["pair"].values] == [str(pair) for pair in gain.pairs]
    assert str(drawn["aligned"].values[0]) == str(gain.pairs[0].aligned)
    chains = fit.draws.posterior.sizes["chain"]
    assert drawn.sizes["chain"] == gain.multiplier.draws.posterior.sizes["chain"] == chains
    flat = drawn["dimension_gain"].values.reshape(-1, len(gain.pairs))
    np.testing.assert_array_equal(flat, gain.dimension_gain)
    dimension = effective_dimension(fit).draws.posterior
    gaps = dimension["dimension"].where(dimension["model"] == "gap", drop=True)
    assert gaps.sizes["triplet"] == sum(triplet.model == "gap" for triplet in fit.triplets)


# ArviZ 0.23 calls matplotlib 3.11 in a way that 3.13 will refuse.
@pytest.mark.filterwarnings("ignore:.*alias_mapping")
@pytest.mark.parametrize("name", NAMES)
def test_plots(fit, name):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    result, _, shown = results(fit)[name]
    for plot in (az.plot_forest, az.plot_posterior):
        assert np.size(plot(result.draws, var_names=[shown])) >= 1
    plt.close("all")


def test_draws_go_through_netcdf(fit, tmp_path):
    gain = symmetry_gain(fit, baseline="fcn")
    gain.draws.to_netcdf(str(tmp_path / "gain.nc"), engine="h5netcdf")
    again = az.from_netcdf(str(tmp_path / "gain.nc"), engine="h5netcdf")
    np.testing.assert_array_equal(again.posterior["slope"], gain.draws.posterior["slope"])
