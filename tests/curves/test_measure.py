"""scikit-learn estimators: subsets, fixed test set, honest labels."""

import numpy as np
import pytest

from curvefit.curves import LearningCurveSplit, learning_curve_sizes, measure_learning_curve
from curvefit.errors import InvalidInputError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 5))
Y = (X @ [1, -1, 0.5, 0, 0] + 0.3 * RNG.standard_normal(400) > 0).astype(int)


@pytest.mark.parametrize("nested", [True, False])
def test_splits(nested):
    splitter = LearningCurveSplit([16, 64], replicates=2, test_size=100, nested=nested)
    splits = list(splitter.split(X))
    assert [len(train) for train, _ in splits] == [16, 64, 16, 64]
    assert all(np.array_equal(test, splits[0][1]) for _, test in splits)
    assert all(not set(train) & set(test) for train, test in splits)
    assert set(splits[0][0]).issubset(splits[1][0]) == nested
    assert not np.array_equal(splits[1][0], splits[3][0])


def test_works_as_cv():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    scores = cross_val_score(LogisticRegression(), X, Y, cv=LearningCurveSplit([32, 128], replicates=1))
    assert len(scores) == 2


def test_measures_errors_that_fall():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression, LogisticRegression

    estimator = LogisticRegression()
    curves = measure_learning_curve(estimator, X, Y, replicates=2)
    assert not hasattr(estimator, "coef_")
    assert curves.metric == "error-rate"
    assert curves.training_sets == "independent"
    means = curves.means()["value"]
    assert means.iloc[-1] < means.iloc[0]
    assert (
        measure_learning_curve(LinearRegression(), X, X[:, 0], sizes=[16, 32], replicates=1).metric == "mse"
    )


def test_a_failed_training_is_a_row():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    labels = np.zeros(400, dtype=int)
    labels[:2] = 1
    with pytest.raises(InvalidInputError, match="could not be trained"):
        measure_learning_curve(LogisticRegression(), X, np.zeros(400, dtype=int), sizes=[4, 8], replicates=1)


def test_sizes_are_checked():
    assert learning_curve_sizes(1000, n_min=10, count=3).tolist() == [10, 100, 1000]
    with pytest.raises(InvalidInputError):
        learning_curve_sizes(10, n_min=20)
    with pytest.raises(InvalidInputError, match="fewer than the largest size"):
        list(LearningCurveSplit([390], test_size=50).split(X))
