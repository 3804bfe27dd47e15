"""Datasets: real images, a user's own arrays, and synthetic teachers whose exponents are known."""

from runners.datasets.abstract import DATASETS, AbstractDataset, Split
from runners.datasets.digits import Digits
from runners.datasets.fashion_mnist import FashionMNIST
from runners.datasets.images import AbstractImages

__all__ = ["DATASETS", "AbstractDataset", "AbstractImages", "Digits", "FashionMNIST", "Split"]
