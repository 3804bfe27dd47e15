"""Which examples each net sees at each step: fixed by the net's own seed alone."""

from __future__ import annotations

import numpy as np


class BatchStream:
    """An endless stream of one net's batches: permutations of its examples, one after the other.

    Batches may straddle two permutations, so all have the same size. A batch of all examples is simply
    the whole set, in order.

    Parameters
    ----------
    n_train, batch_size
        Examples, and examples per step.
    seed
        Fixes the permutations.
    """

    def __init__(self, n_train: int, batch_size: int, *, seed: int) -> None:
        self.n_train = n_train
        self.batch_size = min(batch_size, n_train)
        self._rng = np.random.default_rng(seed)
        self._left = np.empty(0, dtype=np.int64)

    @property
    def whole(self) -> bool:
        """Whether every batch is the whole set."""
        return self.batch_size == self.n_train

    def take(self, steps: int) -> np.ndarray:
        """Return the next `steps` batches of indices, ``(steps, batch)``."""
        if self.whole:
            return np.broadcast_to(np.arange(self.n_train), (steps, self.n_train))
        needed = steps * self.batch_size
        parts, length = [self._left], len(self._left)
        while length < needed:
            parts.append(self._rng.permutation(self.n_train))
            length += self.n_train
        stream = np.concatenate(parts)
        self._left = stream[needed:]
        return stream[:needed].reshape(steps, self.batch_size)
