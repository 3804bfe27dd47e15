"""CurveFit built from given draws: parameters, errors, effects, sentences, files."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

import curvefit
from curvefit.errors import DataFileError, InvalidInputError, UnknownNameError
from curvefit.fitting.effects import decompose, term_columns
from curvefit.triplet import Triplet


@pytest.fixture(scope="module")
def given(simulated_grid):
    rng = np.random.default_rng(0)
    shape = (300, len(simulated_grid.curves.triplets))
    return curvefit.CurveFit.from_draws(
        simulated_grid.curves,
        exponent=rng.uniform(0.3, 0.6, shape),
        amplitude=rng.uniform(1, 2, shape),
        floor=rng.uniform(0.01, 0.02, shape),
    )


def test_expected_error_reaches_the_asymptote(given):
    n = 1e9
    excess = given.expected_error([n])[..., 0] - given.parameter("floor")
    np.testing.assert_allclose(
        excess, given.parameter("amplitude") * n ** -given.parameter("exponent"), rtol=1e-4
    )
    assert given.expected_error([16, 64]).shape == (300, len(given.triplets), 2)


def test_unknown_chance_gives_the_pure_law(simulated_grid):
    shape = (5, len(simulated_grid.curves.triplets))
    fit = curvefit.CurveFit.from_draws(
        simulated_grid.curves,
        exponent=np.full(shape, 0.5),
        amplitude=np.full(shape, 2.0),
        floor=np.zeros(shape),
        chance=np.nan,
    )
    np.testing.assert_allclose(fit.expected_error([100.0]), 0.2)


def test_effects_of_a_full_grid_are_the_analysis_of_variance():
    triplets = [Triplet(d, m, i) for d in "ab" for m in "pqr" for i in "xy"]
    values = np.random.default_rng(1).normal(size=(4, 12))
    cube = values.reshape(4, 2, 3, 2)
    found = decompose(values, triplets)
    np.testing.assert_allclose(found[()], values.mean(axis=1))
    np.testing.assert_allclose(found[("data",)], cube.mean(axis=(2, 3)) - values.mean(axis=1)[:, None])
    rebuilt = found[()][:, None, None, None] + sum(
        np.expand_dims(v, [1 + k for k, a in enumerate(("data", "model", "inference")) if a not in t])
        for t, v in found.items()
        if t
    )
    np.testing.assert_allclose(rebuilt, cube)


def test_contrast_columns_have_the_zero_sum_covariance():
    index = np.array([(d, m, 0) for d in range(3) for m in range(2)])
    columns, _ = term_columns(index, [3, 2, 1], (0, 1))
    expected = np.kron(np.eye(3) - 1 / 3, np.eye(2) - 1 / 2)
    np.testing.assert_allclose(columns @ columns.T, expected, atol=1e-12)


def test_save_and_load_return_the_same_fit(given, tmp_path):
    again = curvefit.load_fit(given.save(tmp_path / "fit"))
    for name in ("exponent", "amplitude", "floor", "onset"):
        np.testing.assert_array_equal(again.parameter(name), given.parameter(name))
    pd.testing.assert_frame_equal(again.curves.table, given.curves.table)
    assert (again.triplets, again.family, again.settings) == (given.triplets, given.family, given.settings)
    assert again.status.messages == given.status.messages
    assert not list(tmp_path.rglob("*.p*kl"))


def test_fits_of_form_1_are_read(given, tmp_path):
    folder = given.save(tmp_path / "fit")
    text = (folder / "fit.json").read_text()
    old = text.replace('"schema_version": 3', '"schema_version": 1').replace(
        '"dtype": null', '"dtype": "object"'
    )
    assert old.count('"object"') > text.count('"object"')
    (folder / "fit.json").write_text(old)
    again = curvefit.load_fit(folder)
    pd.testing.assert_frame_equal(again.curves.table, given.curves.table, check_dtype=False)


def test_damaged_and_missing_fits_are_named(given, tmp_path):
    with pytest.raises(DataFileError, match="does not exist"):
        curvefit.load_fit(tmp_path / "nothing")
    (tmp_path / "base.csv").touch()
    with pytest.raises(
        DataFileError, match="base.csv is a file; load_fit reads folders .* load_curves reads tables"
    ):
        curvefit.load_fit(tmp_path / "base.csv")
    folder = given.save(tmp_path / "fit")
    content = json.loads((folder / "fit.json").read_text())
    (folder / "fit.json").write_text(json.dumps({**content, "schema_version": 99}))
    with pytest.raises(DataFileError, match="form 99"):
        curvefit.load_fit(folder)
    (folder / "fit.json").write_text("{")
    with pytest.raises(DataFileError, match="damaged"):
        curvefit.load_fit(folder)


@pytest.mark.parametrize("r_hat", [np.nan, np.inf, 1.25])
def test_figures_of_the_status_are_strict_json_and_come_back(given, r_hat, tmp_path):
    status = dataclasses.replace(given.status, max_r_hat=r_hat)
    folder = dataclasses.replace(given, status=status).save(tmp_path / "fit")
    text = (folder / "fit.json").read_text()
    saved = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    np.testing.assert_equal(curvefit.load_fit(folder).status.max_r_hat, r_hat)
    saved["status"]["max_r_hat"] = float("nan")  # as older versions wrote it
    (folder / "fit.json").write_text(json.dumps(saved))
    assert np.isnan(curvefit.load_fit(folder).status.max_r_hat)


def test_bad_draws_and_names_are_refused(given, simulated_grid):
    curves = simulated_grid.curves
    shape = (3, len(curves.triplets))
    with pytest.raises(InvalidInputError, match="expected \\(draws"):
        curvefit.CurveFit.from_draws(
            curves, exponent=np.ones((3, 2)), amplitude=np.ones(shape), floor=np.ones(shape)
        )
    with pytest.raises(InvalidInputError, match="below the chance"):
        curvefit.CurveFit.from_draws(
            curves, exponent=np.ones(shape), amplitude=np.ones(shape), floor=np.ones(shape)
        )
    with pytest.raises(InvalidInputError, match="exponent must be positive"):
        curvefit.CurveFit.from_draws(
            curves, exponent=np.zeros(shape), amplitude=np.ones(shape), floor=np.zeros(shape)
        )
    with pytest.raises(UnknownNameError, match="Did you mean 'exponent'"):
        given.parameter("exponnent")
    with pytest.raises(InvalidInputError, match="positive, finite sizes"):
        given.expected_error([0, 10])
    with pytest.raises(InvalidInputError, match="no model of seed noise"):
        given.noise_sd([10])
    with pytest.raises(InvalidInputError, match="positive, finite sizes"):
        given.noise_sd([0, 10])


def test_the_text_says_status_first(given):
    text = str(given).splitlines()
    assert "converged" in text[0]
    assert text[1].startswith(str(given.triplets[0]))
    assert "90 % interval" in text[1]


def test_walks_go_on_beyond_the_data_each_by_itself_and_alike_for_any_choice_of_curves(given):
    draws, shape = given.draws.copy(), (given.n_chains, given.n_draws // given.n_chains)
    sizes = np.sort(given.curves.usable["n_train"].unique()).astype(float)
    walks = np.zeros((*shape, len(given.triplets), len(sizes)))
    draws["posterior"] = draws["posterior"].assign(
        walk=(("chain", "draw"), np.full(shape, 0.1)),
        walks=(("chain", "draw", "triplet", "walk_size"), walks),
        walk_size=sizes,
    )
    ends = np.full(len(given.triplets), sizes[-1])
    draws["constant_data"] = draws["constant_data"].assign(walk_end=("triplet", ends))
    walking = dataclasses.replace(given, draws=draws, likelihood="logit-gaussian")
    ahead = [sizes[-1] * 16, sizes[0]]
    moved = logit(walking.expected_error(ahead)) - logit(given.expected_error(ahead))
    np.testing.assert_allclose(moved[..., 1], 0.0, atol=1e-12)
    assert moved[..., 0].std() == pytest.approx(0.1 * 2, rel=0.2)  # four doublings
    between = np.corrcoef(moved[..., 0].T) - np.eye(len(given.triplets))
    assert abs(between).max() < 0.25  # 300 draws: standard error 0.06
    np.testing.assert_array_equal(
        walking.expected_error(ahead, at=[3, 1]), walking.expected_error(ahead)[:, [3, 1]]
    )
    np.testing.assert_array_equal(
        walking.expected_error([sizes[-1] * 8, *ahead])[..., 1:], walking.expected_error(ahead)
    )


def test_a_thinned_fit_keeps_every_chain(given):
    thin = given.thinned(50)
    assert (thin.n_draws, thin.n_chains) == (50 // given.n_chains * given.n_chains, given.n_chains)
    assert np.isin(thin.parameter("exponent"), given.parameter("exponent")).all()
    assert given.thinned(10**6).n_draws == given.n_draws
