"""Inference algorithms: gradient training, kernel regression, ensembles."""

from runners.algorithms.abstract import ALGORITHMS, AbstractAlgorithm, Outcome, Run

__all__ = ["ALGORITHMS", "AbstractAlgorithm", "Outcome", "Run"]
