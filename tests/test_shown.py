"""Every result shows itself in one short line at a prompt, and in a notebook as it is printed."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

import curvefit as cf
from curvefit.dimension import effective_dimension, symmetry_gain
from curvefit.dimension.saved import Saveable as SaveableDimension
from curvefit.fitting import forecast, needed_size, point_fit
from curvefit.fitting.saveable import Saveable
from curvefit.shown import LETTERS, Shown
from tests import simulated


def result_classes() -> list[type]:
    parts = Saveable.form.parts | SaveableDimension.form.parts
    classes = [getattr(importlib.import_module(module), name) for name, module in parts.items()]
    return [cf.CurveFit, cf.LearningCurves, *(one for one in classes if issubclass(one, Saveable))]


@pytest.mark.parametrize("kind", result_classes(), ids=lambda kind: kind.__name__)
def test_no_result_dumps_its_fields(kind):
    assert kind.__repr__ is Shown.__repr__
    assert kind._repr_html_ is Shown._repr_html_


def test_results_tell_what_they_are_in_a_line():
    fit = simulated.fit(n_draws=50)
    gain = symmetry_gain(fit, "fcn")
    fitted = point_fit(fit.curves.select(model="gap", inference="sgd"))
    results = [
        (fit, "24 curve(s)"),
        (fit.curves, "432 usable row(s) of 432"),
        (forecast(fit, [1e4, 2e4], draws=40), "24 triplets; 2 sizes; converged"),
        (needed_size(fit, 0.06, draws=40), "24 triplets"),
        (fitted, "PointFit: "),
        (fitted.fits[0], "exponent="),
        (effective_dimension(fit), "EffectiveDimension: "),
        (gain, f"{len(gain.pairs)} pairs; converged"),
        (gain.multiplier, f"{len(gain.pairs)} pairs; "),
    ]
    for result, told in results:
        line = repr(result)
        assert told in line
        assert "\n" not in line
        assert len(line) <= LETTERS


def test_a_notebook_shows_what_is_printed_and_no_markup_of_names():
    frame = {"model": ["<b>bold</b>"] * 4, "n": [16, 32, 64, 128], "error": [0.4, 0.3, 0.23, 0.17]}
    shown = cf.LearningCurves.from_frame(frame)._repr_html_()
    assert shown.startswith("<pre>1 learning curve(s)")
    assert "<b>" not in shown


def test_fields_are_told_by_their_shape_where_nothing_is_said_in_words():
    class Table(Shown):
        rows: np.ndarray

    made = dataclasses.dataclass(Table)(np.zeros((3, 2)))
    assert repr(made) == "<Table: rows=ndarray(3, 2)>"
