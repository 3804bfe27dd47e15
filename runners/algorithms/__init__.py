"""Inference algorithms: gradient training of nets and ensembles, kernel regression."""

from runners.algorithms.abstract import ALGORITHMS, AbstractAlgorithm, Outcome, Run
from runners.algorithms.adam import Adam
from runners.algorithms.adamw import AdamW
from runners.algorithms.gradient_descent import GradientDescent
from runners.algorithms.linearised import Linearised
from runners.algorithms.nngp import NNGP
from runners.algorithms.ntk import NTK
from runners.algorithms.sgd import SGD

__all__ = [
    "ALGORITHMS",
    "NNGP",
    "NTK",
    "SGD",
    "AbstractAlgorithm",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Linearised",
    "Outcome",
    "Run",
]
