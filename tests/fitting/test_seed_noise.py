"""What seeds share: the covariance of means over seeds, whichever seeds a size has, and what is not read into unnamed seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.dimension import fit_replicates
from curvefit.dimension.difference import compare_curves
from curvefit.errors import InvalidInputError
from curvefit.fitting import bootstrap, forecast
from curvefit.fitting.layout import lay_out
from curvefit.fitting.noise import covariance_of_means

SIZES = 64 * 2 ** np.arange(7)


def losses(seeds: int, *, se: float = 0.0) -> pd.DataFrame:
    """Return nested runs of one curve, the standard errors of every seed a little other than those of the rest."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal((seeds, len(SIZES)))
    return pd.DataFrame(
        {"seed": s, "n": n, "loss": (0.1 + 3 * n**-0.4) * np.exp(noise[s, j]), "value_se": 0.01 + se * s}
        for s in range(seeds) for j, n in enumerate(SIZES)
    )  # fmt: skip


def test_the_covariance_of_means_is_that_of_the_runs_in_them():
    frame = losses(4, se=0.001).drop(index=[3, 9, 20])
    frame.loc[frame["seed"] == 1, "value_se"] = 0.01  # seeds 0 and 1 share cells, the others have their own
    layout = lay_out(LearningCurves.from_frame(frame), family="power-law")
    cells = np.arange(len(layout.cell_curve))
    between, counting, correlation = 0.04 / layout.cell_size**0.1, 0.01 + cells * 1e-3, 0.7
    found = covariance_of_means(
        layout.cell_doublings, between, counting, layout.shared_seeds(cells), correlation
    )
    at = layout.run_cell
    lag = abs(np.subtract.outer(layout.cell_doublings[at], layout.cell_doublings[at]))
    alike = np.equal.outer(layout.run_seed, layout.run_seed) * correlation**lag
    of_runs = alike * np.sqrt(np.outer(between[at], between[at])) + np.diag(counting[at])
    mean = np.equal.outer(cells, at) / np.bincount(at)[:, None]
    np.testing.assert_allclose(found, mean @ of_runs @ mean.T, rtol=1e-12, atol=1e-15)
    assert np.linalg.eigvalsh(found).min() > 0


@pytest.mark.parametrize("seeds", [3, 4])
def test_seeds_with_standard_errors_of_their_own_are_fitted(seeds):
    alike, apart = (
        curvefit.fit(LearningCurves.from_frame(losses(seeds, se=se)), method="approximate")
        for se in (0.0, 1e-9)
    )
    for name in ("exponent", "floor"):
        one, other = alike.parameter(name), apart.parameter(name)
        np.testing.assert_allclose(other.mean(axis=0), one.mean(axis=0), atol=0.1 * one.std())
        np.testing.assert_allclose(other.std(axis=0), one.std(axis=0), rtol=0.1)


def test_unnamed_seeds_of_one_size_are_unrelated_to_those_of_another():
    rng, unnamed = np.random.default_rng(1), losses(6).drop(columns="seed")
    ordered = unnamed.sort_values(["n", "loss"])
    fits = []
    for frame in (unnamed, ordered, unnamed.sample(frac=1.0, random_state=rng)):
        curves = LearningCurves.from_frame(frame)
        assert any("no column names the seeds" in note for note in curves.notes)
        fits.append(curvefit.fit(curves, method="approximate"))
        assert "noise_correlation" not in fits[-1].draws.posterior
    for name in ("exponent", "floor"):
        for fit in fits[1:]:
            np.testing.assert_allclose(fit.parameter(name), fits[0].parameter(name), rtol=1e-6)


def test_what_resamples_or_pairs_seeds_needs_their_names():
    first, second = (losses(6).drop(columns="seed").assign(model=model) for model in "ab")
    second["loss"] *= np.exp(0.1 * np.random.default_rng(2).standard_normal(len(second)))
    curves = LearningCurves.from_frame(pd.concat([first.sort_values("loss"), second.sort_values("loss")]))
    with pytest.raises(
        InvalidInputError, match="cluster bootstrap .* needs to know the seed of every run; name"
    ):
        bootstrap(curves, kind="cluster")
    with pytest.raises(InvalidInputError, match="a fit of replicates needs to know the seed"):
        fit_replicates(curves)
    assert not compare_curves(curves, *curves.triplets).paired


def test_one_unnamed_run_a_size_is_one_seed():
    curves = LearningCurves.from_frame(losses(1).drop(columns="seed"))
    assert curves.seeds_matched
    assert not any("seeds" in note for note in curves.notes)


@pytest.mark.parametrize("column", ["loss", "error"])
def test_new_runs_have_the_standard_errors_that_were_given(column):
    """On the scale of the likelihood the variance of new runs is that between seeds and that of the standard errors."""
    frame = losses(2).rename(columns={"loss": column})
    value, points = frame[column], 400
    frame["value_se"] = np.sqrt(value * (1 - value) / points) if column == "error" else 0.1 * value
    fit = curvefit.fit(LearningCurves.from_frame(frame), method="approximate")
    last = int(SIZES[-1])
    found = forecast(fit, [last], draws=4000)
    curve, run = found.curve_draws[..., 0], found.seed_draws[..., 0]
    away, given = np.log(run / curve), 0.1**2
    if column == "error":
        away, given = away - np.log((1 - run) / (1 - curve)), (1 / (points * curve * (1 - curve))).mean()
    # 4,000 draws: the standard error of a variance is 2.2 %.
    assert away.var() == pytest.approx((fit.noise_sd([last]) ** 2).mean() + given, rel=0.1)
    assert given > 0.3 * away.var()


def test_one_measurement_under_two_names_has_one_future_and_a_forecast_has_its_own_seed():
    runs = losses(3)
    named = pd.concat([runs.assign(model=name) for name in ("a", "b")])
    fit = curvefit.fit(LearningCurves.from_frame(named), method="approximate")
    assert fit.measurements == (str(fit.triplets[0]),) * 2
    ahead = fit.expected_error([64, 2**20])
    np.testing.assert_array_equal(ahead[:, 0], ahead[:, 1])
    one, other = (forecast(fit, [64, 2**20], seed=seed).curve_draws for seed in (0, 1))
    np.testing.assert_array_equal(one[..., 0], other[..., 0])
    assert (one[..., 1] != other[..., 1]).all()
