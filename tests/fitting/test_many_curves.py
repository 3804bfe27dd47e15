"""Hundreds of curves: what is printed stays short, and work is done for all of them at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.fitting.modes import walk_modes

N_CURVES = 60


@pytest.fixture(scope="module")
def many():
    rows = [
        {"model": f"m{i:02d}", "n_train": n, "seed": 0, "error": 0.1 + n**-0.5}
        for i in range(N_CURVES)
        for n in (16, 64, 256, 1024 if i % 2 else 512)
    ]
    curves = LearningCurves.from_frame(pd.DataFrame(rows))
    shape = (20, N_CURVES)
    rng = np.random.default_rng(0)
    return curvefit.CurveFit.from_draws(
        curves,
        exponent=rng.uniform(0.4, 0.6, shape),
        amplitude=rng.uniform(0.9, 1.1, shape),
        floor=np.full(shape, 0.1),
        chance=np.nan,
    )


def test_the_text_of_a_fit_is_short_and_says_how_many_curves_it_leaves_out(many):
    lines = str(many).splitlines()
    assert sum(" exponent " in line for line in lines) == 40
    assert lines[-1] == "... and 20 more; summary() has all"
    assert len(many.summary()) == N_CURVES


def test_errors_of_a_summary_are_computed_once_a_size(many, monkeypatch):
    asked = []
    computed = curvefit.CurveFit.expected_error
    monkeypatch.setattr(
        curvefit.CurveFit,
        "expected_error",
        lambda fit, n, *, at=None: asked.append(n) or computed(fit, n, at=at),
    )
    summary = many.summary()
    assert len(asked) == 2
    assert summary["n_max"].tolist() == [1024 if i % 2 else 512 for i in range(N_CURVES)]
    assert set(summary["sizes"]) == {4}
    own = np.median(computed(many, [512], at=[0]))
    np.testing.assert_allclose(summary["error_at_n_max"].iloc[0], own)


def test_modes_of_curves_with_as_many_cells_are_combined_together():
    rng = np.random.default_rng(1)
    lengths, rows = [3, 2, 3, 3, 2], [0, 1, 1, 2, 0]
    cells = np.split(rng.permutation(sum(lengths)), np.cumsum(lengths)[:-1])
    covariances = [np.diag(rng.uniform(0.5, 2.0, n)) for n in lengths]
    walks = [np.minimum.outer(np.arange(n), np.arange(n)).astype(float) for n in lengths]
    modes = walk_modes(rows, zip(cells, covariances, walks, strict=True), 3)
    assert len(modes.parts) == 2
    values = rng.normal(size=(sum(lengths), 4))
    found = modes.combine(values)
    assert found.shape == (3, 5, 4)
    np.testing.assert_allclose(found[..., 0], modes.combine(values[:, 0]))
    assert modes.combine(values[:, :0]).shape == (3, 5, 0)
    # without a walk the modes of a row hold what its curves hold: the same sum of squares
    for row in range(3):
        mine = [i for i in range(5) if rows[i] == row]
        squares = sum((values[cells[i], 0] ** 2 / np.diag(covariances[i])).sum() for i in mine)
        np.testing.assert_allclose((found[row, :, 0] ** 2).sum(), squares)


def test_laying_out_looks_for_triplets_a_fixed_number_of_times(monkeypatch):
    from curvefit.curves import learning_curves
    from curvefit.fitting.layout import lay_out

    asked = []
    ordered = learning_curves.ordered_triplets
    monkeypatch.setattr(learning_curves, "ordered_triplets", lambda table: asked.append(1) or ordered(table))
    counts = []
    for n_curves in (2, 12):
        rows = [
            {"model": f"m{i}", "n_train": n, "seed": 0, "error": 0.1 + (1 + i / 50) * n**-0.5}
            for i in range(n_curves)
            for n in (16, 64, 256, 1024)
        ]
        curves = LearningCurves.from_frame(pd.DataFrame(rows))
        asked.clear()
        lay_out(curves, family="power-law")
        counts.append(len(asked))
    assert counts[0] == counts[1]
