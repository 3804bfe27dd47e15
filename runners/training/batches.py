"""Which examples a step sees: fixed by a run's seed alone, never by how models were stacked."""

from __future__ import annotations

import math

import numpy as np

from curvefit.seeding import generator


def batch_order(n_train: int, *, steps: int, batch_size: int, seed: int) -> np.ndarray:
    """Return the examples of every step: epochs of a fresh permutation each, without leftovers.

    Parameters
    ----------
    n_train, steps, batch_size
        Counts; a batch is never larger than the training set.
    seed
        Of the permutations.

    Returns
    -------
    numpy.ndarray
        ``(steps, min(batch_size, n_train))`` indices.
    """
    size = min(batch_size, n_train)
    per_epoch = n_train // size
    rng = generator(seed, "batches")
    epochs = [
        rng.permutation(n_train)[: per_epoch * size].reshape(per_epoch, size)
        for _ in range(math.ceil(steps / per_epoch))
    ]
    return np.concatenate(epochs)[:steps]
