"""The contract of every registered family, and what is special about each."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.families import FAMILIES, AbstractFamily, get_family
from curvefit.families.abstract import EXPONENT, FLOOR

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


def test_wrong_parameters_are_named():
    law = get_family("power-law")
    with pytest.raises(UnknownNameError, match="Did you mean 'floor'"):
        law.error(10, chance=0.9, exponent=1.0, onset=1.0, flor=0.1)
    with pytest.raises(InvalidInputError, match="also needs floor"):
        law.error(10, chance=0.9, exponent=1.0, onset=1.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'power-law'"):
        get_family("powerlaw")
