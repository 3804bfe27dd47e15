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


def test_any_estimator_on_any_features():
    pytest.importorskip("sklearn")
    pandas = pytest.importorskip("pandas")
    from scipy.sparse import coo_matrix
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pandas.DataFrame(X[:, :2], columns=["a", "b"]).assign(kind=np.where(X[:, 2] > 0, "p", "q"))
    named = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"]))
    words = [f"good fine {i % 3}" if label else f"bad poor {i % 3}" for i, label in enumerate(Y)]
    cases = [
        (
            make_pipeline(named, LogisticRegression()),
            frame,
            pandas.DataFrame({"y": np.where(Y, "yes", "no")}),
        ),
        (make_pipeline(CountVectorizer(), MultinomialNB()), words, Y),
        (LogisticRegression(), coo_matrix(X), list(Y)),
        (Ridge(), X, np.stack([X[:, 0], X[:, 1]], axis=1)),
        (RandomForestRegressor(2), X, X[:, :1]),
    ]
    for estimator, features, target in cases:
        curves = measure_learning_curve(estimator, features, target, sizes=[32, 200], replicates=2)
        assert len(curves.usable) == 4, str(curves)
        assert (curves.usable["value"] < curves.usable["chance_error"]).all()
    assert curves.triplets[0].model == "RandomForestRegressor"
    again = measure_learning_curve(*cases[-1], sizes=[32, 200], replicates=2)
    assert again.usable["value"].equals(curves.usable["value"]), (
        "random_state of the estimator follows the seed"
    )


def test_features_and_targets_must_agree():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(InvalidInputError, match="X has 400 rows, y has 399"):
        measure_learning_curve(LogisticRegression(), X, Y[:-1])
    with pytest.raises(InvalidInputError, match="y needs shape"):
        measure_learning_curve(LogisticRegression(), X, np.stack([Y, Y], axis=1))


def test_a_failed_training_is_a_row():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    labels = (np.arange(400) < 40).astype(int)
    curves = measure_learning_curve(LogisticRegression(), X, labels, sizes=[2, 200], replicates=3, seed=1)
    failed = curves.table[curves.table["flag"] != ""]
    assert len(failed) >= 1
    assert failed["flag"].eq("run exception").all()
    assert any("at n_train 2" in note for note in curves.notes)
    with pytest.raises(InvalidInputError, match="could not be trained"):
        measure_learning_curve(LogisticRegression(), X, np.zeros(400, dtype=int), sizes=[4, 8], replicates=1)


def test_sizes_are_checked():
    assert learning_curve_sizes(1000, n_min=10, count=3).tolist() == [10, 100, 1000]
    with pytest.raises(InvalidInputError):
        learning_curve_sizes(10, n_min=20)
    with pytest.raises(InvalidInputError, match="fewer than the largest size"):
        list(LearningCurveSplit([390], test_size=50).split(X))
