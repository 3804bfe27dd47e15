"""Components for tests, found by import path as a user's own would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runners.algorithms.abstract import AbstractAlgorithm, Outcome, Run


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
