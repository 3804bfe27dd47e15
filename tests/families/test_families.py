"""The contract of every registered family, and what is special about each."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import curvefit
from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.families import FAMILIES, AbstractFamily, get_family
from curvefit.families.abstract import EXPONENT, FLOOR
from curvefit.families.shape_prior import EXPONENT_PRIOR
from curvefit.fitting import point_fit
from curvefit.fitting.forecast_shapes import get_shape
from tests import simulated

SIZES = np.geomspace(8, 1e6, 25)
NAMES = FAMILIES.names()


def typical(family: AbstractFamily) -> dict[str, float]:
    """Return natural parameters at the centre of the priors, with chance .9 as unit."""
    return {s.name: float(s.constrain(s.prior[0], 0.9)) for s in family.parameters}


@pytest.mark.parametrize("name", NAMES)
def test_error_never_rises_and_stays_positive(name):
    family = get_family(name)
    error = family.error(SIZES, chance=0.9, **typical(family))
    assert (np.diff(error) <= 1e-12).all()
    assert (error > 0).all()
    if family.needs_chance:
        assert error[0] <= 0.9
        assert family.error(1e-9, chance=0.9, **typical(family)) == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_pytensor_agrees_with_numpy(name):
    import pytensor.tensor as pt

    family = get_family(name)
    values = typical(family)
    symbolic = family.formula(
        pt, pt.as_tensor(SIZES), chance=pt.as_tensor(0.9), **{k: pt.as_tensor(v) for k, v in values.items()}
    )
    np.testing.assert_allclose(
        symbolic.eval(mode="FAST_COMPILE"), family.error(SIZES, chance=0.9, **values), rtol=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_constrain_inverts_unconstrain(name):
    for spec in get_family(name).parameters:
        natural = spec.constrain(np.array([-2.0, 0.3]), 0.7)
        np.testing.assert_allclose(spec.unconstrain(natural, 0.7), [-2.0, 0.3], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_rescaling_sizes_is_the_same_curve(name):
    family = get_family(name)
    values = typical(family)
    rescaled = family.rescale_sizes(values, 1000.0)
    before = family.error(SIZES, chance=0.9, **values)
    np.testing.assert_allclose(family.error(SIZES * 1000, chance=0.9, **rescaled), before, rtol=1e-10)


@pytest.mark.parametrize(
    "name", [n for n in NAMES if get_family(n).amplitude(chance=0.9, **typical(get_family(n))) is not None]
)
def test_amplitude_is_the_limit(name):
    family = get_family(name)
    values = typical(family)
    n = 1e14
    excess = family.error(n, chance=0.9, **values) - values["floor"]
    limit = family.amplitude(chance=0.9, **values) * n ** -values["exponent"]
    assert excess == pytest.approx(limit, rel=2e-3)


@pytest.mark.parametrize("name", [n for n in NAMES if get_family(n).shape_priors])
def test_a_shape_falls_from_one_to_nothing(name):
    shape = get_shape(name)
    at_the_median = shape.natural(np.zeros((1, len(shape.priors))), SIZES)
    found = shape.evaluate(np.r_[1e-9, SIZES, 1e30], at_the_median)[0]
    assert found[0] == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(found) <= 0).all()
    assert found[-1] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_families_that_start_at_chance_have_a_shape_and_others_say_that_they_have_none(name):
    if get_family(name).needs_chance and not get_family(name).constant:
        assert get_shape(name).family == name
    else:
        with pytest.raises(InvalidInputError, match=f"{name!r} has no shape priors, so point fits and forec"):
            get_shape(name)


def test_m4_solves_its_equation():
    for saturation in (0.2, 1.0, 4.0):
        error = get_family("m4").error(
            SIZES, chance=0.9, exponent=0.7, onset=60.0, floor=0.02, saturation=saturation
        )
        h = (error - 0.02) / 0.88
        np.testing.assert_allclose(
            np.log(h) - saturation * np.log1p(-h), -0.7 * np.log(SIZES / 60), atol=1e-9
        )


def test_a_formula_that_disagrees_with_its_table_is_refused():
    with pytest.raises(InvalidInputError, match="its table declares"):

        class Wrong(AbstractFamily):
            name = "wrong"
            parameters = (EXPONENT, FLOOR)

            @staticmethod
            def formula(xp, n, *, chance, exponent, flor):
                return flor


def test_shape_priors_that_disagree_with_the_table_are_refused():
    with pytest.raises(InvalidInputError, match="a shape has all but a floor"):

        class Wrong(AbstractFamily):
            name = "wrong"
            parameters = (EXPONENT, FLOOR)
            shape_priors = (EXPONENT_PRIOR, EXPONENT_PRIOR)

            @staticmethod
            def formula(xp, n, *, chance, exponent, floor):
                return floor


@pytest.fixture
def one_file(tmp_path, monkeypatch):
    """Register the family of the how-to from one file of its own; return its name."""
    monkeypatch.setattr(FAMILIES, "_items", {k: v for k, v in FAMILIES.items() if k != "stretched"})
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "own-family.md").read_text(encoding="utf-8")
    (tmp_path / "stretched.py").write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    spec = importlib.util.spec_from_file_location("stretched", tmp_path / "stretched.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return "stretched"


def test_a_family_of_one_file_can_be_fitted_and_forecast(one_file):
    curves = simulated.few_curves()
    fitted = curvefit.fit(curves, family=one_file, method="approximate")
    assert np.isfinite(fitted.parameter("scale")).all()
    alone, known = (point_fit(curves, family=name).summary() for name in (one_file, "power-law"))
    np.testing.assert_allclose(alone["exponent"], known["exponent"], rtol=1e-6)
    ahead = curvefit.forecast(curves, [4096], families=(one_file,), draws=50)
    assert np.isfinite(ahead.curve_draws).all()


def test_a_family_of_one_file_without_a_shape_can_be_fitted_only(one_file, monkeypatch):
    monkeypatch.setattr(type(FAMILIES[one_file]), "shape_priors", ())
    with pytest.raises(InvalidInputError, match="'stretched' has no shape priors"):
        point_fit(simulated.few_curves(), family=one_file)
    with pytest.raises(InvalidInputError, match="'stretched' has no shape priors"):
        curvefit.forecast(simulated.few_curves(), [4096], families=(one_file,))


def test_wrong_parameters_are_named():
    law = get_family("power-law")
    with pytest.raises(UnknownNameError, match="Did you mean 'floor'"):
        law.error(10, chance=0.9, exponent=1.0, onset=1.0, flor=0.1)
    with pytest.raises(InvalidInputError, match="also needs floor"):
        law.error(10, chance=0.9, exponent=1.0, onset=1.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'power-law'"):
        get_family("powerlaw")
