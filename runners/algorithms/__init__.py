"""Inference algorithms: gradient training, kernel regression, ensembles."""

from runners.algorithms.abstract import ALGORITHMS, AbstractAlgorithm, Outcome, Run
from runners.algorithms.nngp import NNGP
from runners.algorithms.ntk import NTK
from runners.algorithms.sgd import SGD

__all__ = ["ALGORITHMS", "NNGP", "NTK", "SGD", "AbstractAlgorithm", "Outcome", "Run"]
