"""Gains: exponent and amplitude apart, the data multiplier, and the words for them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from curvefit.dimension import data_multiplier, effective_dimension, expect, sensitivity, symmetry_gain
from curvefit.dimension.baselines import baseline_pairs, choose_baseline
from curvefit.dimension.conditioning import given_zero
from curvefit.dimension.expectations import Expectation
from curvefit.dimension.gain import MOST_DRAWS
from curvefit.dimension.pairs import Pair
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.fitting import CurveFit
from tests.dimension.studies import doubtful_study, posterior, power_laws, rotation_study


def test_a_pure_change_of_amplitude_is_a_sample_gain_and_no_dimension_gain() -> None:
    fit = power_laws({"fcn": 0.4, "gap": 0.4}, {"fcn": 6.0**0.4, "gap": 1.0})
    gain = symmetry_gain(fit, "fcn")
    assert gain.dimension_gain == pytest.approx(1)
    assert gain.sample_gain == pytest.approx(6)
    assert gain.shift_if_parallel == pytest.approx(6, rel=1e-3)
    assert gain.slope == pytest.approx(0)
    assert gain.multiplier.multiplier == pytest.approx(6, rel=1e-3)


def test_a_pure_change_of_exponent_is_a_dimension_gain_that_grows_with_accuracy() -> None:
    fit = power_laws({"fcn": 0.25, "gap": 0.5}, {"fcn": 1.0, "gap": 1.0})
    gain = symmetry_gain(fit, "fcn", link="noiseless", levels=[0.2, 0.1], anchor=1.0)
    assert gain.dimension_gain == pytest.approx(2)
    assert gain.sample_gain == pytest.approx(1)
    assert np.isnan(gain.shift_if_parallel).all()
    assert gain.multiplier.multiplier[0, 0] == pytest.approx([0.2**-2, 0.1**-2], rel=1e-3)
    assert gain.slope == pytest.approx(2)
    assert "from 4.0 to 2.0" in str(gain)


def test_the_multiplier_knows_where_it_interpolates_and_what_is_out_of_reach() -> None:
    fit = power_laws({"fcn": 0.5, "gap": 0.5}, {"fcn": 1.0, "gap": 0.7}, floors={"fcn": 0.05, "gap": 0.0})
    multiplier = data_multiplier(fit, "fcn", levels=[0.085, 0.07, 0.03])
    assert multiplier.within[0].tolist() == [True, False, False]
    assert np.isinf(multiplier.multiplier[:, 0, 2]).all()
    table = multiplier.summary()
    assert table["reached"].tolist() == [1, 1, 0]
    assert table["p_gain"].tolist() == [1, 1, 1]


def test_a_multiplier_prints_a_sentence_per_pair() -> None:
    fit = power_laws(
        {"fcn": 0.5, "gap": 0.5, "vec": 0.5},
        {"fcn": 1.0, "gap": 0.7, "vec": 0.01},
        floors={"fcn": 0.05, "gap": 0.0, "vec": 0.0},
    )
    sentences = str(data_multiplier(fit, "fcn")).splitlines()
    assert len(sentences) == 2
    assert "the baseline needs " in sentences[0]
    assert sentences[0].endswith("times the examples (P(more) = 1.00).")
    assert "extrapolated: the measured curves share no error" in sentences[1]
    (one,) = str(data_multiplier(fit, "fcn", levels=[0.03])).splitlines()[:1]
    assert "needs beyond measure" in one
    assert "both reach it in 0% of draws" in one


def test_curves_without_a_common_error_say_so() -> None:
    fit = power_laws({"fcn": 0.5, "gap": 0.5}, {"fcn": 10.0, "gap": 0.1})
    gain = symmetry_gain(fit, "fcn")
    assert not gain.multiplier.within.any()
    assert "extrapolated" in str(gain)


def test_draws_that_never_reach_a_level_count_as_infinite() -> None:
    floors = np.linspace(0.0, 0.1, 101)
    one = power_laws({"fcn": 0.5, "gap": 0.5}, {"fcn": 1.0, "gap": 0.7})
    floor = np.column_stack([floors, np.zeros(101)])
    fit = CurveFit.from_draws(
        one.curves, exponent=np.full((101, 2), 0.5), amplitude=np.tile([1.0, 0.7], (101, 1)), floor=floor
    )
    row = data_multiplier(fit, "fcn", levels=[0.085]).summary().iloc[0]
    assert row["reached"] == pytest.approx(0.84, abs=0.02)
    assert np.isinf(row["multiplier_high"])
    assert np.isfinite(row["multiplier"])
    assert row["p_gain"] == 1
    assert "to beyond measure)" in symmetry_gain(fit, "fcn", levels=[0.085]).sentences()[0]


def test_a_family_without_a_power_law_has_no_dimension() -> None:
    fit = dataclasses.replace(power_laws({"fcn": 0.5, "gap": 0.5}, {"fcn": 1.0, "gap": 0.7}), family="wbl4")
    del fit.draws.posterior["amplitude"]
    for measure in (effective_dimension, symmetry_gain):
        with pytest.raises(InvalidInputError, match=r"'wbl4' has no power law.*power-law"):
            measure(fit)


def test_draws_given_zero() -> None:
    rng = np.random.default_rng(0)
    condition = 0.1 + 0.2 * rng.standard_normal(4000)
    quantity = 1 + 3 * condition + 0.01 * rng.standard_normal(4000)
    adjusted = given_zero(quantity, condition)
    assert adjusted.mean() == pytest.approx(1, abs=0.01)
    assert adjusted.std() < 0.02
    assert np.isnan(given_zero(quantity, condition + 5)).all()


def test_of_a_long_fit_some_draws_are_followed() -> None:
    long = posterior(rotation_study(), draws=3 * MOST_DRAWS)
    gain = symmetry_gain(long, "fcn")
    assert len(gain.dimension_gain) == len(gain.multiplier.multiplier) == gain.fit.n_draws == MOST_DRAWS
    assert gain.fit.status == long.status
    few, many = gain.summary(), symmetry_gain(long.thinned(MOST_DRAWS), "fcn").summary()
    assert few.equals(many)


def test_gains_of_a_study_against_a_model_and_against_a_rotation() -> None:
    fit = posterior(rotation_study())
    by_model = symmetry_gain(fit, "fcn").summary().set_index("aligned")
    row = by_model.loc["shifted trivial | gap | sgd"]
    assert row["dimension_gain_low"] < 5 / 3 < row["dimension_gain_high"]
    assert row["p_dimension_gain"] > 0.99
    assert row["p_sample_same"] > 0.9
    assert row["theory"] == "finite-group-and-fewer-copies"
    by_vec = symmetry_gain(fit, "vec").summary().set_index("aligned")
    assert by_vec.loc["shifted trivial | gap | sgd", "theory"] == "finite-group"
    assert by_vec.loc["shifted trivial | gap | sgd", "theory_sample_gain"] == "tends to 49"
    assert by_model.loc["shifted o-cp | gap | sgd", "theory"] == "wrong-group"
    by_rotation = symmetry_gain(fit, "o-cp").summary().set_index("aligned")
    assert by_rotation.loc["shifted trivial | fcn | sgd", "theory"] == "same-curve"
    assert by_rotation.loc["shifted trivial | gap | sgd", "theory"] == "lost-alignment"
    assert by_rotation.loc["shifted trivial | gap | sgd", "p_dimension_gain"] > 0.99
    same = by_rotation.loc["shifted trivial | fcn | sgd"]
    assert same["dimension_gain_low"] < 1 < same["dimension_gain_high"]


def test_the_floor_share_rises_when_floor_and_exponent_go_together() -> None:
    fit = posterior(rotation_study())
    floor = fit.parameter("floor")
    tied = CurveFit.from_draws(
        fit.curves, exponent=0.4 * (floor / 0.05) ** 2, amplitude=fit.parameter("amplitude"), floor=floor
    )
    shares = [symmetry_gain(f, "fcn").summary()["floor_share"] for f in (fit, tied)]
    assert (shares[0] < 0.1).all()
    assert (shares[1] > 0.9).all()


def test_effective_dimension_relative_and_absolute() -> None:
    fit = power_laws({"fcn": 0.25, "gap": 0.5}, {"fcn": 1.0, "gap": 1.0})
    assert effective_dimension(fit, baseline="fcn").dimension[0] == pytest.approx([1, 0.5])
    assert effective_dimension(fit).dimension[0] == pytest.approx([2**0.5, 0.5**0.5])
    absolute = effective_dimension(fit, "noiseless")
    assert absolute.dimension[0] == pytest.approx([4, 2])
    assert "exponent = 1/d" in str(absolute)
    assert symmetry_gain(absolute, "fcn").link.name == "noiseless"
    assert symmetry_gain(absolute, "fcn").dimension_gain == pytest.approx(2)
    noisy = effective_dimension(power_laws({"a": 1.5, "b": 0.5}, {"a": 1.0, "b": 1.0}), "noisy")
    assert noisy.summary()["defined"].tolist() == [0, 1]
    assert any("50%" in sentence for sentence in noisy.assumptions)
    with pytest.raises(
        InvalidInputError, match="link 'noiseless' gives dimensions.*leave out baseline='fcn'"
    ):
        effective_dimension(fit, "noiseless", baseline="fcn")


def test_draws_without_a_dimension_count_against_every_claim() -> None:
    rng = np.random.default_rng(0)
    facts = {"shape": (1, 3, 2), "data_symmetry": "o-c-tail-1", "model_symmetry": "o-c-per-pixel"}
    facts |= {"function_symmetry": ["trivial", "o-c-tail-1"]}
    for fast, aligned in ((0.5, 1.10), (1.10, 0.95)):
        one = _with_facts(power_laws({"fcn": fast, "gap": aligned}, {"fcn": 1.0, "gap": 1.0}), **facts)
        exponent = np.array([fast, aligned]) * np.exp([0.03, 0.05] * rng.standard_normal((2000, 2)))
        ones = np.ones_like(exponent)
        fit = CurveFit.from_draws(one.curves, exponent=exponent, amplitude=ones, floor=0 * ones)
        gain = symmetry_gain(fit, "fcn", link={"name": "noisy", "smoothness": 1.0})
        row, (sentence,) = gain.summary().iloc[0], gain.sentences()
        defined = (exponent < 1).all(axis=1).mean()
        assert 0 < defined < 0.2
        assert row["defined"] == pytest.approx(defined)
        assert max(row["p_dimension_gain"], row["p_dimension_same"]) <= defined
        assert row["theory"] == "continuous-group"
        assert row["agreement"] == "open"
        assert "is not shown to change the effective dimension" in sentence
        assert f"{1 - defined:.1%} of the draws have no dimension through this link" in sentence
        assert gain.overview().loc[0, "defined"] == round(defined, 2)
    assert symmetry_gain(fit, "fcn").summary().loc[0, "defined"] == 1


def _with_facts(fit: CurveFit, **facts: object) -> CurveFit:
    known = {"shape": (7, 7, 16), "data_symmetry": "trivial", "model_symmetry": "o-c-shared", **facts}
    columns = {name: value if isinstance(value, list) else [value] * 2 for name, value in known.items()}
    curves = dataclasses.replace(fit.curves, facts=fit.curves.facts.assign(**columns))
    return dataclasses.replace(fit, curves=curves)


def test_a_wrong_group_is_reported_as_such() -> None:
    fit = power_laws({"vec": 0.5, "gap": 0.5}, {"vec": 1.0, "gap": 1.0}, floors={"vec": 0.0, "gap": 0.05})
    gain = symmetry_gain(_with_facts(fit, function_symmetry=["trivial", "cyclic-shifts"]), "vec")
    (sentence,) = gain.sentences()
    assert gain.summary().loc[0, "theory"] == "wrong-group"
    assert gain.summary().loc[0, "agreement"] == "allowed"
    assert "task | gap | kernel against vec: cyclic-shifts, which this data is not known to have," in sentence
    assert "higher, a plateau" in sentence
    assert "at the cost of a factor" in sentence or "only one of the two reaches" in sentence


def test_the_sentence_gives_dimensions_probabilities_range_and_theory() -> None:
    facts = {"data_symmetry": "cyclic-shifts", "function_symmetry": ["trivial", "cyclic-shifts"]}
    fit = _with_facts(power_laws({"vec": 0.25, "gap": 0.5}, {"vec": 1.0, "gap": 1.0}), **facts)
    (sentence,) = symmetry_gain(fit, "vec", link="noiseless", levels=[0.2]).sentences()
    assert sentence.startswith(
        "task | gap | kernel against vec: alignment lowers the effective dimension from 4.0 to 2.0 "
        "(4.0 to 4.0 -> 2.0 to 2.0) [P(lower) = 1.00, P(same within a factor 1.1) = 0.00], worth a factor 25 (25 to 25) in "
        "data at mse 0.20 (extrapolated"
    )
    assert sentence.endswith(
        "theory of cyclic-shifts: dimension unchanged, sample gain tends to 49 (allowed)."
    )
    same = _with_facts(power_laws({"vec": 0.5, "gap": 0.5}, {"vec": 2.0, "gap": 1.0}), **facts)
    gain = symmetry_gain(same, "vec")
    assert "alignment leaves the effective dimension as it is, a factor 1" in gain.sentences()[0]
    assert gain.agreement(0) == "confirmed"
    assert not gain.sample_within.all() or "sample gain" in gain.sentences()[0]


@pytest.mark.parametrize(
    ("kind", "factor", "word"),
    [
        ("same-curve", 1.0, "confirmed"),
        ("same-curve", 1.5, "contradicted"),
        ("finite-group", 1.0, "confirmed"),
        ("finite-group", 1.5, "allowed"),
        ("finite-group", 0.6, "contradicted"),
        ("continuous-group", 2.0, "confirmed"),
        ("continuous-group", 1.0, "contradicted"),
        ("continuous-group-and-fewer-copies", 2.0, "confirmed"),
        ("continuous-group-and-fewer-copies", 1.0, "contradicted"),
        ("wrong-group", 0.5, "allowed"),
        ("wrong-group", 1.5, "allowed"),
        ("wrong-group-of-baseline", 1.5, "allowed"),
        ("wrong-group-of-baseline", 1.0, "allowed"),
        ("lost-alignment", 1.5, "allowed"),
        ("lost-alignment", 1.0, "allowed"),
        ("unknown", 2.0, "open"),
    ],
)
def test_agreement_with_theory(kind: str, factor: float, word: str) -> None:
    theory = Expectation(
        kind, order=6 if kind == "finite-group" else None, orbit_dimension=2 * (kind[:2] == "co")
    )
    draws = factor * np.exp(0.01 * np.random.default_rng(0).standard_normal(500))
    assert theory.agreement(draws, np.zeros(500)) == word
    wide = factor * np.exp(1.5 * np.random.default_rng(0).standard_normal(500))
    assert theory.agreement(wide, np.zeros(500)) == "open"


def test_expectations_from_facts() -> None:
    curves = rotation_study(seeds=1)
    triplet = {(t.data, t.model): t for t in curves.triplets}
    fcn, vec, gap = (triplet["plain trivial", m] for m in ("fcn", "vec", "gap"))
    assert expect(curves, Pair(fcn, vec)).kind == "fewer-copies"
    assert expect(curves, Pair(vec, gap)).kind == "wrong-group"
    assert expect(curves, Pair(fcn, fcn._replace(data="shifted trivial"))).kind == "unknown"
    with pytest.raises(InvalidInputError, match="order"):
        Expectation("finite-group")
    with pytest.raises(InvalidInputError, match="orbits"):
        Expectation("continuous-group")


def test_the_baseline_is_what_the_curves_suggest() -> None:
    study = rotation_study()
    assert choose_baseline(study, study.triplets) == (
        "fcn",
        "compared with 'fcn', the model with the largest symmetry group here.",
    )
    renamed = dataclasses.replace(
        study,
        table=study.table.replace({"model": {"fcn": "dense"}}),
        facts=study.facts.replace({"model": {"fcn": "dense"}}),
    )
    assert choose_baseline(renamed, renamed.triplets)[0] == "dense"
    gain = symmetry_gain(posterior(renamed))
    assert {pair.baseline.model for pair in gain.pairs} == {"dense"}
    assert "compared with 'dense'" in gain.assumptions[0]
    alone = study.select(model="vec")
    assert choose_baseline(alone, alone.triplets)[0] == "o-cp"
    named = power_laws({"fcn": 0.25, "gap": 0.5}, {"fcn": 1.0, "gap": 1.0})
    assert "by its name" in choose_baseline(named.curves, named.triplets)[1]
    even = study.select(model=["vec", "gap"], data="plain trivial")
    with pytest.raises(
        InvalidInputError,
        match=r"name one with baseline= \(on the command line: --baseline\): model 'vec' or 'gap'",
    ):
        choose_baseline(even, even.triplets)
    lone = study.select(model="vec", data="plain trivial")
    with pytest.raises(InvalidInputError, match="there is one triplet"):
        choose_baseline(lone, lone.triplets)


def test_a_given_reference_reaches_the_choice_of_the_baseline() -> None:
    """Labels and facts leave open whose transform C and D are: each call that asks for `reference` heeds it."""
    curves = doubtful_study().select(model="vec")
    fit, reference = posterior(curves), {"C": "A", "D": "B"}
    for call in (symmetry_gain, data_multiplier, sensitivity):
        with pytest.raises(InvalidInputError, match="say which by reference="):
            call(fit)
    assert choose_baseline(curves, curves.triplets, reference=reference)[0] == "o-cp"
    for pairs in (
        baseline_pairs(curves, curves.triplets, reference=reference),
        symmetry_gain(fit, reference=reference).pairs,
        data_multiplier(fit, reference=reference).pairs,
    ):
        assert [(pair.baseline.data, pair.aligned.data) for pair in pairs] == [("C", "A"), ("D", "B")]
    varied = sensitivity(
        fit, families=[], links=[], dropped_sizes=0, leave_out_data=False, reference=reference
    )
    assert list(varied.table["pair"]) == [str(pair) for pair in pairs]


def test_mistakes_are_named() -> None:
    fit = power_laws({"fcn": 0.25, "gap": 0.5}, {"fcn": 1.0, "gap": 1.0})
    with pytest.raises(UnknownNameError, match="Did you mean 'fcn'"):
        symmetry_gain(fit, "fnc")
    with pytest.raises(InvalidInputError, match="no triplet has a counterpart"):
        baseline_pairs(fit.curves, fit.triplets, baseline="task")
    with pytest.raises(InvalidInputError, match="positive"):
        data_multiplier(fit, "fcn", levels=[-1])
