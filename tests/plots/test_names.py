"""Names of any length and letters in maps and legends: they stand apart, are whole, and are no TeX."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from curvefit import plots
from curvefit.plots.lettering import drawable
from tests.plots.test_many_curves import made_fit

TIMM = (
    "resnet_152d_wide.tv2_in1k",
    "vit_base_patch16_224.augreg2_in21k_ft_in1k",
    "convnextv2_tiny.fcmae_ft_in22k_in1k",
    "efficientnet_b0",
)
LONG_DATA = "CIFAR-10 (augmented with RandAugment, mixup and label smoothing 0.1)"


def made_table(models, inferences, data):
    keys = [(d, m, i) for i in inferences for m in models for d in data]
    table = pd.DataFrame(keys, columns=["data", "model", "inference"])
    exponent = np.linspace(0.2, 0.9, len(table))
    return table.assign(exponent=exponent, exponent_low=exponent - 0.05, exponent_high=exponent + 0.05)


@pytest.mark.parametrize(
    ("models", "inferences"),
    [
        (["cnn"], ["sgd"]),
        (TIMM[1:2], ["AdamW(lr=3e-4,wd=0.05)"]),
        (TIMM[2:], ["inference"]),
        (TIMM, ["AdamW(lr=3e-4,wd=0.05)", "SGD"]),
        (["fcn", "vec", "gap", "vec-gap"], ["sgd", "ntk"]),
        ([f"model_{i}.tv2_in21k_ft_in1k" for i in range(30)], ["sgd"]),
        (["cnn"], [f"AdamW(lr={i}e-4,wd=0.05)" for i in range(30)]),
        (["a name of a model that fills half a page " * 3, "cnn"], ["sgd", "ntk"]),
    ],
)
@pytest.mark.parametrize("data", [["svhn"], [LONG_DATA, "svhn", "Kuzushiji-MNIST"]])
def test_names_of_a_heat_map_do_not_overlap_whatever_their_number_and_length(models, inferences, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = plots.plot_heatmap(made_table(models, inferences, data))
        figure = axes.figure
        figure.canvas.draw()
    (above,) = axes.child_axes
    cells = axes.get_window_extent()
    assert cells.width / (len(models) * len(inferences)) > 0.4 * figure.dpi, "a cell holds its number"
    assert cells.height / len(data) > 0.3 * figure.dpi
    for labels in (axes.get_xticklabels(), axes.get_yticklabels(), above.get_xticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    for part in figure.axes:
        box = part.get_tightbbox()
        assert min(box.x0, box.y0) >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1


def test_a_heat_map_is_drawn_into_axes_that_are_given():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    assert plots.plot_heatmap(made_table(TIMM, ["sgd"], ["svhn"]), ax=axes) is axes
    assert tuple(figure.get_size_inches()) == (6, 3)


@pytest.mark.parametrize("name", ["$x_1$", r"$\frac{a$", "cost $5", r"a\$b$c$"])
def test_a_dollar_in_a_name_is_a_dollar(name):
    from matplotlib.cbook import is_math_text

    text = drawable(name)
    assert not is_math_text(text)
    assert text.replace(r"\$", "$") == name, "matplotlib shows an escaped dollar as a plain one"


def test_every_figure_shows_names_with_dollars_as_they_are():
    fit = made_fit(["$x_1$", r"$\frac{a$"], data=("$d$", "e"))
    table = plots.parameter_table(fit, "exponent")
    residuals = pd.DataFrame(
        {
            "data": "d", "model": r"$\frac{a$", "inference": "i", "n_train": [1, 2, 4], "observed": 0.2,
            "predicted": 0.2, "low": 0.1, "high": 0.3, "inside": True, "p_mean": 0.5,
        }
    )  # fmt: skip
    theory = table.assign(n_train=4, measured=0.2, predicted=0.1, ratio=2.0)
    drawn = [
        plots.plot_curves(fit),
        plots.plot_exponents(fit),
        plots.plot_exponents(table.iloc[:2]),
        plots.plot_heatmap(fit),
        plots.plot_local_slopes(fit),
        plots.plot_residuals(residuals),
        plots.plot_theory_curves(theory),
    ]
    for axes in drawn:
        np.atleast_1d(np.asarray(axes, dtype=object)).flat[0].figure.canvas.draw()


@pytest.mark.parametrize("draw", [plots.plot_local_slopes, plots.plot_exponents])
def test_long_names_beside_axes_are_wrapped_and_leave_room_for_the_curves(draw):
    axes = draw(made_fit([f"{name} at 224 pixels" for name in TIMM], data=(LONG_DATA, "svhn")))
    axes.figure.canvas.draw()
    assert axes.get_window_extent().width > 2.4 * axes.figure.dpi
    assert "\n" in axes.get_legend().get_texts()[0].get_text()
