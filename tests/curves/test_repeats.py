"""One measurement under several names is found; equal small counts are not mistaken for one."""

from __future__ import annotations

import numpy as np

from curvefit.curves import LearningCurves
from curvefit.curves.repeats import same_measurement
from curvefit.fitting.layout import lay_out


def _curves(errors: dict[str, np.ndarray], n_test: int) -> LearningCurves:
    rows = [
        {
            "data": name,
            "model": "m",
            "inference": "i",
            "n_train": n,
            "seed": s,
            "n_errors": int(e),
            "n_test": n_test,
        }
        for name, table in errors.items()
        for n, row in zip((32, 64, 128, 256, 512, 1024), table)
        for s, e in enumerate(row)
    ]
    return LearningCurves.from_frame(rows)


def test_a_curve_under_two_names_is_fitted_once_and_said_so():
    rng = np.random.default_rng(0)
    rates = np.array([0.7, 0.6, 0.5, 0.4, 0.3, 0.25])[:, None]
    one, other = rng.binomial(2000, rates, (2, 6, 3))
    curves = _curves({"plain": one, "rotated": one, "else": other}, 2000)
    assert same_measurement(curves).tolist() == [0, 0, 2]
    layout = lay_out(curves, family="power-law")
    assert len(layout.triplets) == 2
    assert layout.curve_of.tolist() == [0, 0, 1]
    assert len(layout.run_cell) == 36
    assert any("fitted once" in note for note in layout.notes)


def test_equal_counts_that_chance_explains_are_two_measurements():
    few = np.array([[1], [1], [0], [0], [0], [0]])
    curves = _curves({"plain": few, "rotated": few}, 20)
    assert same_measurement(curves).tolist() == [0, 1]
