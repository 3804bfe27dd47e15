"""Laws every registered group keeps, on every shape it can act on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curvefit.errors import InvalidInputError
from curvefit.symmetry import GROUPS, AbstractGroup, get_group, identity, is_subgroup

SHAPES = [(4, 4, 3), (2, 4, 2), (6, 2, 1), (1, 5, 2), (1, 1, 4)]
LARGER = [(8, 8, 1), (6, 6, 4), (12, 4, 1), (1, 9, 2), (2, 2, 2), (1, 2, 1)]
NUMBERED = ["o-patch-1", "o-patch-3", "o-patch-4", "o-c-tail-0", "o-c-tail-2"]
FULL = (4, 4, 3)
everyday = settings(max_examples=10, deadline=None)


def on_shape(name: str, shape: tuple[int, int, int]) -> AbstractGroup | None:
    try:
        return get_group(name, shape=shape)
    except InvalidInputError:
        return None


@pytest.mark.parametrize("name", GROUPS.names())
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 2**32))
@everyday
def test_draws_form_a_group_of_isometries(name, shape, seed):
    group = on_shape(name, shape)
    assume(group is not None)
    a, b = group.sample(seed), group.sample(seed + 1)
    x = np.random.default_rng(seed).standard_normal((3, *shape))
    assert group.contains(a)
    assert group.contains(a.inverse())
    assert group.contains(a.after(b))
    assert group.contains(identity(shape))
    np.testing.assert_allclose(a.inverse()(a(x)), x, atol=1e-10)
    np.testing.assert_allclose(a.after(b)(x), a(b(x)), atol=1e-10)
    np.testing.assert_allclose((a(x) ** 2).sum(), (x**2).sum(), rtol=1e-10)
    np.testing.assert_allclose(x.reshape(3, -1) @ a.matrix().T, a(x).reshape(3, -1), atol=1e-10)


@pytest.mark.parametrize("name", GROUPS.names())
def test_equal_seeds_give_equal_elements(name):
    group = get_group(name, shape=FULL)
    assert group.sample(5) == group.sample(5)
    if group.order != 1:
        assert any(group.sample(k) != group.sample(5) for k in range(20))


@pytest.mark.parametrize("name", GROUPS.names())
def test_declared_lattice_is_the_computed_one(name):
    for other in GROUPS.names():
        assert is_subgroup(name, other) == is_subgroup(name, other, shape=FULL), (name, other)


@pytest.mark.parametrize("name", [*GROUPS.names(), *NUMBERED])
def test_the_lattice_of_a_shape_is_that_of_draws_on_it(name):
    """Every inclusion that is claimed, and every one that is not, by membership of 24 draws at the full shape."""
    for other, shape in itertools.product([*GROUPS.names(), *NUMBERED], LARGER):
        small, large = on_shape(name, shape), on_shape(other, shape)
        if small is None or large is None:
            continue
        rng = np.random.default_rng(1)
        inside = all(large.contains(small.sample(rng)) for _ in range(24))
        assert is_subgroup(name, other, shape=shape) == inside, (other, shape)
        assert inside or not is_subgroup(name, other), (other, shape)


@pytest.mark.parametrize("name", GROUPS.names())
def test_dimension_is_the_rank_of_the_tangent_space(name):
    """Infinitesimal motions of a generic image span the orbit's dimension; finite groups have none."""
    group = get_group(name, shape=(2, 2, 3))
    if group.order is not None:
        assert group.dimension == group.orbit_dimension == 0
        return
    generators = []
    for k in range(group.dimension + 10):
        moved = group.sample(k).matrix()
        # The Cayley transform's skew part of g lies in the Lie algebra for block-orthogonal groups.
        generators.append((moved - moved.T) / 2)
    flat = np.stack([g.ravel() for g in generators])
    assert np.linalg.matrix_rank(flat, tol=1e-8) == group.dimension
    x = np.random.default_rng(0).standard_normal(group.size)
    assert np.linalg.matrix_rank(np.stack([g @ x for g in generators]), tol=1e-8) == group.orbit_dimension


@pytest.mark.parametrize("name", GROUPS.names())
def test_an_element_of_the_largest_group_is_refused(name):
    outsider = get_group("o-cp", shape=FULL).sample(0)
    assert get_group(name, shape=FULL).contains(outsider) == (name == "o-cp")
