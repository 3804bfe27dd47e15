"""Learning curves of scikit-learn estimators: log-spaced training subsets and one fixed test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
        total = _length(X)
        n_test = _test_count(self.test_size, total)
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


def _test_count(test_size: float | int, total: int) -> int:
    return round(test_size * total) if test_size < 1 else int(test_size)


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
        Classifier (error counts), regressor (mean squared error) or a pipeline that ends in one; it is cloned,
        never fitted itself. Every ``random_state`` inside it is set by the run's seed.
    X
        Features: array, sparse matrix, pandas or polars frame, or list of texts; rows are examples.
    y
        Targets, shape (examples,); for regressors (examples, outputs) too.
    sizes
        Training-set sizes; by default eight log-spaced ones up to what the test set leaves.
    replicates, test_size, nested, seed
        As in `LearningCurveSplit`.
    data, model
        Labels; the estimator's class (of a pipeline, its last step's) names the model by default.

    Raises
    ------
    InvalidInputError
        When the sizes do not fit the data, or X and y differ in length. A training that fails becomes a flagged
        row, and a note gives its reason.
    """
    from sklearn.base import clone, is_classifier

    target = _target(y)
    if _length(X) != len(target):
        raise InvalidInputError(f"X has {_length(X)} rows, y has {len(target)}")
    counts, label = is_classifier(estimator), model or _class_name(estimator)
    if counts and target.ndim > 1:
        raise InvalidInputError(f"{label} is a classifier: y needs shape (examples,), not {target.shape}")
    if sizes is None:
        room = len(target) - _test_count(test_size, len(target))
        sizes = learning_curve_sizes(room, n_min=max(2, min(16, room // 8)))
    splitter = LearningCurveSplit(sizes, replicates=replicates, test_size=test_size, nested=nested, seed=seed)
    rows, notes = [], []
    for (n, replicate), (train, test) in zip(splitter.plan, splitter.split(target)):
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
            fitted = _reseeded(clone(estimator), seed_for(seed, "estimator", replicate, n) % 2**32)
            predicted = np.asarray(fitted.fit(_rows(X, train), target[train]).predict(_rows(X, test)))
        except ValueError as error:
            notes.append(f"{label} at n_train {n}, seed {replicate}: {error}")
            rows.append({**row, "status": "exception", "value": np.nan})
            continue
        predicted = predicted.reshape(target[test].shape)
        seen = float(
            np.mean(predicted != target[test]) if counts else np.mean((predicted - target[test]) ** 2)
        )
        rows.append({**row, "status": "ok", "seconds": process_time() - started, "value": seen})
    if all(row["status"] != "ok" for row in rows):
        raise InvalidInputError(f"{label} could not be trained at any size: {notes[0]}")
    curves = LearningCurves.from_frame(
        pd.DataFrame(rows).assign(chance_error=_chance_error(target, counts)),
        metric="error-rate" if counts else "mse",
        training_sets="nested" if nested else "independent",
        shared_test_set=True,
    )
    return replace(curves, notes=(*curves.notes, *notes))


def _target(y: Any) -> np.ndarray:
    """Return targets as an array; a single column becomes a vector, since sklearn predicts vectors."""
    target = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    return target.ravel() if target.ndim == 2 and target.shape[1] == 1 else target


def _length(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _rows(X: Any, index: np.ndarray) -> Any:
    """Return rows of whatever holds the features; frames stay frames, so that column names reach the estimator."""
    if hasattr(X, "iloc"):
        return X.iloc[index]
    if hasattr(X, "tocsr"):
        return X.tocsr()[index]
    return X[index] if hasattr(X, "shape") else [X[i] for i in index]


def _class_name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    return _class_name(steps[-1][1]) if steps else type(estimator).__name__


def _reseeded(estimator: Any, seed: int) -> Any:
    names = [
        n for n in estimator.get_params(deep=True) if n == "random_state" or n.endswith("__random_state")
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))


def _chance_error(y: np.ndarray, counts: bool) -> float:
    """Return the error of the best constant guess."""
    if counts:
        return float(1.0 - np.unique(y, return_counts=True)[1].max() / len(y))
    return float(np.mean(np.var(y, axis=0)))
