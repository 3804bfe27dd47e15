"""Every registered link obeys the laws of a link."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curvefit.dimension import LINKS, get_link
from curvefit.errors import InvalidInputError, UnknownNameError

NAMES = LINKS.names()


@pytest.mark.parametrize("name", NAMES)
@given(dimension=st.floats(0.1, 1e3))
@settings(deadline=None, max_examples=20)
def test_dimension_undoes_exponent(name: str, dimension: float) -> None:
    link = get_link(name)
    assert link.dimension(link.exponent(dimension)) == pytest.approx(dimension, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_dimension_falls_with_the_exponent_and_keeps_the_shape(name: str) -> None:
    dimension = get_link(name).dimension(np.linspace(0.05, 0.9, 12).reshape(3, 4))
    assert dimension.shape == (3, 4)
    assert (np.diff(dimension.ravel()) < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_dimension_is_invented(name: str) -> None:
    assert np.isnan(get_link(name).dimension([0.0, -1.0])).all()


@pytest.mark.parametrize("name", NAMES)
def test_assumptions_name_formula_source_and_metric(name: str) -> None:
    link = get_link(name)
    words = " ".join(link.assumptions("error-rate"))
    assert link.formula in words
    assert link.source in words
    assert ("no more than labels" in words) == bool(link.metrics)


def test_known_values() -> None:
    assert get_link("noiseless").exponent(3.0) == pytest.approx(1 / 3)
    assert get_link({"name": "kernel-smoothness", "smoothness": 3}).dimension(1.5) == pytest.approx(2)
    assert get_link({"name": "noisy", "smoothness": 2}).exponent(4.0) == pytest.approx(0.5)
    assert get_link("sharma-kaplan").dimension(0.5) == pytest.approx(8)
    assert np.isnan(get_link("noisy").dimension(1.2))


def test_mistakes_are_named() -> None:
    with pytest.raises(UnknownNameError, match="noiseless"):
        get_link("noisless")
    with pytest.raises(InvalidInputError, match="smoothness"):
        get_link({"name": "noisy", "smothness": 2})
    with pytest.raises(InvalidInputError, match="a link is a name"):
        get_link(3)  # type: ignore[arg-type]
