"""Plots show the numbers they were given, and their titles are computed from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from curvefit import plots
from curvefit.curves.predicted_exponents import predicted_exponents
from curvefit.dimension import data_multiplier, effective_dimension, symmetry_gain
from curvefit.dimension.pairs import Pair
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.plots.style import PALETTE, decimal_ticks, looks, short_count
from curvefit.triplet import Triplet
from tests import simulated


@pytest.fixture(scope="module")
def bands(fit):
    return plots.curve_bands(fit)


def test_bands_hold_the_truth_and_widen_from_credible_to_predictive(fit, bands):
    for triplet in fit.triplets:
        mine = bands.select(**triplet._asdict()).curves
        truth = np.array([simulated.true_error(triplet, n) for n in mine["n_train"]])
        assert ((mine["error_low"] <= truth) & (truth <= mine["error_high"])).mean() > 0.9
        wider = (mine["predictive_high"] - mine["predictive_low"]) >= 0.8 * (
            mine["error_high"] - mine["error_low"]
        )
        assert wider.mean() > 0.9


def test_a_probability_outside_its_range_is_refused(fit):
    with pytest.raises(InvalidInputError, match=r"probability 1\.5"):
        plots.curve_bands(fit, probability=1.5)


def test_curves_get_a_panel_per_model_and_inference_with_the_drawn_medians(bands):
    axes = plots.plot_curves(bands)
    assert axes.shape == (2, 3)
    first = bands.select(model="fcn", inference="sgd", data="shifted trivial").curves
    drawn = axes[0, 0].lines[0].get_ydata()
    np.testing.assert_allclose(drawn, first["error"])
    assert "largest exponent" in axes[0, 0].figure.get_suptitle()
    assert "gap" in axes[0, 0].figure.get_suptitle().splitlines()[0]


def test_one_curve_shows_credible_and_predictive_bands(bands):
    one = bands.select(data="shifted trivial", model="gap", inference="sgd")
    axes = plots.plot_curves(one)
    assert isinstance(axes, Axes)
    assert len(axes.collections) >= 3, "two bands and error bars"
    low, high = one.exponents[["exponent_low", "exponent_high"]].iloc[0]
    assert f"[{low:.2f}, {high:.2f}]" in axes.get_title(loc="left")


def test_empty_cells_of_the_grid_stay_empty(bands):
    missing = ~((bands.exponents["model"] == "vec") & (bands.exponents["inference"] == "ntk"))
    axes = plots.plot_curves(replace(bands, exponents=bands.exponents[missing]))
    assert [ax.axison for ax in axes.ravel()] == [True, True, True, True, False, True]


def test_an_unknown_panel_axis_is_refused_with_the_nearest(bands):
    with pytest.raises(UnknownNameError, match="Did you mean 'model'"):
        plots.plot_curves(bands, panel=("modle",))


def test_the_forest_draws_every_triplet_and_says_how_often_theory_lies_inside(fit):
    truth = [simulated.true_exponent(triplet) for triplet in fit.triplets]
    axes = plots.plot_exponents(fit, predicted=pd.Series(truth))
    drawn = sum(len(container.lines[0].get_xdata()) for container in axes.containers)
    assert drawn == len(fit.triplets)
    assert [tick.get_text() for tick in axes.get_yticklabels()][:2] == ["fcn | sgd", "fcn | ntk"]
    assert f"theory lies within {len(truth)} of {len(truth)} intervals" in axes.get_title(loc="left")
    wrong = plots.plot_exponents(fit, predicted=pd.Series([9.0] * len(truth)))
    assert f"theory lies within 0 of {len(truth)}" in wrong.get_title(loc="left")


@pytest.mark.parametrize("link", ["ratio", "noiseless"])
def test_the_forest_draws_dimensions_too(fit, link):
    table = effective_dimension(fit, link).summary()
    axes = plots.plot_exponents(table, parameter="dimension")
    largest = table.loc[table["dimension"].idxmax()]
    title = axes.get_title(loc="left").replace("\n", " ")
    assert title.startswith(f"largest dimension: {largest['data']} | {largest['model']}")
    ends = f"[{largest['dimension_low']:.2f}, {largest['dimension_high']:.2f}]"
    assert f"{largest['dimension']:.2f} {ends}" in title
    assert "link" in axes.get_xlabel()


def test_the_heat_map_prints_every_median(fit):
    axes = plots.plot_heatmap(fit)
    printed = {text.get_text() for text in axes.texts}
    for value in np.median(fit.parameter("exponent"), axis=0):
        assert f"{value:.2f}" in printed


def test_local_slopes_of_a_saturating_power_law_rise_towards_its_exponent(fit):
    slopes = plots.local_slopes(fit)
    axes = plots.plot_local_slopes(slopes.select(fit.triplets[:2]))
    assert len(slopes.select(fit.triplets[:2]).triplets) == 2
    assert axes.get_ylabel().startswith("local slope")
    line = slopes.fitted[slopes.fitted["data"] == "shifted trivial"]
    assert (line["slope"] > 0).all()
    assert (line["slope"] < 0.6).all()


@pytest.mark.parametrize(("covered", "agree"), [([50, 90], 2), ([20, 60], 0)])
def test_calibration_counts_the_masses_that_agree(covered, agree):
    axes = plots.plot_calibration([0.5, 0.9], covered, 100)
    assert f"{agree} of 2 masses agree" in axes.get_title(loc="left")


def test_calibration_refuses_impossible_counts():
    with pytest.raises(InvalidInputError, match=r"0\.\.100"):
        plots.plot_calibration([0.5], [120], 100)


def test_the_spectrum_title_measures_its_decay():
    ranks = np.arange(1, 401, dtype=float)
    axes = plots.plot_spectrum(ranks**-1.5, target_power=ranks**-1.2)
    assert "rank^-1.50" in axes.get_title(loc="left")
    with pytest.raises(InvalidInputError, match="positive"):
        plots.plot_spectrum([0.0, -1.0])


def test_the_theory_curve_title_gives_the_ratio_to_what_was_measured():
    n = np.geomspace(10, 1000, 30)
    axes = plots.plot_theory_curve(n, n**-0.5, measured_sizes=[100, 400], measured=[0.11, 0.06])
    assert "1.10 to 1.20 times" in axes.get_title(loc="left")
    with pytest.raises(InvalidInputError, match="differ"):
        plots.plot_theory_curve(n, n[:-1])


def test_multiplier_names_the_largest_sure_gain(fit):
    gain = symmetry_gain(fit, baseline="fcn")
    assert "gap" in plots.plot_multiplier(gain).get_title(loc="left")
    few = symmetry_gain(fit, baseline="fcn", pairs=gain.pairs[:3])
    assert len(plots.plot_multiplier(few).get_legend().get_texts()) == 3


def test_a_multiplier_is_drawn_whatever_its_labels_hold(fit):
    gain = symmetry_gain(fit, baseline="fcn")
    assert len(gain.pairs) > 8
    pairs = tuple(
        Pair(*(side._replace(data=f"{side.data} | rotated") for side in (pair.baseline, pair.aligned)))
        for pair in gain.pairs
    )
    axes = plots.plot_multiplier(replace(gain.multiplier, pairs=pairs))
    assert "shifted trivial | rotated | sgd" in {
        label.get_text().replace("\n", " ") for label in axes.get_yticklabels()
    }
    assert "inputs that fcn needs" in axes.get_xlabel().replace("\n", " ")


def test_every_comparison_has_its_line_where_one_curve_has_several_baselines(fit):
    gap, others = Triplet("shifted trivial", "gap", "sgd"), [("fcn", "sgd"), ("fcn", "ntk"), ("vec", "ntk")]
    pairs = [Pair(gap._replace(model=m, inference=i), gap) for m, i in others]
    axes = plots.plot_multiplier(data_multiplier(fit, pairs=pairs))
    assert len({text.get_text() for text in axes.get_legend().get_texts()}) == 3
    assert "the baseline" in axes.get_ylabel()


def test_dimension_falls_with_the_group_as_drawn(fit):
    table = plots.dimension_alignment(effective_dimension(fit))
    axes = plots.plot_dimension(table)
    assert "mean effective dimension" in axes.get_title(loc="left")
    assert table.groupby("lie_dimension")["dimension"].mean().is_monotonic_increasing


def test_residuals_name_the_size_that_is_off():
    sizes = np.repeat([32, 64, 128], 10)
    frame = pd.DataFrame(
        {
            "data": "d", "model": "m", "inference": "i", "n_train": sizes, "observed": 0.2, "predicted": 0.2,
            "low": 0.1, "high": 0.3, "inside": True, "p_mean": np.where(sizes == 64, 0.97, 0.5),
        }
    )  # fmt: skip
    assert "at n = 64 the errors lie above" in plots.plot_residuals(frame).get_title(loc="left")
    assert "no training-set size is off" in plots.plot_residuals(frame.assign(p_mean=0.5)).get_title(
        loc="left"
    )
    title = plots.plot_predictions(frame.assign(inside=sizes != 32)).get_title(loc="left")
    assert title.startswith("20 of 30 observed means")
    title = plots.plot_predictions(frame, probability=0.5).get_title(loc="left")
    assert "the 50% interval" in title.replace("\n", " ")


def test_plots_leave_the_callers_style_alone(bands):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plots.plot_curves(bands)
    assert dict(mpl.rcParams) == before


def test_levels_differ_in_more_than_colour_and_keep_apart_in_grey():
    named = looks([str(i) for i in range(7)])
    assert len({(look.marker, str(look.dash)) for look in named.values()}) == 7
    grey = sorted(np.dot(to_rgb(colour), [0.299, 0.587, 0.114]) for colour in PALETTE)
    assert grey[-1] < 0.75, "nothing too pale for paper"


def test_ticks_and_counts_are_plain():
    assert short_count(1024) == "1024"
    assert short_count(65536) == "65.5k"
    np.testing.assert_allclose(decimal_ticks([0.1, 0.9]), [0.1, 0.2, 0.3, 0.5, 0.7])
    np.testing.assert_allclose(decimal_ticks([0.01, 0.9]), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5])


def test_predictions_are_left_out_for_students_without_the_symmetry_of_the_target():
    facts = pd.DataFrame(
        [
            {
                "data": "torus",
                "model": "full",
                "inference": "k",
                "data_symmetry": "o-c-tail-1",
                "function_symmetry": "trivial",
            },
            {
                "data": "torus",
                "model": "sees 1",
                "inference": "k",
                "data_symmetry": "o-c-tail-1",
                "function_symmetry": "o-c-tail-1",
            },
            {
                "data": "sphere",
                "model": "full",
                "inference": "k",
                "data_symmetry": "trivial",
                "function_symmetry": "trivial",
            },
            {
                "data": "torus",
                "model": "unknown",
                "inference": "k",
                "data_symmetry": "o-c-tail-1",
                "function_symmetry": None,
            },
        ]
    ).assign(predicted_exponent=1.0)
    assert predicted_exponents(facts).isna().tolist() == [True, False, False, False]
    assert predicted_exponents(facts.drop(columns="predicted_exponent")).isna().all()
