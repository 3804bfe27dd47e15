"""What anybody's table of test errors gives at the defaults: few curves, no chance level, holes. It converges at once, and is right."""

import numpy as np
import pytest

import curvefit
from curvefit.curves import LearningCurves

SIZES = 2 ** np.arange(4, 12)
EXPONENTS = {"a": 0.3, "b": 0.5}


def table(*, seeds=3, without=(), models="ab", chance=None):
    """Counts of 1,000 test points; `without` holds (model, size) pairs to leave out."""
    rng, rows = np.random.default_rng(0), []
    for model in models:
        for n in SIZES:
            rate = 0.03 + 0.87 * (1 + n / 40) ** -EXPONENTS[model]
            for seed in range(seeds):
                wrong = rng.binomial(1000, 1 / (1 + (1 - rate) / rate * np.exp(-0.08 * rng.normal())))
                rows.append({"model": model, "n": n, "seed": seed, "n_errors": wrong, "n_test": 1000})
    kept = [row for row in rows if (row["model"], row["n"]) not in without]
    return LearningCurves.from_frame([row | ({"chance_error": chance} if chance else {}) for row in kept])


@pytest.mark.parametrize(
    "curves",
    [
        pytest.param(table(), id="no chance level"),
        pytest.param(table(chance=0.9), id="chance level"),
        pytest.param(table(seeds=1), id="one seed"),
        pytest.param(table(models="b"), id="one curve"),
        pytest.param(table(without={("a", n) for n in SIZES[3:7]}), id="a hole"),
    ],
)
def test_few_curves_converge_at_once_and_hold_the_truth(curves):
    fit = curvefit.fit(curves, progress_bar=False)
    assert fit.status.converged, str(fit.status)
    assert "run again" not in str(fit.status)
    low, high = np.quantile(fit.parameter("exponent"), [0.025, 0.975], axis=0)
    for triplet, lower, upper in zip(fit.triplets, low, high, strict=True):
        assert lower < EXPONENTS[triplet.model] < upper
        assert upper / lower < 6, "an interval that says something"


def losses(start):
    """Two curves of losses, three runs a size: power laws, of ``n + start`` examples."""
    rng, rows = np.random.default_rng(2), []
    for model, exponent in EXPONENTS.items():
        for n in 2 ** np.arange(6, 16):
            for seed in range(3):
                loss = (1.7 + 8.0 * (n + start) ** -exponent) * np.exp(0.005 * rng.normal())
                rows.append({"model": model, "n": n, "seed": seed, "loss": loss})
    return LearningCurves.from_frame(rows, training_sets="independent")


@pytest.mark.parametrize("start", [0, 100])
def test_losses_may_level_off_at_small_sizes_or_not(start):
    fit = curvefit.fit(losses(start), progress_bar=False)
    assert fit.status.converged, str(fit.status)
    low, high = np.quantile(fit.parameter("exponent"), [0.025, 0.975], axis=0)
    for triplet, lower, upper in zip(fit.triplets, low, high, strict=True):
        assert lower < EXPONENTS[triplet.model] < upper
        assert upper / lower < 8


def test_a_curve_without_errors_stands_beside_another():
    rows = [
        {"model": m, "n": n, "seed": s, "n_errors": 0 if m == "zero" else 900 // (1 + n // 32), "n_test": 1000}
        for m in ("zero", "falls") for n in SIZES for s in range(2)
    ]  # fmt: skip
    with np.errstate(divide="raise"):
        fit = curvefit.fit(LearningCurves.from_frame(rows), progress_bar=False, draws=500)
    zero = [t.model for t in fit.triplets].index("zero")
    assert 0 < np.median(fit.expected_error([64.0])[:, zero]) < 0.005
