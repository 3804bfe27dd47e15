"""Figures of more curves than fit: few panels, the ends among them, and words on what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit import plots
from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError

N_MODELS = 60


def made_fit(names, data=("d",)):
    rows = [
        {"data": d, "model": m, "n_train": n, "seed": 0, "error": 0.1 + 2 * n**-0.5}
        for d in data
        for m in names
        for n in (64, 256, 1024, 4096)
    ]
    curves = LearningCurves.from_frame(pd.DataFrame(rows))
    shape = (20, len(curves.triplets))
    exponent = np.random.default_rng(0).uniform(0.3, 0.7, shape[1]) + np.linspace(-0.01, 0.01, 20)[:, None]
    amplitude, floor = np.full(shape, 2.0), np.full(shape, 0.1)
    return curvefit.CurveFit.from_draws(
        curves, exponent=exponent, amplitude=amplitude, floor=floor, chance=np.nan
    )


@pytest.fixture(scope="module")
def many():
    return made_fit([f"m{i:02d}" for i in range(N_MODELS)])


def test_many_curves_get_a_readable_number_of_panels_and_the_ends_are_among_them(many):
    axes = plots.plot_curves(many)
    assert axes.shape == (6, 4)
    title = axes[0, 0].figure.get_suptitle()
    assert "24 of 60 curves" in title
    exponents = np.median(many.parameter("exponent"), axis=0)
    names = [ax.get_title(loc="left").splitlines()[0] for ax in axes.flat]
    for end in (exponents.argmin(), exponents.argmax()):
        assert str(many.triplets[end]) in names
        assert str(many.triplets[end]) in title


def test_bands_are_computed_of_the_curves_that_are_drawn(many, monkeypatch):
    asked = []
    computed = curvefit.CurveFit.expected_error
    monkeypatch.setattr(
        curvefit.CurveFit,
        "expected_error",
        lambda fit, n, **named: asked.append(len(fit.triplets)) or computed(fit, n, **named),
    )
    plots.plot_curves(many, at_most=3)
    assert set(asked) == {3}


def test_scales_and_limits_of_shared_axes_are_set_once(many, monkeypatch):
    from matplotlib.axes import Axes

    calls = []
    autoscale, set_xscale = Axes.autoscale, Axes.set_xscale
    monkeypatch.setattr(
        Axes, "autoscale", lambda ax, *a, **k: calls.append("limits") or autoscale(ax, *a, **k)
    )
    monkeypatch.setattr(
        Axes, "set_xscale", lambda ax, *a, **k: calls.append("scale") or set_xscale(ax, *a, **k)
    )
    axes = plots.plot_curves(many, at_most=4)
    assert sorted(calls) == ["limits", "scale"]
    assert len({(ax.get_xlim(), ax.get_ylim(), ax.get_xscale()) for ax in axes.flat}) == 1
    assert axes[0, 0].get_xlim()[1] > 4096


def test_other_curves_can_be_chosen(many):
    chosen = ["d | m07 | inference", "d | m03 | inference"]
    bands = plots.curve_bands(many, triplets=chosen)
    assert [str(triplet) for triplet in bands.triplets] == chosen
    assert set(bands.points["model"]) == {"m03", "m07"}
    pd.testing.assert_frame_equal(
        bands.select(model="m07").curves[["n_train", "error"]],
        plots.curve_bands(many).select(model="m07").curves[["n_train", "error"]].reset_index(drop=True),
    )
    axes = plots.plot_curves(bands)
    assert "left" not in axes.get_title(loc="left")


def test_no_panel_holds_more_curves_than_can_be_read():
    fit = made_fit(["a", "b"], data=[f"d{i:02d}" for i in range(40)])
    axes = plots.plot_curves(fit, at_most=10)
    assert [len(ax.lines) // 2 for ax in axes.flat] == [10, 10]
    assert len(axes[0, 0].figure.legends[0].get_texts()) == 10


def test_a_number_of_panels_below_one_is_refused(many):
    with pytest.raises(InvalidInputError, match="at_most must be 1 or more, not 0"):
        plots.plot_curves(many, at_most=0)


def test_a_report_of_many_curves_draws_some_and_says_so(many):
    from curvefit.report.figures import curve_figures

    (figure,) = curve_figures(many)
    assert "24 of 60 curves are drawn" in figure.caption
