"""Datasets: real images, a user's own arrays, and synthetic teachers whose exponents are known."""

from runners.datasets.abstract import DATASETS, AbstractDataset, Split
from runners.datasets.arrays import Arrays
from runners.datasets.cifar import CIFAR10, CIFAR100
from runners.datasets.digits import Digits
from runners.datasets.fashion_mnist import FashionMNIST
from runners.datasets.images import AbstractImages
from runners.datasets.mnist import MNIST
from runners.datasets.mnist1d import MNIST1D
from runners.datasets.teachers import (
    ConvolutionalField,
    Hypercube,
    LocalField,
    MovingSignal,
    NormComparison,
    ProductOfSpheres,
    SphereField,
    TorusField,
)

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DATASETS",
    "MNIST",
    "MNIST1D",
    "AbstractDataset",
    "AbstractImages",
    "Arrays",
    "ConvolutionalField",
    "Digits",
    "FashionMNIST",
    "Hypercube",
    "LocalField",
    "MovingSignal",
    "NormComparison",
    "ProductOfSpheres",
    "SphereField",
    "Split",
    "TorusField",
]
