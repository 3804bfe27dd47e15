"""Settings and drawing shared by all real-image datasets."""

from __future__ import annotations

import abc
from functools import lru_cache
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.symmetry import AbstractElement, get_group
from curvefit.triplet import DataFacts
from runners.datasets.abstract import AbstractDataset, Split
from runners.datasets.pool import Pool
from runners.datasets.rotation import CHUNK, GroupName, draw_element, rotate, symmetry_after
from runners.datasets.transforms import (
    Standardisation,
    Standardise,
    fold_blocks,
    jitter_images,
    measure_standardisation,
)


class AbstractImages(AbstractDataset):
    """Real images with labels; all that is common to them.

    The order of work is: fold, standardise, move by the jitter, rotate. The test set is drawn by the
    study's seed alone; training images, jitter and label noise by the replicate's seed too.

    Parameters
    ----------
    fold
        Side of the blocks folded into channels: 4 makes 28 x 28 x 1 into 7 x 7 x 16.
    shift
        Move every image, training and test, by its own random cyclic shift of the folded grid, so that
        the data really has translation symmetry.
    rotation
        Group from which one fixed element, drawn by the study's seed, acts on training and test alike.
    standardise
        See `runners.datasets.transforms.measure_standardisation`; measured on all training images of the
        dataset, so it is the same for every size and seed, and before the rotation, so it commutes with every group.
    label_noise
        Probability that a training label is replaced by another class, uniformly. Test labels stay clean.
    subsets
        ``"nested"`` (smaller training sets are prefixes of larger ones) or ``"independent"``.
    balanced
        Whether every training set holds equal numbers of every class, up to one.
    n_test
        Test images.
    folder
        Folder with the dataset's files; by default the usual places, then a checksummed download.
    """

    fold: PositiveInt = 1
    shift: bool = False
    rotation: GroupName = "trivial"
    standardise: Standardise = "global"
    label_noise: float = Field(default=0.0, ge=0, le=1)
    subsets: Literal["nested", "independent"] = "nested"
    balanced: bool = False
    n_test: PositiveInt = 2000
    folder: str | None = None

    @abc.abstractmethod
    def load(self) -> Pool:
        """Read and check the images as published (called once; see `pool`)."""

    def pool(self) -> Pool:
        """Return the images as published, read once per process and source."""
        return _load_pool(type(self), self.folder)

    def shape(self) -> tuple[int, int, int]:
        """Return ``(height, width, channels)`` after folding."""
        h, w, c = self.pool().shape
        if h % self.fold or w % self.fold:
            raise InvalidInputError(f"fold {self.fold} must divide height and width of shape {(h, w, c)}")
        return h // self.fold, w // self.fold, c * self.fold**2

    def facts(self) -> DataFacts:
        return _facts(self)

    def largest_n_train(self, study_seed: int = 0) -> int:
        """Return the most training images there are; where classes are balanced, the study's test set matters."""
        pool = self.pool()
        published = pool.n_published_test
        if published and self.n_test > published:
            raise InvalidInputError(
                f"n_test {self.n_test} is larger than the {published} test images there are"
            )
        available = len(pool.y) - (published or self.n_test)
        if available < 1:
            raise InvalidInputError(f"n_test {self.n_test} leaves no training images of the {len(pool.y)}")
        if not self.balanced:
            return available
        counts = np.bincount(pool.y[_test_and_train(self, study_seed)[1]], minlength=pool.n_classes)
        if not counts.all():
            raise InvalidInputError(
                f"balanced = true, but class {counts.argmin()} of {pool.source} has no training images"
            )
        return int(counts.min()) * pool.n_classes

    def element(self, study_seed: int) -> AbstractElement:
        """Return the fixed element of `rotation` that acts on training and test images."""
        return draw_element(self.rotation, self.shape(), study_seed)

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        largest = self.largest_n_train(study_seed)
        if not 1 <= n_train <= largest:
            raise InvalidInputError(
                f"n_train {n_train} is not within 1..{largest}, the training images there are"
            )
        if self.subsets == "nested":
            kept = min(largest, 1 << max(n_train - 1, CHUNK - 1).bit_length())
            draw: int | None = None
        else:
            kept = draw = n_train
        x_train, y_train = _training_images(self, kept, draw, seed, study_seed)
        x_test, y_test = _test_images(self, study_seed)
        return Split(x_train[:n_train].copy(), y_train[:n_train].copy(), x_test.copy(), y_test.copy())

    def _finish(self, x: np.ndarray, shifts: np.ndarray | None, study_seed: int) -> np.ndarray:
        """Return raw images folded, standardised, moved and rotated."""
        standardisation = _measure(self, study_seed)
        x = standardisation(fold_blocks(x, self.fold))
        if shifts is not None:
            x = jitter_images(x, get_group("cyclic-shifts", shape=self.shape()), shifts)  # type: ignore[arg-type]
        return x if self.rotation == "trivial" else rotate(x, self.element(study_seed))


# What follows is kept between calls: a study asks for many sizes of the same seed. Keys are the frozen
# settings themselves, so equal calls give equal arrays whatever was asked before.


@lru_cache(maxsize=256)
def _facts(dataset: AbstractImages) -> DataFacts:
    pool = dataset.pool()
    return DataFacts(
        source=pool.source,
        shape=dataset.shape(),
        n_classes=pool.n_classes,
        chance_error=pool.chance_error,
        data_symmetry=symmetry_after(
            dataset.rotation, "cyclic-shifts" if dataset.shift else "trivial", dataset.shape()
        ),
        transform=dataset.rotation,
        training_sets=dataset.subsets,
        shared_test_set=True,
    )


@lru_cache(maxsize=4)
def _load_pool(cls: type[AbstractImages], folder: str | None) -> Pool:
    return cls.model_construct(folder=folder).load()


def _test_and_train(dataset: AbstractImages, study_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of the test images and of all images left for training."""
    pool, n_test = dataset.pool(), dataset.n_test
    first = len(pool.y) - pool.n_published_test if pool.n_published_test else 0
    order = first + generator(study_seed, "test-set").permutation(len(pool.y) - first)
    train = np.arange(first) if first else np.sort(order[n_test:])
    return order[:n_test], train


@lru_cache(maxsize=8)
def _measure(dataset: AbstractImages, study_seed: int) -> Standardisation:
    _, train = _test_and_train(dataset, study_seed)
    x = fold_blocks(dataset.pool().x[train], dataset.fold)
    return measure_standardisation(x, dataset.standardise)


@lru_cache(maxsize=4)
def _test_images(dataset: AbstractImages, study_seed: int) -> tuple[np.ndarray, np.ndarray]:
    pool = dataset.pool()
    chosen, _ = _test_and_train(dataset, study_seed)
    shifts = None
    if dataset.shift:
        shifts = _draw_shifts(dataset, study_seed, "test-shift")[chosen]
    return dataset._finish(pool.x[chosen], shifts, study_seed), pool.y[chosen]


@lru_cache(maxsize=2)
def _training_images(
    dataset: AbstractImages, n_train: int, draw: int | None, seed: int, study_seed: int
) -> tuple[np.ndarray, np.ndarray]:
    pool = dataset.pool()
    _, train = _test_and_train(dataset, study_seed)
    rng = generator(study_seed, "subset", seed, draw)
    chosen = train[draw_order(pool.y[train], rng, balanced=dataset.balanced)][:n_train]
    y = pool.y[chosen].copy()
    if dataset.label_noise:
        noise = generator(study_seed, "label-noise", seed)
        wrong = (noise.random(len(pool.y)) < dataset.label_noise)[chosen]
        step = noise.integers(1, max(pool.n_classes, 2), len(pool.y))[chosen]
        y = np.where(wrong, (y + step) % pool.n_classes, y)
    shifts = None
    if dataset.shift:
        shifts = _draw_shifts(dataset, study_seed, "shift", seed)[chosen]
    return dataset._finish(pool.x[chosen], shifts, study_seed), y


def _draw_shifts(dataset: AbstractImages, *path: object) -> np.ndarray:
    """Return for every image of the pool the shift that moves it: the same whatever subset is drawn."""
    h, w, _ = dataset.shape()
    return generator(*path).integers(h * w, size=len(dataset.pool().y))


def draw_order(labels: np.ndarray, rng: np.random.Generator, *, balanced: bool) -> np.ndarray:
    """Return a random order of all examples; balanced: every prefix holds every class equally, up to one.

    Parameters
    ----------
    labels
        ``(n,)`` class labels.
    rng
        Source of randomness.
    balanced
        Whether to deal the classes in rounds, each round in random order, until one class is used up.
    """
    order = rng.permutation(len(labels))
    if not balanced:
        return order
    lists = [order[labels[order] == label] for label in np.unique(labels)]
    rounds = np.stack([members[: min(map(len, lists))] for members in lists], axis=1)
    return rng.permuted(rounds, axis=1).ravel()
