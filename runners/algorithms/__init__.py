"""Inference algorithms: gradient training, kernel regression, ensembles."""

from runners.algorithms.abstract import ALGORITHMS, AbstractAlgorithm, Outcome, Run
from runners.algorithms.sgd import SGD

__all__ = ["ALGORITHMS", "SGD", "AbstractAlgorithm", "Outcome", "Run"]
