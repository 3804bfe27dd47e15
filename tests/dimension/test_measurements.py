"""Ruler, spectrum, replicate fit and sensitivity against known truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from curvefit.curves import LearningCurves
from curvefit.dimension import (
    KernelMeasures,
    Pair,
    Sensitivity,
    calibrate_ruler,
    effective_dimension,
    fit_replicates,
    measure_kernel,
    ruler_error,
    ruler_from_fit,
    sensitivity,
    symmetry_gain,
)
from curvefit.dimension.ruler import falling
from curvefit.errors import FitError, InvalidInputError
from curvefit.fitting import CurveFit
from tests.dimension.studies import posterior, power_laws, rotation_study


def _teachers(dimensions, spread: float = 0.03, draws: int = 500) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.exp(np.log(1.3 / np.array(dimensions)) + spread * rng.standard_normal((draws, len(dimensions))))


def test_a_ruler_measures_a_dimension_it_has_not_seen() -> None:
    ruler = calibrate_ruler([1, 2, 4, 6], _teachers([1, 2, 4, 6]))
    measured = ruler.measure(_teachers([3])[:, 0])
    low, high = np.quantile(measured, [0.05, 0.95])
    assert low < 3 < high
    assert high / low < 1.6
    assert "task of dimension 3." in ruler.describe(_teachers([3])[:, 0])


def test_a_ruler_claims_nothing_beyond_its_ends() -> None:
    ruler = calibrate_ruler([1, 2, 4], _teachers([1, 2, 4]))
    assert np.isposinf(ruler.measure(np.full(50, 0.05))).all()
    assert np.isneginf(ruler.measure(np.full(50, 9.0))).all()
    assert "above 4.0, where the ruler ends" in ruler.describe(np.full(50, 0.05))


def test_a_ruler_is_a_link() -> None:
    ruler = calibrate_ruler([1, 2, 4, 6], _teachers([1, 2, 4, 6]))
    fit = power_laws({"fcn": 1.3 / 4, "gap": 1.3 / 2, "far": 0.01}, dict.fromkeys(("fcn", "gap", "far"), 1.0))
    measured = effective_dimension(fit, ruler)
    assert measured.dimension[0, :2] == pytest.approx([4, 2], rel=0.15)
    assert np.isnan(measured.dimension[:, 2]).all()
    assert "read backwards" in str(measured)
    assert any("no dimension through this link" in sentence for sentence in measured.assumptions)
    gain = symmetry_gain(fit, "fcn", link=ruler)
    assert gain.dimension_gain[:, 0] == pytest.approx(2, rel=0.3)
    assert "from 4.0 to 2.0" in gain.sentences()[0]


def test_disagreeing_teachers_widen_the_ruler() -> None:
    agreeing = np.array([[1.0, 1.0, 0.25, 0.25]])
    disagreeing = np.array([[1.2, 0.8, 0.3, 0.2]])
    widths = [
        np.ptp(np.quantile(calibrate_ruler([1, 1, 4, 4], e).measure(np.full(500, 0.5)), [0.05, 0.95]))
        for e in (agreeing, disagreeing)
    ]
    assert widths[1] > widths[0] + 0.1


def test_violators_are_pooled() -> None:
    assert falling(np.array([3.0, 1.0, 2.0, 0.5]), np.array([1.0, 3.0, 1.0, 1.0])) == pytest.approx(
        [3, 1.25, 1.25, 0.5]
    )
    ruler = calibrate_ruler([1, 2, 3], np.array([[1.0, 0.4, 0.5]]))
    assert (np.diff(ruler.log_exponents, axis=1) <= 1e-12).all()
    assert np.isfinite(ruler.measure(np.full(100, 0.6))).all()


def test_a_ruler_knows_its_error() -> None:
    errors = ruler_error([1, 2, 3, 4, 6], _teachers([1, 2, 3, 4, 6]))
    assert errors["dimension"].tolist() == [2, 3, 4]
    assert errors["log_error"].abs().max() < 0.15


def test_rulers_come_from_facts_and_refuse_too_few_teachers() -> None:
    fit = posterior(rotation_study(seeds=1))
    with pytest.raises(InvalidInputError, match="two known dimensions"):
        ruler_from_fit(fit, model="fcn", inference="sgd")
    fit.curves.facts["dimension"] = [float(1 + i // 3) for i in range(12)]
    assert ruler_from_fit(fit, model="fcn", inference="sgd").dimensions.tolist() == [1, 2, 3, 4]
    with pytest.raises(InvalidInputError, match="two dimensions or more"):
        calibrate_ruler([2, 2], _teachers([2, 2]))


def _kernel(a: float, b: float, n: int = 600) -> KernelMeasures:
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    modes = np.arange(1, n + 1.0)
    gram = (basis * (n * modes**-a)) @ basis.T
    target = basis @ (rng.choice([-1, 1], n) * np.sqrt(n * modes**-b))
    return measure_kernel((gram + gram.T) / 2, target, n_train=[20, 50, 200])


def test_a_kernel_predicts_exponent_and_dimension() -> None:
    measured = _kernel(1.5, 2.0)
    assert measured.exponents.capacity == pytest.approx(1.5, abs=0.02)
    assert measured.exponents.exponent == pytest.approx(1.0, abs=0.15)
    middle, low, high = measured.dimension
    assert low <= middle <= high
    assert middle == pytest.approx(1.0, abs=0.15)
    assert "through link noiseless" in str(measured)


def test_learned_power_grows_with_the_learnable_modes() -> None:
    measured = _kernel(1.5, 1.8)
    assert (np.diff(measured.summary()["learnable"]) > 0).all()
    assert (measured.learnable <= measured.n_train + 1e-6).all()
    assert (np.diff(measured.learned) > 0).all()
    assert 0.5 < measured.learned[0] < measured.learned[-1] <= 1
    eigenvalues = np.arange(1, 601.0) ** -1.5
    assert measured.participation == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


def _corrected_curves(exponent: float, correction: float, replicates: int = 6) -> LearningCurves:
    rng = np.random.default_rng(3)
    sizes = 2 ** np.arange(6, 12)
    rows = [
        {"data": "t", "model": "m", "inference": "k", "n_train": n, "seed": s, "chance_error": 1.0,
         "value": np.exp(level + 0.02 * rng.standard_normal()) / (n**exponent + correction)}
        for s in range(replicates) for level in [0.2 * rng.standard_normal()] for n in sizes
    ]  # fmt: skip
    return LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))


@pytest.mark.parametrize("exponent", [0.25, 0.5, 1.0])
def test_the_correction_finds_the_exponent_a_pure_power_law_misses(exponent: float) -> None:
    curves = _corrected_curves(exponent, correction=0.7)
    low, high = np.quantile(fit_replicates(curves).parameter("exponent")[:, 0], [0.05, 0.95])
    assert low < exponent < high
    pure = fit_replicates(curves, correction=False).parameter("exponent")[:, 0]
    assert np.median(pure) < exponent


@pytest.mark.parametrize("replicates", [2, 3])
def test_few_replicates_are_enough_for_wide_intervals(replicates: int) -> None:
    """40 intervals of nominal 90 %; fewer than 31 inside has probability 0.006 if they were just right."""
    rng = np.random.default_rng(0)
    rows = [
        {"data": f"t{k}", "model": model, "inference": "k", "n_train": n, "seed": s, "chance_error": 1.0,
         "value": 1.5 * n**-exponent * np.exp(0.08 * rng.standard_normal())}
        for k in range(20) for model, exponent in (("fcn", 0.25), ("gap", 0.5))
        for n in 32 * 2 ** np.arange(5) for s in range(replicates)
    ]  # fmt: skip
    curves = LearningCurves.from_frame(pd.DataFrame(rows).assign(metric="mse"))
    fit = fit_replicates(curves, correction=False)
    assert all(np.isfinite(np.log(fit.parameter(name))).all() for name in ("exponent", "amplitude"))
    low, high = np.quantile(fit.parameter("exponent"), [0.05, 0.95], axis=0)
    truth = np.array([0.25 if t.model == "fcn" else 0.5 for t in fit.triplets])
    assert ((low < truth) & (truth < high)).mean() >= 31 / 40
    gains = symmetry_gain(fit, pairs=[Pair(*fit.triplets[:2])]).summary()
    assert gains.loc[0, "dimension_gain_low"] < 2 < gains.loc[0, "dimension_gain_high"]


def test_replicate_fits_need_replicates() -> None:
    with pytest.raises(InvalidInputError, match=r"1 complete replicate"):
        fit_replicates(_corrected_curves(0.5, 0.5, replicates=1))


def test_a_plateau_is_no_power_law_without_a_floor():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        [
            {"n_train": n, "seed": seed, "value": 0.5 * np.exp(0.05 * rng.normal())}
            for n in (16, 32, 64, 128)
            for seed in range(4)
        ]
    )
    with pytest.raises(FitError, match="plateau"):
        fit_replicates(LearningCurves.from_frame(frame, metric="mse"))


def test_sensitivity_repeats_the_analysis_and_keeps_failures() -> None:
    curves = _corrected_curves(0.5, 0.5)
    second = _corrected_curves(0.25, 0.5).table.assign(model="fcn")
    both = LearningCurves.from_frame(pd.concat([curves.table, second]).drop(columns=["flag", "status"]))

    def refit(changed: LearningCurves, family: str):
        if family == "hopeless":
            raise FitError("nothing came out")
        return fit_replicates(changed)

    found = sensitivity(fit_replicates(both), "fcn", families=["hopeless"], links=["noisy"], refit=refit)
    table = found.table.set_index("variant")
    assert table["kind"].tolist() == ["as fitted", "link", "sizes", "sizes", "family"]
    assert table.loc["family hopeless", "status"] == "nothing came out"
    measured = table.drop(index=["family hopeless", "link noisy"])
    assert measured["dimension_gain"].between(1.5, 2.7).all()
    smallest = table.loc["n_train >= 256"]
    assert smallest["dimension_gain_low"] < 2 < smallest["dimension_gain_high"]
    assert found.summary().columns.tolist() == ["variant", "t | m | k against fcn", "status"]
    assert "a lower dimension is established under all of them" in found.sentences()[0]
    assert "family hopeless: nothing came out" in str(found)
    assert str(found).startswith("converged")


def test_a_gain_that_few_draws_have_is_no_higher_dimension() -> None:
    one = power_laws({"fcn": 0.5, "gap": 1.1}, {"fcn": 1.0, "gap": 1.0})
    exponent = np.tile([0.5, 1.1], (100, 1))
    exponent[:3, 1] = 0.9
    ones = np.ones_like(exponent)
    fit = CurveFit.from_draws(one.curves, exponent=exponent, amplitude=ones, floor=0 * ones)
    found = sensitivity(fit, "fcn", families=[], links=["noisy"], dropped_sizes=0)
    assert found.table["p_dimension_gain"].tolist() == [1, 0.03]
    assert found.table["p_dimension_loss"].tolist() == [0, 0]
    assert "a lower dimension is established as fitted, but not under link noisy" in found.sentences()[0]


def test_equal_exponents_establish_no_higher_dimension() -> None:
    fit = power_laws({"fcn": 0.5, "gap": 0.5}, {"fcn": 1.0, "gap": 1.0})
    found = sensitivity(fit, "fcn", families=[], links=["noisy"], dropped_sizes=0)
    assert "no change is established under all of them" in found.sentences()[0]


def test_a_claim_that_hangs_on_one_variant_is_named() -> None:
    rows = [
        {"kind": "as fitted", "variant": "as fitted", "p_dimension_gain": 0.99, "dimension_gain": 1.5},
        {"kind": "sizes", "variant": "n_train >= 64", "p_dimension_gain": 0.7, "dimension_gain": 1.1},
    ]
    bounds = {"dimension_gain_low": 0.9, "dimension_gain_high": 1.9, "pair": "a against b", "status": "ok"}
    bounds["p_dimension_loss"] = 0.01
    (sentence,) = Sensitivity(pd.DataFrame([row | bounds for row in rows]), "converged").sentences()
    assert "medians 1.1 (n_train >= 64) to 1.5 (as fitted) over 1 variants" in sentence
    assert "established as fitted, but not under n_train >= 64 (1.1 (0.9 to 1.9))" in sentence
