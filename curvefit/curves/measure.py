"""Learning curves of scikit-learn estimators: log-spaced training subsets and one fixed test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from curvefit.curves.learning_curves import LearningCurves
from curvefit.errors import InvalidInputError
from curvefit.seeding import generator, seed_for


def learning_curve_sizes(n_max: int, *, n_min: int = 16, count: int = 8) -> np.ndarray:
    """Return training-set sizes evenly spaced in log size, whole, increasing, ending at `n_max`.

    Examples
    --------
    >>> learning_curve_sizes(1024, n_min=32, count=6)
    array([  32,   64,  128,  256,  512, 1024])
    """
    if not 1 <= n_min < n_max or count < 2:
        raise InvalidInputError(
            f"need 1 <= n_min < n_max and count >= 2, got n_min {n_min}, n_max {n_max}, count {count}"
        )
    return np.unique(np.geomspace(n_min, n_max, count).round().astype(int))


class LearningCurveSplit:
    """Cross-validation splitter: log-spaced training subsets, one fixed test set, several seeds.

    Works wherever scikit-learn takes ``cv=``. Splits come seed by seed, sizes increasing; `plan` names them.

    Parameters
    ----------
    sizes
        Training-set sizes, increasing.
    replicates
        Number of seeds.
    test_size
        Test points, a count or a fraction of all.
    nested
        Whether a smaller training set is part of the larger one of the same seed. Independent draws are what
        a fit likes best: neighbouring sizes then err independently.
    seed
        Root of all draws.
    """

    def __init__(
        self,
        sizes: Sequence[int] | np.ndarray,
        *,
        replicates: int = 3,
        test_size: float | int = 0.3,
        nested: bool = False,
        seed: int = 0,
    ) -> None:
        self.sizes = [int(n) for n in sizes]
        if not self.sizes or min(self.sizes) < 1 or replicates < 1:
            raise InvalidInputError(f"need positive sizes and replicates, got {self.sizes} and {replicates}")
        self.replicates, self.test_size, self.nested, self.seed = replicates, test_size, nested, seed

    @property
    def plan(self) -> list[tuple[int, int]]:
        """(n_train, seed) of every split, in order."""
        return [(n, seed) for seed in range(self.replicates) for n in self.sizes]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        return len(self.plan)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (training indices, test indices) of every split."""
        total = len(X) if hasattr(X, "__len__") and not hasattr(X, "shape") else X.shape[0]
        n_test = round(self.test_size * total) if self.test_size < 1 else int(self.test_size)
        if not 0 < n_test < total or max(self.sizes) > total - n_test:
            raise InvalidInputError(
                f"{total} examples with {n_test} for testing leave {total - n_test} for training, "
                f"fewer than the largest size {max(self.sizes)}"
            )
        order = generator(self.seed, "test-set").permutation(total)
        test, pool = order[:n_test], order[n_test:]
        for seed in range(self.replicates):
            ranked = generator(self.seed, "train", seed).permutation(pool)
            for n in self.sizes:
                if self.nested:
                    yield ranked[:n], test
                else:
                    rng = generator(self.seed, "train", seed, n)
                    yield rng.permutation(pool)[:n], test


def measure_learning_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sizes: Sequence[int] | np.ndarray | None = None,
    replicates: int = 3,
    test_size: float | int = 0.3,
    nested: bool = False,
    seed: int = 0,
    data: str = "data",
    model: str | None = None,
) -> LearningCurves:
    """Train clones of a scikit-learn estimator on growing subsets and count their test errors.

    Parameters
    ----------
    estimator
        Classifier (error counts) or regressor (mean squared error); it is cloned, never fitted itself.
    X, y
        Features and targets.
    sizes
        Training-set sizes; by default eight log-spaced ones up to what the test set leaves.
    replicates, test_size, nested, seed
        As in `LearningCurveSplit`.
    data, model
        Labels; the estimator's class names the model by default.

    Raises
    ------
    InvalidInputError
        When the sizes do not fit the data. A training that fails becomes a flagged row with its reason.
    """
    from sklearn.base import clone, is_classifier

    X, y = _indexable(X), np.asarray(y)
    total = len(y)
    n_test = round(test_size * total) if test_size < 1 else int(test_size)
    chosen = (
        learning_curve_sizes(total - n_test, n_min=max(2, min(16, (total - n_test) // 8)))
        if sizes is None
        else sizes
    )
    splitter = LearningCurveSplit(
        chosen, replicates=replicates, test_size=test_size, nested=nested, seed=seed
    )
    counts, label = is_classifier(estimator), model or type(estimator).__name__
    rows, notes = [], []
    for (n, replicate), (train, test) in zip(splitter.plan, splitter.split(X)):
        row = {
            "data": data,
            "model": label,
            "inference": "fit",
            "n_train": n,
            "seed": replicate,
            "n_test": len(test),
        }
        started = process_time()
        try:
            fitted = clone(estimator)
            if "random_state" in fitted.get_params(deep=False):
                fitted.set_params(random_state=seed_for(seed, "estimator", replicate, n) % 2**32)
            predicted = fitted.fit(X[train], y[train]).predict(X[test])
        except ValueError as error:
            notes.append(f"{label} at n_train {n}, seed {replicate}: {error}")
            rows.append({**row, "status": "exception"})
            continue
        row |= {"status": "ok", "seconds": process_time() - started}
        wrong = predicted != y[test]
        rows.append(
            {**row, "n_errors": int(wrong.sum())}
            if counts
            else {**row, "mse": float(np.mean((predicted - y[test]) ** 2))}
        )
    chance = _chance_error(y, counts)
    frame = pd.DataFrame(rows).assign(chance_error=chance)
    names = {"n_errors": "n_errors"} if counts else {"value": "mse", "metric": "mse"}
    if not set(names.values()) & set(frame.columns) or ("mse" not in frame and not counts):
        raise InvalidInputError(f"{label} could not be trained at any size: {notes[0]}")
    curves = LearningCurves.from_frame(
        frame, training_sets="nested" if nested else "independent", shared_test_set=True, **names
    )
    return LearningCurves(curves.table, curves.facts, curves.training_sets, True, (*curves.notes, *notes))


def _indexable(X: Any) -> Any:
    return X.to_numpy() if hasattr(X, "to_numpy") else (X if hasattr(X, "shape") else np.asarray(X))


def _chance_error(y: np.ndarray, counts: bool) -> float:
    if counts:
        return float(1.0 - np.unique(y, return_counts=True)[1].max() / len(y))
    return float(np.var(y))
