"""Forecasts, needed sizes and point fits come back field by field, and ArviZ takes their draws."""

from __future__ import annotations

import dataclasses
import json

import arviz as az
import numpy as np
import pandas as pd
import pytest

import curvefit.fitting as floor
from curvefit.errors import DataFileError, UnknownNameError
from curvefit.fitting import (
    CurveFit,
    Forecast,
    NeededSize,
    PointFit,
    bnsl_fit,
    forecast,
    loss_surface_fit,
    needed_size,
    point_fit,
    published_fit,
)
from curvefit.fitting.loss_surface import LossSurface
from curvefit.fitting.saveable import Saveable
from tests import simulated


@pytest.fixture(scope="module")
def fit():
    return simulated.fit(n_draws=100)


@pytest.fixture(scope="module")
def results(fit):
    curves = fit.curves.select(model="gap", inference="sgd")
    flat = curves.table.assign(value=0.4, n_errors=800, data="flat")
    table = pd.concat([curves.table, flat[flat["seed"] == 0]], ignore_index=True)
    return {
        "forecast": forecast(fit, [1000, 8000], draws=60),
        "forecast of curves": forecast(curves, [64, 8000], draws=60),
        "needed size": needed_size(fit, 0.06, draws=60),
        "point fit": point_fit(dataclasses.replace(curves, table=table)),
    }


NAMES = ("forecast", "forecast of curves", "needed size", "point fit")


def _same(one, other) -> None:
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif isinstance(one, tuple) and not hasattr(one, "_fields"):
        assert len(one) == len(other)
        for a, b in zip(one, other):
            _same(a, b)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            _same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_comes_back(results, name, tmp_path):
    result = results[name]
    folder = result.save(tmp_path / "new" / "folder")
    again = type(result).load(folder)
    _same(result, again)
    pd.testing.assert_frame_equal(result.summary(), again.summary())
    assert str(result) == str(again)
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".nc"}
    text = (folder / "result.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_every_result_with_a_summary_can_be_saved():
    kinds = [getattr(floor, name) for name in floor.__all__ if isinstance(getattr(floor, name), type)]
    with_summary = [kind for kind in kinds if hasattr(kind, "summary")]
    assert {Forecast, NeededSize, PointFit, CurveFit} <= set(with_summary)
    assert [k.__name__ for k in with_summary if not issubclass(k, Saveable | CurveFit)] == []


@pytest.mark.parametrize("replicates", [0, 3])
def test_a_loss_surface_comes_back_and_says_its_law(replicates, tmp_path):
    parameters, tokens = np.meshgrid(np.geomspace(1e7, 1e10, 4), np.geomspace(1e9, 1e12, 4))
    parameters, tokens = parameters.ravel(), tokens.ravel()
    loss = 1.8 + 500.0 * parameters**-0.35 + 2000.0 * tokens**-0.37
    surface = loss_surface_fit(parameters, tokens, loss, replicates=replicates)
    again = LossSurface.load(surface.save(tmp_path / "surface"))
    _same(surface, again)
    assert list(surface.summary()["parameter"]) == [
        "floor",
        "parameter_amplitude",
        "token_amplitude",
        "alpha",
        "beta",
    ]
    assert "parameters^-0.35 " in str(surface)
    assert ("no bootstrap" in str(surface)) == (replicates == 0)
    with pytest.raises(UnknownNameError, match="Did you mean 'alpha'"):
        surface.interval("alhpa")


def test_others_estimators_come_back(tmp_path):
    n = np.geomspace(16, 4096, 9)
    for found in (published_fit("m4", n, 0.1 + n**-0.5), bnsl_fit(n, 0.1 + n**-0.5)):
        again = type(found).load(found.save(tmp_path / type(found).__name__))
        _same(found, again)
        np.testing.assert_array_equal(found.predict(n), again.predict(n))


def test_a_folder_says_what_it_holds(results, tmp_path):
    folder = results["point fit"].save(tmp_path / "fit")
    with pytest.raises(DataFileError, match=r"holds a PointFit, not a Forecast; read it with PointFit\.load"):
        Forecast.load(folder)
    results["forecast"].save(folder)
    assert (folder / "arrays.nc").is_file()
    (folder / "arrays.nc").write_text("nothing")
    with pytest.raises(DataFileError, match="damaged"):
        Forecast.load(folder)
    (folder / "arrays.nc").unlink()
    with pytest.raises(DataFileError, match=r"lacks the array 'n'"):
        Forecast.load(folder)


def test_counts_saved_before_test_points_were_shared_are_binomial(tmp_path):
    curves = dataclasses.replace(simulated.few_curves(), shared_test_set=None)
    ahead = forecast(floor.fit(curves, method="approximate"), [8000], draws=60)
    folder = ahead.save(tmp_path / "old")
    saved = json.loads((folder / "result.json").read_text())
    assert saved["content"]["fields"]["counts"]["fields"].pop("fresh") is None
    (folder / "result.json").write_text(json.dumps(saved | {"schema_version": 2}))
    seen = np.full((len(ahead.triplets), 1), 0.2)
    np.testing.assert_array_equal(Forecast.load(folder).log_density(seen), ahead.log_density(seen))


def test_arviz_takes_the_draws(results):
    predicted, needed = results["forecast"], results["needed size"]
    draws = predicted.draws
    assert len(az.summary(draws, kind="stats")) == len(predicted.triplets) * 2
    runs = draws.predictions["seed"]
    chosen = runs.where(runs["model"] == "gap", drop=True).sel(size=8000.0)
    assert chosen.sizes["triplet"] == sum(t.model == "gap" for t in predicted.triplets)
    np.testing.assert_array_equal(runs.values[0], predicted.seed_draws)
    low, high = az.hdi(draws, group="predictions")["seed"].values.T
    assert (low <= high).all()
    reached = needed.draws.posterior["reached"].mean(("chain", "draw"))
    np.testing.assert_allclose(1 - reached, needed.probability_never)
    assert az.summary(needed.draws, var_names=["reached"], kind="stats")["mean"].between(0, 1).all()
