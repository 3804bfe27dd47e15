"""Reading published files, and refusing what is missing, truncated, corrupt or impossible."""

from __future__ import annotations

import gzip
import tarfile

import numpy as np
import pytest

from curvefit.errors import DataFileError, InvalidInputError, MissingDatasetError
from runners.datasets import CIFAR10, CIFAR100, MNIST, Arrays, FashionMNIST
from runners.datasets.files import DATA_VARIABLE, OFFLINE_VARIABLE
from runners.datasets.mnist import FILES
from tests.runners.datasets.written import (
    add_member,
    cifar_records,
    idx,
    write_cifar10,
    write_cifar100,
    write_mnist,
)

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def test_idx_files_are_read_as_written(tmp_path):
    images, labels = write_mnist(tmp_path / "mnist")
    pool = MNIST(folder=str(tmp_path / "mnist")).load()
    np.testing.assert_array_equal(pool.x[..., 0], images)
    np.testing.assert_array_equal(pool.y, labels)
    assert pool.n_published_test == 40


def test_cifar_records_are_read_as_written(tmp_path):
    write_cifar10(tmp_path / "ten")
    pool = CIFAR10(folder=str(tmp_path / "ten")).load()
    _, images, labels = cifar_records(30, n_labels=1, seed=5)
    np.testing.assert_array_equal(pool.x[-30:], images)
    np.testing.assert_array_equal(pool.y[-30:], labels)
    write_cifar100(tmp_path / "hundred")
    pool = CIFAR100(folder=str(tmp_path / "hundred")).load()
    _, images, fine = cifar_records(100, n_labels=2, seed=0)
    np.testing.assert_array_equal(pool.x[:100], images)
    np.testing.assert_array_equal(pool.y[:100], fine)
    assert pool.n_classes == 100


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[: len(b) // 2], "truncated or corrupt"),
        (lambda b: b"not gzip at all", "truncated or corrupt"),
        (lambda b: gzip.compress(gzip.decompress(b)[:-5]), "its header"),
        (lambda b: gzip.compress(gzip.decompress(b)[:9]), "less than an IDX header"),
        (lambda b: gzip.compress(b"\x00\x00\x0d\x03" + gzip.decompress(b)[4:]), "begins with 00000d03"),
    ],
)
def test_damaged_idx_files_are_named(tmp_path, damage, message):
    write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist" / IMAGES
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataFileError, match=message) as caught:
        MNIST(folder=str(path.parent)).load()
    assert IMAGES in str(caught.value)


def test_labels_out_of_range_are_named(tmp_path):
    _, labels = write_mnist(tmp_path / "mnist")
    labels[7] = 12
    (tmp_path / "mnist" / LABELS).write_bytes(gzip.compress(idx(labels[:120])))
    with pytest.raises(DataFileError, match=r"label 12 of image 7 is outside 0\.\.9"):
        MNIST(folder=str(tmp_path / "mnist")).load()


def test_images_and_labels_must_be_equally_many(tmp_path):
    _, labels = write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / LABELS).write_bytes(gzip.compress(idx(labels[:100])))
    with pytest.raises(DataFileError, match=r"120 images but labels of shape \(100,\)"):
        MNIST(folder=str(tmp_path / "mnist")).load()


def test_files_of_two_image_sizes_are_refused(tmp_path):
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / IMAGES.replace("train", "t10k")).write_bytes(
        gzip.compress(idx(np.zeros((40, 20, 20))))
    )
    with pytest.raises(DataFileError, match=r"images of shape \(28, 28, 1\) and of shape \(20, 20, 1\)"):
        MNIST(folder=str(tmp_path / "mnist")).load()


def test_an_empty_published_file_is_refused(tmp_path):
    write_mnist(tmp_path / "mnist", n_train=0, n_test=0)
    with pytest.raises(DataFileError, match="there are no images"):
        MNIST(folder=str(tmp_path / "mnist")).load()


def test_cifar_labels_out_of_range_are_named(tmp_path):
    write_cifar100(tmp_path / "hundred")
    path = tmp_path / "hundred" / "train.bin"
    content = bytearray(path.read_bytes())
    content[5 * 3074 + 1] = 100
    path.write_bytes(bytes(content))
    with pytest.raises(DataFileError, match=r"label 100 of image 5 is outside 0\.\.99"):
        CIFAR100(folder=str(path.parent)).load()


def test_damaged_cifar_files_are_named(tmp_path):
    write_cifar100(tmp_path / "hundred")
    path = tmp_path / "hundred" / "test.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataFileError, match=r"test\.bin is truncated or corrupt"):
        CIFAR100(folder=str(path.parent)).load()
    archive_path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(archive_path, "w:gz") as archive:
        add_member(archive, "x/data_batch_1.bin", cifar_records(3, n_labels=1, seed=0)[0])
    with pytest.raises(DataFileError, match=r"holds no data_batch_2\.bin"):
        CIFAR10(folder=str(tmp_path)).load()
    archive_path.write_bytes(archive_path.read_bytes()[:200])
    with pytest.raises(DataFileError, match="truncated or corrupt"):
        CIFAR10(folder=str(tmp_path)).load()


def test_a_missing_dataset_says_where_it_was_sought(tmp_path, monkeypatch):
    with pytest.raises(MissingDatasetError, match="Fashion-MNIST was not found") as caught:
        FashionMNIST(folder=str(tmp_path)).facts()
    assert str(tmp_path) in str(caught.value)
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDatasetError, match=f"{OFFLINE_VARIABLE} is set"):
        FILES.find()
    write_mnist(tmp_path / "mnist")
    assert FILES.find()[0] == tmp_path / "mnist"
    assert "MNIST (folder" in FILES.find()[1]


def write_npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((3, 2, 2))}, "lacks y"),
        ({"x": np.zeros((3, 2, 2)), "y": np.zeros(3)}, "expected integers"),
        ({"x": np.zeros(3), "y": np.zeros(3, int)}, "expected numbers of shape"),
        ({"x": np.zeros((3, 2, 2)), "y": np.array([0, -1, 1])}, "label -1 of image 1"),
        ({"x": np.zeros((3, 2, 2)), "y": np.zeros(3, int), "x_test": np.zeros((1, 2, 2))}, "lacks y_test"),
        (
            {"x": np.array([[[0.0, 1.0], [2.0, np.nan]]]), "y": np.zeros(1, int)},
            r"value nan at image 0, pixel \(1, 1\), channel 0",
        ),
        (
            {
                "x": np.zeros((3, 2)),
                "y": np.zeros(3, int),
                "x_test": np.zeros((1, 4)),
                "y_test": np.zeros(1, int),
            },
            r"images of shape \(1, 1, 2\) and of shape \(1, 1, 4\)",
        ),
        ({"x": np.zeros((0, 4)), "y": np.zeros(0, int)}, "there are no images"),
        ({"x": np.zeros((3, 4)), "y": np.zeros(2, int)}, "3 images but labels of shape"),
        ({"x": np.full((2, 3), np.inf), "y": np.zeros(2, int)}, "value inf at image 0"),
    ],
)
def test_own_arrays_are_checked(tmp_path, arrays, message):
    with pytest.raises(DataFileError, match=message):
        Arrays(path=write_npz(tmp_path / "own.npz", **arrays)).facts()


def test_own_arrays_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(MissingDatasetError, match="there is no file"):
        Arrays(path=str(tmp_path / "none.npz")).facts()
    path = tmp_path / "own.npz"
    path.write_bytes(b"no zip archive")
    with pytest.raises(DataFileError, match="not a readable"):
        Arrays(path=str(path)).facts()
    np.savez(path, x=np.array([{}], dtype=object), y=np.zeros(1, int))
    with pytest.raises(DataFileError, match="not a readable"):
        Arrays(path=str(path)).facts()


def test_own_arrays_are_checked_before_they_are_written(tmp_path):
    path, rng = tmp_path / "own.npz", np.random.default_rng(0)
    with pytest.raises(DataFileError, match=r"own\.npz: y has shape .* expected integers"):
        Arrays.write(path, rng.random((9, 4)), rng.random(9))
    with pytest.raises(DataFileError, match="must end in .npz"):
        Arrays.write(tmp_path / "own.npy", rng.random((9, 4)), np.arange(9) % 2)
    assert not list(tmp_path.iterdir())
    x = rng.random((9, 4))
    own = Arrays.write(path, x, np.arange(9) % 2)
    np.testing.assert_array_equal(own.pool().x[:, 0, 0], x)


def test_own_test_arrays_are_kept_apart(tmp_path):
    rng = np.random.default_rng(0)
    path = write_npz(
        tmp_path / "own.npz",
        x=rng.random((50, 6)), y=np.arange(50) % 2, x_test=rng.random((9, 6)) + 5, y_test=np.arange(9) % 2,
    )  # fmt: skip
    dataset = Arrays(path=path, n_test=9, standardise="none")
    split = dataset.split(50, seed=0)
    assert split.x_test.min() > 5 > split.x_train.max()
    assert "own.npz, " in dataset.facts().source
    with pytest.raises(InvalidInputError, match="n_test 10 is larger than the 9 test images"):
        dataset.model_copy(update={"n_test": 10}).split(5, seed=0)
