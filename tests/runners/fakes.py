"""Components for tests, found by import path as a user's own would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from curvefit.triplet import DataFacts
from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run
from runners.datasets import Digits
from runners.datasets.abstract import AbstractDataset, Split


class MajorityVote(AbstractAlgorithm):
    """Predicts the most frequent training label; `fail_at` makes that size diverge."""

    fail_at: int = 0

    def share_key(self, run: Run):
        return ("majority", run.spec.seed)

    def cost(self, run: Run) -> float:
        return float(run.spec.n_train)

    def execute(self, runs: Sequence[Run], *, device: str = "cpu") -> Iterator[Outcome]:
        for run in runs:
            if run.spec.n_train == self.fail_at:
                yield Outcome(run, status="diverged", message="asked to")
                continue
            split = run.dataset.split(run.spec.n_train, seed=run.spec.seed, study_seed=run.spec.study_seed)
            values, counts = zip(*[(v, (split.y_train == v).sum()) for v in set(split.y_train.tolist())])
            guess = values[max(range(len(values)), key=lambda i: counts[i])]
            n_errors, n_test = int((split.y_test != guess).sum()), len(split.y_test)
            yield Outcome(run, n_errors=n_errors, n_test=n_test, value=n_errors / n_test, seconds=0.0)


class Coins(AbstractDataset):
    """Coins with a number beside each; `subsets` is what the facts say, `row_by_row` what is so."""

    subsets: str = "nested"
    row_by_row: bool = True

    def facts(self) -> DataFacts:
        return DataFacts("coins", (1, 1, 1), 2, 0.5, training_sets=self.subsets)

    def largest_n_train(self, study_seed: int = 0) -> None:
        return None

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        train, test = (self._draw(n, np.random.default_rng(s)) for n, s in ((n_train, seed + 1), (50, 0)))
        return Split(*train, *test)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        numbers = rng.random((n, 2)) if self.row_by_row else rng.random((2, n)).T
        return numbers[:, :1, None, None], (numbers[:, 1] < 0.5).astype(int)


class Mirrored(Digits):
    """Digits seen in a mirror, as views that run backwards."""

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        seen = super().split(n_train, seed=seed, study_seed=study_seed)
        return replace(seen, x_train=seen.x_train[:, :, ::-1], x_test=seen.x_test[:, :, ::-1])


class Lines(AbstractDataset):
    """Regression on `outputs` linear functions of four numbers."""

    outputs: int = 1

    def facts(self) -> DataFacts:
        return DataFacts("lines", (2, 2, 1), None, 1.0)

    def largest_n_train(self, study_seed: int = 0) -> None:
        return None

    def split(self, n_train: int, *, seed: int, study_seed: int = 0) -> Split:
        slopes = np.random.default_rng(9).normal(size=(4, self.outputs))
        x, x_test = (np.random.default_rng(s).normal(size=(n, 4)) for n, s in ((n_train, seed + 1), (50, 0)))
        images, images_test = (part.reshape(-1, 2, 2, 1) for part in (x, x_test))
        return Split(images, x @ slopes, images_test, x_test @ slopes)
