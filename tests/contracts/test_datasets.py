"""Laws every registered dataset keeps."""

from __future__ import annotations

import numpy as np
import pytest

from curvefit.errors import InvalidInputError, MissingDatasetError
from curvefit.symmetry import get_group, preserves
from runners.datasets import DATASETS, AbstractDataset, AbstractImages
from runners.datasets.rotation import draw_element
from tests.runners.datasets.written import write_arrays, write_cifar10, write_cifar100, write_mnist

SMALL: dict[str, dict[str, object]] = {"mnist-1d": {"n_signals": 600, "n_test": 200}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, dict[str, object]]:
    """Settings of datasets whose files this suite writes itself, in their real formats."""
    root = tmp_path_factory.mktemp("published")
    settings: dict[str, dict[str, object]] = {}
    for name, write in (("mnist", write_mnist), ("cifar-10", write_cifar10), ("cifar-100", write_cifar100)):
        write(root / name)
        settings[name] = {"folder": str(root / name), "n_test": 20}
    write_arrays(root / "own.npz")
    settings["arrays"] = {"path": str(root / "own.npz"), "n_test": 20}
    return settings


@pytest.fixture(params=DATASETS.names())
def dataset(request, folders) -> AbstractDataset:
    values = folders.get(request.param) or SMALL.get(request.param, {"n_test": 50})
    built = DATASETS[request.param](**values)
    try:
        built.facts()
    except MissingDatasetError as error:
        pytest.skip(f"{request.param}: {error}")
    return built


def test_equal_arguments_give_equal_arrays(dataset):
    first, second = (dataset.split(24, seed=1, study_seed=3) for _ in range(2))
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    first.x_train[:] = 0  # a caller's changes must not reach the next caller
    np.testing.assert_array_equal(dataset.split(24, seed=1, study_seed=3).x_train, second.x_train)


def test_smaller_training_sets_are_prefixes(dataset):
    large = dataset.split(70, seed=2)
    for n in (1, 17, 66):
        small = dataset.split(n, seed=2)
        np.testing.assert_array_equal(small.x_train, large.x_train[:n])
        np.testing.assert_array_equal(small.y_train, large.y_train[:n])
        np.testing.assert_array_equal(small.x_test, large.x_test)
        np.testing.assert_array_equal(small.y_test, large.y_test)


def test_seeds_change_what_they_should(dataset):
    first, second = dataset.split(30, seed=0), dataset.split(30, seed=1)
    assert not np.array_equal(first.x_train, second.x_train)
    assert np.array_equal(first.x_test, second.x_test) == dataset.facts().shared_test_set
    assert not np.array_equal(first.x_test, dataset.split(30, seed=0, study_seed=1).x_test)


def test_facts_describe_the_arrays(dataset):
    facts, split = dataset.facts(), dataset.split(40, seed=0)
    assert split.x_train.shape == (40, *facts.shape)
    assert split.x_test.shape == (dataset.n_test, *facts.shape)
    assert split.x_train.dtype == np.float64
    assert facts.chance_error > 0
    assert get_group(facts.data_symmetry, shape=facts.shape)
    assert facts.source
    if facts.n_classes is None:
        assert split.y_train.shape == (40, 1)
        assert split.y_train.dtype == np.float64
    else:
        assert split.y_train.shape == (40,)
        assert split.y_train.dtype == np.int64
        assert 0 <= split.y_train.min() <= split.y_train.max() < facts.n_classes
    assert facts.predicted_exponent is None or facts.prediction_condition


@pytest.mark.parametrize("group", ["o-c-per-pixel", "s-p"])
def test_one_fixed_element_transforms_training_and_test_alike(dataset, group):
    facts, n_train = dataset.facts(), min(dataset.largest_n_train() or 300, 300)
    plain = dataset.split(n_train, seed=1, study_seed=4)
    turned = type(dataset)(**{**dataset.non_default(), "rotation": group})
    after = turned.split(n_train, seed=1, study_seed=4)
    element = draw_element(group, facts.shape, 4)
    for name in ("x_train", "x_test"):
        np.testing.assert_allclose(element(getattr(plain, name)), getattr(after, name), atol=1e-10)
    for name in ("y_train", "y_test"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(after, name))
    assert turned.facts().transform == group
    kept = facts.data_symmetry if preserves(group, facts.data_symmetry, shape=facts.shape) else "trivial"
    assert turned.facts().data_symmetry == kept
    np.testing.assert_array_equal(turned.split(70, seed=1, study_seed=4).x_train, after.x_train[:70])


def test_sizes_out_of_range_are_refused(dataset):
    with pytest.raises(InvalidInputError, match="n_train 0 is not within"):
        dataset.split(0, seed=0)
    largest = dataset.largest_n_train()
    if largest is not None:
        with pytest.raises(InvalidInputError, match=f"n_train {largest + 1} is not within 1..{largest}"):
            dataset.split(largest + 1, seed=0)


def test_training_and_test_share_no_image(dataset):
    if not isinstance(dataset, AbstractImages):
        pytest.skip("synthetic points are drawn from a continuum or a hypercube")
    split = dataset.split(min(dataset.largest_n_train(), 400), seed=0)
    train = {image.tobytes() for image in split.x_train}
    shared = sum(image.tobytes() in train for image in split.x_test)
    assert shared <= 1  # published sets hold a few true duplicates
