import itertools

import numpy as np
import pytest

from curvefit.errors import CurvefitError, InvalidInputError, UnknownNameError
from curvefit.symmetry import GROUPS, alignment, chain_group, get_group, is_subgroup, preserves


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


def test_the_trivial_group_lies_in_a_group_of_ones_own(monkeypatch):
    monkeypatch.setitem(GROUPS._items, "mine", type("Mine", (GROUPS["flips"],), {"supergroups": ("o-cp",)}))
    assert is_subgroup("trivial", "mine")
    assert not is_subgroup("mine", "trivial")
    assert alignment("mine", "trivial") == "none"
    assert alignment("trivial", "mine") == "excess"


def test_a_numbered_group_of_ones_own_says_where_it_is_tested(monkeypatch):
    """Rows of pixels in blocks: on 40 x 40 pixels no image of eight a side has blocks of five."""

    class Mine(GROUPS["o-patch"]):  # type: ignore[misc]
        pass

    monkeypatch.setitem(GROUPS._items, "mine", Mine)
    assert is_subgroup("mine-5", "o-patch-10", shape=(40, 40, 1))
    assert is_subgroup("mine-1", "o-c-per-pixel")


def test_every_pair_of_groups_has_one_alignment():
    """The five words follow from the two inclusions, and swapping the two swaps their meaning."""
    swapped = {"exact": {"exact"}, "excess": {"partial", "none"}, "partial": {"excess"}, "none": {"excess"}}
    for data, model in itertools.product(GROUPS.names(), repeat=2):
        word, other = alignment(data, model), alignment(model, data)
        inside, around = is_subgroup(model, data), is_subgroup(data, model)
        assert (word in ("exact", "excess")) == around
        assert (word in ("exact", "partial", "none")) == inside
        assert (word == "mismatched") == (not inside and not around)
        assert other in swapped.get(word, {"mismatched"})
        assert (word == "none") == (model == "trivial" != data)


def test_a_number_leaves_other_inclusions_alone():
    assert is_subgroup("o-c-per-pixel", "o-patch-3")
    assert is_subgroup("signed-s-c-shared", "o-patch-7")
    assert is_subgroup("trivial", "o-c-tail-5")
    assert is_subgroup("o-c-per-pixel", "o-patch-1")
    assert is_subgroup("o-patch-1", "o-c-per-pixel")
    assert is_subgroup("o-c-per-pixel", "o-c-tail-0")
    assert not is_subgroup("o-c-per-pixel", "o-c-tail-1")
    assert not is_subgroup("o-cp", "o-patch-4", shape=(28, 28, 1))
    assert is_subgroup("o-cp", "o-patch-4", shape=(4, 4, 2))


def test_the_wrong_group_of_equal_size_shares_the_identity_alone():
    for shape in [(1, 4, 1), (1, 28, 1), (2, 3, 2), (4, 4, 1), (28, 28, 1)]:
        right, wrong = (get_group(name, shape=shape) for name in ("cyclic-shifts", "scrambled-shifts"))
        assert right.order == wrong.order == shape[0] * shape[1]
        rows = {row.tobytes() for row in right.maps()}
        assert sum(row.tobytes() in rows for row in wrong.maps()) == 1


def test_flips_of_a_line_are_two():
    group = get_group("flips", shape=(1, 5, 2))
    assert group.order == 2
    assert len({group.sample(seed).source.tobytes() for seed in range(20)}) == 2
    assert group.contains(group.element(1))


def test_numbered_groups_nest_by_their_number():
    assert is_subgroup("o-patch-2", "o-patch-4")
    assert not is_subgroup("o-patch-4", "o-patch-2")
    assert not is_subgroup("o-patch-2", "o-patch-3")
    assert is_subgroup("o-c-tail-2", "o-c-tail-1", shape=(1, 4, 2))
    assert not is_subgroup("o-c-tail-1", "o-c-tail-2", shape=(1, 4, 2))


@pytest.mark.parametrize(
    ("transform", "group", "kept"),
    [
        ("o-c-shared", "cyclic-shifts", True),
        ("d4", "cyclic-shifts", True),
        ("cyclic-shifts", "cyclic-shifts", True),
        ("s-p", "cyclic-shifts", False),
        ("o-c-per-pixel", "cyclic-shifts", False),
        ("o-c-per-pixel", "o-c-tail-1", True),
        ("s-p", "o-c-tail-1", False),
        ("s-p", "signed-s-p", True),
        ("o-cp", "trivial", True),
        ("o-cp", "o-cp", True),
        ("sign-flips", "signed-s-p", False),
    ],
)
def test_a_transform_keeps_a_group_or_makes_it_another(transform, group, kept):
    assert preserves(transform, group, shape=(28, 28, 2) if "tail" not in group else (1, 5, 2)) == kept


def _shapes() -> list[tuple[int, int, int]]:
    lines = [(1, n, 1) for n in (*range(1, 17), 40)]
    return (
        lines + [(h, w, 1) for h in range(2, 8) for w in range(2, 8)] + [(40, 1, 2), (28, 14, 1), (28, 28, 1)]
    )


@pytest.mark.parametrize("shape", _shapes(), ids=str)
def test_a_smaller_shape_answers_for_the_real_one(shape):
    """Every inclusion of groups of pixel maps, carried by each of them, against all maps of the shape itself."""
    names = ["cyclic-shifts", "scrambled-shifts", "flips", *["d4"] * (shape[0] == shape[1])]
    maps = {name: get_group(name, shape=shape).maps() for name in names}
    held = {name: {row.tobytes() for row in rows} for name, rows in maps.items()}
    rng = np.random.default_rng(0)
    for small, large, transform in itertools.product(names, repeat=3):
        carrying = rng.permutation(maps[transform])[:60]
        carried = (np.argsort(g)[h[g]] for g in carrying for h in rng.permutation(maps[small])[:60])
        inside = all(row.tobytes() in held[large] for row in carried)
        assert is_subgroup(small, large, shape=shape, transform=transform) == inside, (
            small,
            large,
            transform,
        )


def test_a_group_must_exist_on_the_real_shape():
    for query in (is_subgroup, preserves):
        with pytest.raises(InvalidInputError, match=r"'d4' needs square images, not shape \(5, 7, 1\)"):
            query("flips", "d4", shape=(5, 7, 1))
    with pytest.raises(InvalidInputError, match="'d4' needs square"):
        is_subgroup("trivial", "flips", shape=(28, 14, 1), transform="d4")


@pytest.mark.parametrize(
    ("data", "model", "transform", "expected"),
    [
        ("cyclic-shifts", "cyclic-shifts", "flips", "exact"),
        ("cyclic-shifts", "cyclic-shifts", "o-c-shared", "exact"),
        ("cyclic-shifts", "cyclic-shifts", "s-p", "mismatched"),
        ("cyclic-shifts", "trivial", "o-cp", "none"),
        ("trivial", "cyclic-shifts", "o-cp", "excess"),
        ("o-c-per-pixel", "sign-flips-shared", "o-c-shared", "partial"),
        ("s-c-shared", "o-c-shared", "o-c-shared", "excess"),
    ],
)
def test_alignment_after_a_transform(data, model, transform, expected):
    assert alignment(data, model, shape=(6, 6, 3), transform=transform) == expected


def test_without_a_shape_only_what_every_shape_has_is_said():
    assert is_subgroup("cyclic-shifts", "s-p", transform="flips")
    assert not is_subgroup("cyclic-shifts", "cyclic-shifts", transform="flips")
    assert is_subgroup("trivial", "cyclic-shifts", transform="o-cp")


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
