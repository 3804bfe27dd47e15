"""Criticism tables on a fit whose posterior is made by hand, so that no sampling is needed."""

import numpy as np
import pytest

from curvefit.curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.fitting.criticism import check_predictions, loo_cells, prior_sensitivity
from curvefit.fitting.curve_fit import CurveFit
from curvefit.fitting.estimate import fit as fit_curves

N = 2.0 ** np.arange(4, 12)


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(0)
    rows = [
        {"n": n, "seed": s, "n_errors": rng.binomial(2000, 0.03 + 0.87 * (1 + n / 60) ** -e), "n_test": 2000,
         "model": m, "chance_error": 0.9}
        for n in N for s in range(3) for m, e in (("a", 0.5), ("b", 0.35))
    ]  # fmt: skip
    return fit_curves(LearningCurves.from_frame(rows, training_sets="independent"), method="approximate")


def test_replicates_look_like_the_data(fit):
    table = check_predictions(fit)
    assert len(table) == 16
    assert table["inside"].mean() > 0.6
    assert np.allclose(table["predicted"], table["observed"], rtol=0.2)


def test_wrong_data_stand_out(fit):
    wrong = fit.curves.table.copy()
    hit = (wrong["n_train"] == 256) & (wrong["model"] == "a")
    wrong.loc[hit, ["n_errors", "value"]] *= 1.6
    spoiled = CurveFit(
        LearningCurves(wrong, fit.curves.facts),
        fit.triplets,
        fit.draws,
        fit.status,
        fit.family,
        fit.likelihood,
        fit.settings,
    )
    table = check_predictions(spoiled).set_index(["model", "n_train"])
    assert not table.loc[("a", 256), "inside"]
    assert table.loc[("a", 256), "p_mean"] > 0.99
    elpd = loo_cells(spoiled).set_index(["model", "n_train"])["elpd"]
    assert elpd.loc[("a", 256)] < loo_cells(fit).set_index(["model", "n_train"])["elpd"].loc[("a", 256)] - 3


def test_noise_and_sensitivity(fit):
    noise = fit.noise_sd([16.0, 1024.0])
    assert noise.shape == (fit.n_draws, 2, 2)
    assert (noise[..., 0] >= noise[..., 1] - 1e-12).all()
    table = prior_sensitivity(fit)
    assert np.isfinite(table[["prior_shift", "data_shift"]].to_numpy()).all()


def test_given_draws_have_no_noise(fit):
    made = CurveFit.from_draws(
        fit.curves,
        exponent=np.full((10, 2), 0.5),
        amplitude=np.full((10, 2), 5.0),
        floor=np.full((10, 2), 0.01),
    )
    with pytest.raises(InvalidInputError, match="no model of seed noise"):
        check_predictions(made)
