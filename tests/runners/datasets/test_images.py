"""Folding, standardising, shifting, rotating and drawing real images."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from curvefit.symmetry import get_group
from runners.datasets import Arrays, Digits
from runners.datasets.images import draw_order
from runners.datasets.transforms import Standardise, fold_blocks, measure_standardisation


def test_folding_keeps_every_block_together():
    x = np.arange(2 * 4 * 6).reshape(2, 4, 6, 1)
    folded = fold_blocks(x, 2)
    assert folded.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(folded[1, 1, 2], x[1, 2:4, 4:6, 0].ravel())


def test_one_fixed_element_turns_training_and_test_alike():
    plain = Digits(fold=2, n_test=100)
    for name in ("o-cp", "o-c-per-pixel", "s-p"):
        turned = plain.model_copy(update={"rotation": name})
        before, after = (d.split(20, seed=1, study_seed=4) for d in (plain, turned))
        element = turned.element(4)
        assert get_group(name, shape=turned.shape()).contains(element)
        np.testing.assert_allclose(element(before.x_train), after.x_train, atol=1e-12)
        np.testing.assert_allclose(element(before.x_test), after.x_test, atol=1e-12)
        np.testing.assert_array_equal(before.y_train, after.y_train)
        assert not np.allclose(before.x_train, after.x_train)
        assert turned.element(5) != element
        assert turned.facts().transform == name


def test_shifted_images_are_shifts_of_the_plain_ones():
    plain, shifted = (Digits(n_test=100, shift=shift).split(40, seed=0) for shift in (False, True))
    moved = 0
    for before, after in zip(plain.x_train, shifted.x_train):
        rolls = [np.roll(before, (i, j), (0, 1)) for i in range(8) for j in range(8)]
        matches = [np.array_equal(roll, after) for roll in rolls]
        assert any(matches)
        moved += not matches[0]
    assert moved > 25


@pytest.mark.parametrize(
    ("settings", "symmetry"),
    [
        ({"shift": False}, "trivial"),
        ({"shift": True}, "cyclic-shifts"),
        ({"shift": True, "rotation": "o-c-shared"}, "cyclic-shifts"),
        ({"shift": True, "rotation": "o-c-per-pixel"}, "trivial"),
        ({"shift": True, "rotation": "s-p"}, "trivial"),
    ],
)
def test_the_symmetry_of_the_data_is_declared_as_built(settings, symmetry):
    assert Digits(fold=2, **settings).facts().data_symmetry == symmetry


def test_shifts_stay_shifts_exactly_where_facts_say_so():
    """The declared symmetry is right: g C g' is the group of shifts iff g is said to keep it."""
    shape = (4, 4, 3)
    shifts = get_group("cyclic-shifts", shape=shape)
    for name, keeps in (
        ("o-c-shared", True),
        ("flips", True),
        ("d4", True),
        ("o-c-per-pixel", False),
        ("s-p", False),
    ):
        g = get_group(name, shape=shape).sample(3)
        conjugates = [g.after(shifts.element(k)).after(g.inverse()) for k in range(1, 16)]
        assert all(shifts.contains(c, tolerance=1e-7) for c in conjugates) == keeps


def test_label_noise_hits_its_share_and_spares_the_test_set():
    clean, noisy = (Digits(n_test=300, label_noise=p).split(1000, seed=0) for p in (0.0, 0.3))
    share = np.mean(clean.y_train != noisy.y_train)
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / 1000) ** 0.5  # false alarm 6e-5
    np.testing.assert_array_equal(clean.x_train, noisy.x_train)
    np.testing.assert_array_equal(clean.y_test, noisy.y_test)


def test_independent_subsets_are_no_prefixes():
    dataset = Digits(subsets="independent")
    small, large = dataset.split(30, seed=0), dataset.split(60, seed=0)
    assert not np.array_equal(small.x_train, large.x_train[:30])
    assert dataset.facts().training_sets == "independent"


def test_balanced_prefixes_hold_every_class_equally():
    labels = np.random.default_rng(0).choice(4, 400, p=[0.1, 0.2, 0.3, 0.4])
    order = draw_order(labels, np.random.default_rng(1), balanced=True)
    assert len(np.unique(order)) == len(order) == 4 * np.bincount(labels).min()
    for n in (1, 7, 40, len(order)):
        counts = np.bincount(labels[order[:n]], minlength=4)
        assert counts.max() - counts.min() <= 1


def test_balanced_sets_hold_what_was_asked_for_whatever_the_study(tmp_path):
    for study_seed in range(4):
        dataset = Digits(balanced=True)
        largest = dataset.largest_n_train(study_seed)
        assert len(dataset.split(largest, seed=0, study_seed=study_seed).y_train) == largest
        with pytest.raises(ValueError, match=f"not within 1..{largest}"):
            dataset.split(largest + 1, seed=0, study_seed=study_seed)
    np.savez(tmp_path / "own.npz", x=np.random.default_rng(0).random((40, 3)), y=np.arange(40) % 2 * 2)
    with pytest.raises(ValueError, match="class 1 of own arrays .* has no training images"):
        Arrays(path=str(tmp_path / "own.npz"), n_test=10, balanced=True).split(4, seed=0)


@pytest.mark.parametrize(
    ("kind", "axes"),
    [("global", (0, 1, 2, 3)), ("per-channel", (0, 1, 2)), ("per-coordinate", (0,))],
)
def test_standardised_images_have_mean_zero_and_deviation_one(kind, axes):
    x = np.random.default_rng(0).integers(0, 256, (5000, 2, 3, 2), dtype=np.uint8)
    done = measure_standardisation(x, kind)(x)
    np.testing.assert_allclose(done.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(done.std(axis=axes), 1, atol=1e-12)
    centred = measure_standardisation(x, "centre")(x)
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.mean(centred**2), 1, atol=1e-12)
    np.testing.assert_allclose(np.mean(measure_standardisation(x, "scale")(x) ** 2), 1, atol=1e-12)


@pytest.mark.parametrize("kind", get_args(Standardise))
@pytest.mark.parametrize("group", ["o-cp", "s-p"])
def test_standardising_comes_before_the_rotation(kind, group):
    """So it commutes with every group: no constant is measured on coordinates that a rotation has mixed."""
    plain, turned = (Digits(standardise=kind, rotation=name, n_test=100) for name in ("trivial", group))
    before, after = (dataset.split(20, seed=0).x_train for dataset in (plain, turned))
    np.testing.assert_allclose(turned.element(0)(before), after, atol=1e-12)


def test_mistaken_settings_are_named():
    with pytest.raises(ValidationError, match="Did you mean 'o-cp'"):
        Digits(rotation="o-pc")
    with pytest.raises(ValueError, match=r"fold 3 must divide .*\(8, 8, 1\)"):
        Digits(fold=3).split(5, seed=0)
    with pytest.raises(ValueError, match="n_test 1797 leaves no training images of the 1797"):
        Digits(n_test=1797).split(5, seed=0)


def test_rotated_prefixes_are_equal_to_the_last_bit():
    dataset = Digits(rotation="o-cp", shift=True)
    large = dataset.split(1197, seed=0)
    for n in (3, 256, 700):
        np.testing.assert_array_equal(dataset.split(n, seed=0).x_train, large.x_train[:n])
