import numpy as np
import pytest

from curvefit.errors import CurvefitError, InvalidInputError, UnknownNameError
from curvefit.symmetry import alignment, chain_group, get_group, is_subgroup


@pytest.mark.parametrize(
    ("data", "model", "expected"),
    [
        ("o-c-shared", "o-c-shared", "exact"),
        ("o-c-shared", "o-c-per-pixel", "excess"),
        ("o-c-per-pixel", "o-c-shared", "partial"),
        ("cyclic-shifts", "trivial", "none"),
        ("cyclic-shifts", "scrambled-shifts", "mismatched"),
        ("trivial", "o-cp", "excess"),
        ("trivial", "trivial", "exact"),
    ],
)
def test_alignment_is_read_off_the_lattice(data, model, expected):
    assert alignment(data, model) == expected


def test_a_shape_can_make_groups_coincide():
    assert not is_subgroup("o-c-per-pixel", "sign-flips")
    assert is_subgroup("o-c-per-pixel", "sign-flips", shape=(28, 28, 1))
    assert alignment("sign-flips", "o-c-per-pixel", shape=(8, 8, 1)) == "exact"
    assert not is_subgroup("cyclic-shifts", "scrambled-shifts", shape=(28, 28, 1))


def test_numbered_groups_nest_by_their_number():
    assert is_subgroup("o-patch-2", "o-patch-4")
    assert not is_subgroup("o-patch-4", "o-patch-2")
    assert not is_subgroup("o-patch-2", "o-patch-3")
    assert is_subgroup("o-c-tail-2", "o-c-tail-1", shape=(1, 4, 2))
    assert not is_subgroup("o-c-tail-1", "o-c-tail-2", shape=(1, 4, 2))


def test_chain_group_maps_levels_and_elements():
    assert chain_group("all") == "o-cp"
    assert chain_group("per-pixel", "signed-permutation") == "signed-s-c-per-pixel"
    assert chain_group("trivial", "signed-permutation") == "trivial"
    with pytest.raises(UnknownNameError, match="Did you mean 'shared'"):
        chain_group("share")
    with pytest.raises(UnknownNameError, match="orthogonal"):
        chain_group("all", "unitary")


def test_mistakes_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'o-cp'"):
        get_group("o-pc", shape=(2, 2, 1))
    with pytest.raises(InvalidInputError, match=r"patch 3 must divide .*\(4, 4, 1\)"):
        get_group("o-patch-3", shape=(4, 4, 1))
    with pytest.raises(InvalidInputError, match=r"'d4' needs square"):
        get_group("d4", shape=(2, 4, 1))
    with pytest.raises(InvalidInputError, match=r"cannot act on an array of shape \(5, 2, 3, 1\)"):
        get_group("s-cp", shape=(2, 2, 1)).sample(0)(np.zeros((5, 2, 3, 1)))
    assert issubclass(InvalidInputError, CurvefitError)


def test_per_pixel_rotations_leave_other_pixels_alone():
    group = get_group("o-c-per-pixel", shape=(3, 3, 4))
    x = np.zeros((1, 3, 3, 4))
    x[0, 1, 2] = [1, 2, 3, 4]
    moved = group.sample(1)(x)
    assert np.abs(moved[0, 1, 2] - x[0, 1, 2]).max() > 0.1
    moved[0, 1, 2] = 0
    assert (moved == 0).all()


def test_large_images_need_no_large_matrix():
    """Structured groups act on CIFAR-size images without a 3072 x 3072 matrix."""
    x = np.ones((2, 32, 32, 3), dtype=np.float32)
    for name in ("o-c-per-pixel", "o-patch-2", "s-cp", "cyclic-shifts"):
        element = get_group(name, shape=(32, 32, 3)).sample(0)
        held = sum(
            getattr(element, field).size for field in ("matrices", "source") if hasattr(element, field)
        )
        assert held < 100_000
        assert element(x).dtype == np.float32


@pytest.mark.slow
def test_rotations_of_all_cifar_coordinates_are_usable():
    element = get_group("o-cp", shape=(32, 32, 3)).sample(0)
    x = np.random.default_rng(0).standard_normal((50, 32, 32, 3))
    np.testing.assert_allclose(element.inverse()(element(x)), x, atol=1e-10)


def test_haar_draws_have_uniform_first_coordinate():
    """The square of one entry of a Haar matrix of O(3) has mean 1/3 (4 standard errors: false alarm 6e-5)."""
    group = get_group("o-c-shared", shape=(1, 1, 3))
    squares = np.array([group.sample(k).matrix()[0, 0] ** 2 for k in range(1000)])
    assert abs(squares.mean() - 1 / 3) < 4 * squares.std() / 1000**0.5
    signs = [np.linalg.det(group.sample(k).matrix()) > 0 for k in range(400)]
    assert abs(np.mean(signs) - 0.5) < 4 * 0.5 / 20
