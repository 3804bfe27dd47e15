"""What seeds share: the covariance of means over seeds, whichever seeds a size has, and what is not read into unnamed seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.curves import LearningCurves
from curvefit.fitting import forecast
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


def test_one_unnamed_run_a_size_is_one_seed():
    curves = LearningCurves.from_frame(losses(1).drop(columns="seed"))
    assert curves.seeds_matched
    assert not any("seeds" in note for note in curves.notes)


def test_new_runs_have_the_standard_errors_that_were_given():
    """Means of 10 % error: bands of a new mean were half as wide, and held .64 of them."""
    rng = np.random.default_rng(0)

    def table() -> pd.DataFrame:
        parts = []
        for i in range(16):
            law = 0.05 + 3 * SIZES ** -(0.3 + 0.02 * i)
            loss = law * np.exp(0.1 * rng.standard_normal(len(SIZES)))
            parts.append(pd.DataFrame({"model": f"m{i}", "n": SIZES, "loss": loss, "se": 0.1 * law}))
        return pd.concat(parts)

    fit = curvefit.fit(LearningCurves.from_frame(table()), method="approximate")
    fresh = table()["loss"].to_numpy().reshape(16, -1)
    low, high = forecast(fit, SIZES).quantiles([0.05, 0.95], kind="seed")
    assert 0.8 < ((low < fresh) & (fresh < high)).mean() < 0.995
    assert np.log(high / low).mean() == pytest.approx(2 * 1.645 * 0.1, rel=0.35)


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
