"""Kernel regression of every size from one factorisation, against separate solves and other formulas."""

import json

import numpy as np
import pytest

from curvefit.errors import FitError, InvalidInputError
from runners.architectures import FCN, VEC
from runners.kernels import nngp_ntk
from runners.kernels.factor import factorise
from runners.kernels.regression import leave_one_out, predict_flow, predict_prefixes, predict_variance
from tests.runners.kernels import references


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(0)
    x = random.standard_normal((90, 3, 3, 2))
    gram = nngp_ntk(FCN(depth=2, b_std=0.1), x).ntk
    return gram[:60, :60], random.standard_normal((60, 3)), gram[:60, 60:], np.diag(gram)[60:]


def test_every_size_equals_a_solve_of_its_own(problem):
    gram, y, cross, variance = problem
    factor = factorise(gram, ridge=1e-3)
    ridge = 1e-3 * np.trace(gram) / 60 * np.eye(60)
    sizes = [1, 7, 30, 59]
    variances = dict(predict_variance(factor, cross, variance, sizes))
    for n, predictions in predict_prefixes(factor, y, cross, sizes):
        inverse = np.linalg.inv((gram + ridge)[:n, :n])
        np.testing.assert_allclose(predictions, cross[:n].T @ inverse @ y[:n], atol=1e-9)
        expected = variance - np.einsum("it,ij,jt->t", cross[:n], inverse, cross[:n])
        np.testing.assert_allclose(variances[n], expected, atol=1e-9)


def test_leave_one_out_equals_leaving_one_out(problem, monkeypatch):
    monkeypatch.setattr("runners.kernels.regression.STRIP", 16)
    gram, y, _, _ = problem
    found = dict(leave_one_out(factorise(gram, ridge=1e-2), y, [1, 40, 60]))
    full = gram + 1e-2 * np.trace(gram) / 60 * np.eye(60)
    np.testing.assert_allclose(found[1], y[:1], atol=1e-12)
    for n, i in ((40, 0), (40, 39), (60, 0), (60, 31), (60, 59)):
        rest = np.delete(np.arange(n), i)
        prediction = full[i, rest] @ np.linalg.solve(full[np.ix_(rest, rest)], y[rest])
        np.testing.assert_allclose(found[n][i], y[i] - prediction, atol=1e-10)


def test_flow_tends_to_the_ridge_solution_and_starts_at_zero(problem):
    gram, y, cross, _ = problem
    early, late = predict_flow(gram, y, cross, [1e-9, np.inf], ridge=1e-3)
    assert np.abs(early).max() < 1e-6
    ((_, limit),) = predict_prefixes(factorise(gram, ridge=1e-3), y, cross, [60])
    np.testing.assert_allclose(late, limit, atol=1e-8)


def test_jitter_is_recorded_never_silent(problem):
    gram, _, _, _ = problem
    assert factorise(gram, ridge=1e-6).jitter == 0
    twice = gram[:30, :30].repeat(2, 0).repeat(2, 1)
    factor = factorise(twice)
    assert factor.jitter > 0
    assert factor.ridge == pytest.approx(factor.jitter)
    lower = np.tril(factor.lower)
    np.testing.assert_allclose(lower @ lower.T, twice + factor.ridge * np.eye(60), atol=1e-12)
    with pytest.raises(FitError, match="not positive definite"):
        factorise(gram - 2 * np.trace(gram) * np.eye(60) / 60, scale=1.0)


def test_condition_number_is_right_within_percents(problem):
    gram, _, _, _ = problem
    assert factorise(gram).condition == pytest.approx(np.linalg.cond(gram), rel=0.1)


def test_factorises_in_place_when_asked(problem):
    gram = problem[0].copy()
    assert np.shares_memory(factorise(gram, ridge=1e-3, overwrite=True).lower, gram)


@pytest.mark.parametrize("sizes", [[], [0, 3], [3, 3], [5, 4], [61]])
def test_sizes_must_increase_within_range(problem, sizes):
    gram, y, cross, _ = problem
    with pytest.raises(InvalidInputError, match="must increase"):
        list(predict_prefixes(factorise(gram, ridge=1e-3), y, cross, sizes))


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.full((2, 2), np.nan)])
def test_bad_matrices_are_refused(bad):
    with pytest.raises(InvalidInputError, match=r"square|NaN"):
        factorise(bad)


@pytest.mark.parametrize("ridge", [-1e-3, np.nan, np.inf])
def test_a_ridge_that_is_negative_or_not_finite_is_refused(problem, ridge):
    gram, y, cross, _ = problem
    with pytest.raises(InvalidInputError, match=f"ridge {ridge} is not allowed"):
        factorise(gram, ridge=ridge)
    with pytest.raises(InvalidInputError, match=f"ridge {ridge} is not allowed"):
        predict_flow(gram, y, cross, [1.0], ridge=ridge)


def test_agrees_with_neural_tangents_predictions():
    file = references.SHARED / "predict_vec_d3_relu_wb_SAME.npz"
    if not file.exists():
        pytest.skip(f"{file} is absent")
    with np.load(references.SHARED / "inputs.npz") as arrays:
        x1, x2 = arrays["X1"], arrays["X2"]
    architecture = references.shared_architecture("vec_d3_relu_wb_SAME")
    train, cross, test = (nngp_ntk(architecture, *x) for x in ((x1,), (x1, x2), (x2,)))
    with np.load(file) as golden:
        y = golden["y"]
        for kind in ("nngp", "ntk"):
            gram, against = getattr(train, kind), getattr(cross, kind)
            flows = predict_flow(gram, y, against, [1.0, 100.0, np.inf], ridge=1e-6)
            for time, flow in zip(("1.0", "100.0", "None"), flows):
                np.testing.assert_allclose(flow, golden[f"mean_{kind}_t{time}"], atol=1e-7)
            factor = factorise(gram, ridge=1e-6)
        covariance = golden["nngp_cov_tNone"]
    factor = factorise(train.nngp, ridge=1e-6)
    ((_, variance),) = predict_variance(factor, cross.nngp, np.diag(test.nngp), [len(x1)])
    np.testing.assert_allclose(variance, np.diag(covariance), atol=1e-7)


@pytest.mark.parametrize(
    ("name", "architecture", "side"),
    [
        ("fmnist_curve_fcn_28", FCN(depth=3, b_std=0.1), 28),
        ("fmnist_curve_vec_14", VEC(depth=3, padding="same", b_std=0.1), 14),
    ],
)
def test_learning_curve_on_fashion_mnist_agrees_with_the_reference(name, architecture, side):
    file = references.SHARED / f"{name}.npz"
    if not file.exists():
        pytest.skip(f"{file} is absent")
    expected = json.loads(file.with_suffix(".json").read_text())
    x, y, xt, labels = fashion_mnist(expected["N"], expected["T"], side)
    gram, cross = nngp_ntk(architecture, x), nngp_ntk(architecture, x, xt)
    targets = np.eye(10)[y] - 0.1
    with np.load(file) as golden:
        for kind, tolerance in (("nngp", 1e-9), ("ntk", 1e-7)):  # their tangent diagonal is 1e-7 off
            head = getattr(gram, kind)[:8, :8]
            np.testing.assert_allclose(head, golden[f"K_{kind}_head"], rtol=1e-6)
            factor = factorise(getattr(gram, kind), ridge=1e-6)
            sizes = [int(n) for n in golden["ns"]]
            for n, f in predict_prefixes(factor, targets, getattr(cross, kind), sizes):
                np.testing.assert_allclose(f[:50], golden[f"{kind}_{n}"], atol=tolerance)
                accuracy, loss = expected["curve"][kind][str(n)]
                assert np.mean(f.argmax(1) == labels) == accuracy
                squares = np.square(f - np.eye(10)[labels] + 0.1).sum(1)
                assert squares.mean() == pytest.approx(loss, abs=1e-6)


def fashion_mnist(n_train, n_test, side):
    """The first images as published, standardised as a whole, averaged over blocks down to `side` pixels."""
    from runners.datasets import DATASETS

    try:
        pool = DATASETS["fashion-mnist"]().pool()
    except OSError as error:
        pytest.skip(f"Fashion-MNIST is not installed: {error}")
    images, y = (np.asarray(values) for values in (pool.x, pool.y))
    published, block = pool.n_published_test, 28 // side
    mean, spread = images[:-published].mean(), images[:-published].astype(float).std()

    def shrink(x):
        return ((x - mean) / spread).reshape(len(x), side, block, side, block, 1).mean((2, 4))

    x, xt = images[:n_train].astype(float), images[-published:][:n_test].astype(float)
    return shrink(x), y[:n_train], shrink(xt), y[-published:][:n_test]
