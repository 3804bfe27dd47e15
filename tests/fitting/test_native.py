"""A function bound to its data: the same from any thread, and whatever the arrays' layout."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba import types

from curvefit.fitting.density import native
from curvefit.fitting.density.native import NUMBERS, Native, plain


def weighted(size, at, gradient, value, data):
    (weights, flag), power, square, _ = data[0]
    x = numba.carray(at, (size,))
    total = 0.0
    for i in range(size):
        for j in range(size):
            total -= 0.5 * weights[i, j] * x[i] * x[j]
    value[0] = square(total) if flag else total + power
    for i in range(size):
        gradient[i] = x[i]
    return 0


@numba.cfunc(types.float64(types.float64))
def square(x):
    return x * x


@pytest.mark.parametrize("flag", [True, False])
def test_arguments_arrive_as_they_are(flag):
    weights = np.arange(9.0).reshape(3, 3)
    bound = Native(weighted, ((weights, flag), 2.5, square))
    x = np.array([1.0, -2.0, 0.5])
    total = -0.5 * x @ weights @ x
    value, gradient = bound(x)
    assert value == pytest.approx(total**2 if flag else total + 2.5)
    np.testing.assert_array_equal(gradient, x)


def test_layout_and_width_of_arrays_change_nothing():
    weights = np.arange(9, dtype=np.int32).reshape(3, 3)
    locked = np.asfortranarray(weights.astype(np.float32))
    locked.flags.writeable = False
    x = np.array([1.0, 2.0, 3.0])
    usual = Native(weighted, ((weights.astype(float), 0), 0.0, square))
    odd = Native(weighted, ((locked, 0), 0.0, square))
    assert odd(x)[0] == usual(x)[0]
    assert odd.address == usual.address, "compiled twice"
    assert odd(x[::-1].copy()[::-1])[0] == usual(x)[0]


def test_its_data_outlive_the_caller_s_names():
    def bound():
        return Native(weighted, ((np.full((2, 2), 3.0), 0), 1.0, square))

    kept = [bound() for _ in range(50)]
    assert {one(np.array([1.0, 1.0]))[0] for one in kept} == {-5.0}


def test_threads_find_the_same():
    weights = np.random.default_rng(0).normal(size=(200, 200))
    bound = Native(weighted, ((weights, 0), 0.0, square))
    points = np.random.default_rng(1).normal(size=(40, 200))
    alone = [bound(x)[0] for x in points]
    with ThreadPoolExecutor(4) as pool:
        assert [value for value, _ in pool.map(bound, points)] == alone


def test_machine_code_of_other_sources_is_not_used_again(monkeypatch):
    arguments = ((np.eye(2), 0), 0.0, square)
    before = Native(weighted, arguments).address
    assert Native(weighted, arguments).address == before
    monkeypatch.setattr(native, "_sources", lambda: "changed since")
    assert Native(weighted, arguments).address != before


def test_arguments_become_plain():
    array, flag, count, number = plain((np.ones(3, np.float32)[::2], True, np.int32(4), np.float32(0.5)))
    assert array.dtype == np.float64
    assert array.flags.c_contiguous
    assert (type(flag), type(count), type(number)) == (int, int, float)
    assert types.CPointer(types.float64) == NUMBERS
