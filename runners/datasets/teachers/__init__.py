"""Synthetic teachers whose learning curves are known, and the kernel students that go with them."""

from runners.datasets.teachers.abstract import AbstractFunctionTeacher, AbstractTeacher
from runners.datasets.teachers.fields import AbstractFieldTeacher
from runners.datasets.teachers.hypercube import Hypercube
from runners.datasets.teachers.local_fields import ConvolutionalField, LocalField
from runners.datasets.teachers.noise import LabelNoise, TargetNoise
from runners.datasets.teachers.random_fields import SphereField, TorusField
from runners.datasets.teachers.separations import MovingSignal, NormComparison
from runners.datasets.teachers.spheres import ProductOfSpheres

__all__ = [
    "AbstractFieldTeacher",
    "AbstractFunctionTeacher",
    "AbstractTeacher",
    "ConvolutionalField",
    "Hypercube",
    "LabelNoise",
    "LocalField",
    "MovingSignal",
    "NormComparison",
    "ProductOfSpheres",
    "SphereField",
    "TargetNoise",
    "TorusField",
]
