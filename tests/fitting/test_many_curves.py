"""Hundreds of curves: what is printed stays short, and work is done for all of them at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.curves import LearningCurves

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
