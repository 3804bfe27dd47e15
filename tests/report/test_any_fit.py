"""Reports of any fit: of draws made elsewhere, of families without a power law, with intervals of any mass."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import curvefit
from curvefit.cli import main
from curvefit.curves import LearningCurves
from curvefit.dimension import fit_replicates, invariance_table
from curvefit.errors import InvalidInputError
from curvefit.fitting import CurveFit
from curvefit.report import build_report, cross_check, write_report
from curvefit.report.gains import gain_frame, gains_of
from curvefit.report.methods import methods_of, settings_of
from tests import simulated


def fitted(family: str) -> CurveFit:
    mpl.use("Agg")
    return curvefit.fit(
        simulated.few_curves(), family=family, method="approximate", pooling="none", discrepancy="none"
    )


@pytest.fixture(scope="module")
def power_law():
    return fitted("power-law")


def replicate_fit() -> CurveFit:
    rows = [
        {"data": "d", "model": m, "n_train": n, "seed": s, "value": n**-0.5 * (1 + 0.01 * s), "metric": "mse"}
        for m in ("a", "b")
        for n in (16, 32, 64, 128, 256)
        for s in range(4)
    ]
    return fit_replicates(LearningCurves.from_frame(pd.DataFrame(rows)), draws=50)


def given_draws() -> CurveFit:
    curves = simulated.few_curves()
    ones = np.ones((20, len(curves.triplets)))
    return CurveFit.from_draws(
        curves, exponent=0.4 * ones, amplitude=ones, floor=0.1 * ones, likelihood="somebody else's posterior"
    )


@pytest.mark.parametrize("make", [replicate_fit, given_draws])
def test_draws_made_elsewhere_are_not_said_to_be_sampled_here(make):
    fit = make()
    words, settings = " ".join(methods_of(fit)), settings_of(fit)
    assert f"not sampled here ({fit.likelihood})" in words
    assert "NUTS" not in words
    assert "Pooling is" not in words
    assert settings["draws"] == fit.likelihood
    assert not [name for name in settings if name.startswith("prior") or name in ("sampler", "chains")]


def test_a_fit_that_was_sampled_tells_its_settings(power_law):
    assert "normal approximation" in " ".join(methods_of(power_law))
    assert "sampler" in settings_of(power_law)
    assert any(name.startswith("prior: ") for name in settings_of(power_law))


@pytest.mark.parametrize("family", ["wbl4", "exponential"])
def test_a_family_without_a_power_law_is_reported_without_exponents(family, tmp_path):
    fit = fitted(family)
    assert not fit.has_power_law
    text = write_report(fit, tmp_path / "report.md").read_text()
    assert "## Parameters" in text
    assert "## Exponents" not in text
    assert "n^-exponent" not in text
    assert "least squares" not in text
    assert "learns fastest" not in text
    assert "| onset | floor | error at largest n |" in text
    assert invariance_table(fit)["exponent_ratio"].isna().all()
    assert list(gains_of(fit)) == []
    with pytest.raises(InvalidInputError, match="has no power law at large sizes"):
        cross_check(fit)


def test_the_command_cross_checks_no_exponent_of_another_law(tmp_path, capsys):
    simulated.own_curves().to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(SystemExit):
        main(["fit", str(tmp_path / "own.csv"), "--family", "wbl4", "--method", "approximate", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["cross_check"] == ""
    assert "least_squares_exponent" not in said["curves"][0]


def test_all_intervals_of_a_report_have_the_mass_that_was_asked_for(power_law, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        "curvefit.report.figures.render",
        lambda key, draw, *, caption: drawn.update({key: (draw, caption)}),
    )
    report = build_report(power_law, probability=0.5)
    frames = {table.key: table.frame for table in report.tables}
    half = invariance_table(power_law, probability=0.5)
    np.testing.assert_allclose(frames["invariance"]["error_ratio_low"], half["error_ratio_low"])
    (gain,) = [gain for name, gain in gains_of(power_law) if name == "fcn"]
    expected = gain_frame(gain, "fcn", probability=0.5)["multiplier_high"]
    np.testing.assert_allclose(sorted(frames["gains-fcn"]["multiplier_high"]), sorted(expected))
    for key in ("predictions", "multiplier-fcn"):
        assert drawn[key][0].keywords == {"probability": 0.5}
    assert drawn["local-slopes"][0].args[0].probability == 0.5
    told = [caption for _, caption in drawn.values()] + [table.caption for table in report.tables]
    assert not [text for text in told if "90" in text]
    for key in ("predictions", "multiplier-fcn", "local-slopes", "dimension-fcn", "curves-1"):
        assert "50%" in drawn[key][1], key
    assert all("50%" in table.caption for table in report.tables)


def test_the_multiplier_of_a_gain_is_the_same_wherever_it_is_told(small_fit):
    (gain,) = [gain for name, gain in gains_of(small_fit) if name == "fcn"]
    known = gain.multiplier.summary()
    levels = gain.multiplier.levels.shape[1]
    central = [i * levels + gain.multiplier.central(i) for i in range(len(gain.pairs))]
    names = ["multiplier", "multiplier_low", "multiplier_high"]
    np.testing.assert_array_equal(gain_frame(gain, "fcn")[names], known.loc[central, names])
