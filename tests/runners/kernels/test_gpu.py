"""The Triton layer in interpreter mode against plain tensor operations; devices and tiles among them."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from curvefit.errors import InvalidInputError
from runners.architectures import FCN, GAP, VEC
from runners.kernels import nngp_ntk

COMPARE = """
import numpy as np
from runners.architectures import FCN, GAP, LCN, VEC
from runners.kernels import eager, gpu, plan_kernel

x = np.random.default_rng(0).standard_normal((6, 3, 2, 2))
x[4], x[5] = x[0], -x[1]
cases = [
    FCN(depth=3, b_std=0.1), VEC(depth=1, width=8, parameterisation="standard", filter=(3, 2)),
    GAP(depth=1, activation="erf", filter=(2, 2)), GAP(padding="same", activation="gelu", b_std=0.2, filter=(3, 2)),
    GAP(depth=1, strides=(3, 1), filter=(2, 2)), LCN(readout="pool", filter=(3, 1), padding="valid", depth=1),
    FCN(depth=2, activation="gelu", w_std=1e4), VEC(depth=1, activation="erf", filter=(2, 1), w_std=1e4),
    GAP(pools=(1,), padding="same", activation="leaky-relu", filter=(2, 1)),
]
for number, architecture in enumerate(cases):
    plan = plan_kernel(architecture, x.shape[1:])
    dtype, tolerance = ("float32", 3e-3) if number == 2 else ("float64", 1e-13)
    rows, columns = x[:4].astype(dtype), x[3:].astype(dtype)
    for other in (None, columns) if number == 0 else (columns,):
        plain = eager.compute_tile(plan, rows, other, block=4)
        fused = eager.compute_tile(plan, rows, other, block=100, step=gpu.triton_step)
        for a, b in zip(plain, fused):
            assert b.dtype == a.dtype
            np.testing.assert_allclose(a, b, atol=tolerance * np.abs(a).max(), err_msg=f"{architecture}")
print("agree")
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_layer_agrees_with_tensor_operations_in_interpreter_mode():
    found = subprocess.run(
        [sys.executable, "-c", COMPARE],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert found.stdout.strip() == "agree", found.stderr[-2000:]


@pytest.mark.parametrize("architecture", [FCN(depth=2), VEC(pools=(1,)), GAP()])
def test_tiles_spread_over_devices_make_no_difference(architecture):
    x = np.random.default_rng(1).standard_normal((40, 4, 4, 2))
    alone = nngp_ntk(architecture, x, threads=1)
    spread = nngp_ntk(architecture, x, device=["cpu", "cpu", "cpu"], memory_budget=2 * 10**7)
    np.testing.assert_allclose(spread.ntk, alone.ntk, rtol=1e-13)


@pytest.mark.parametrize("device", ["gpu", "cuda:97", "meta", [], ["cpu", "nowhere"]])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(InvalidInputError, match="device"):
        nngp_ntk(FCN(), np.ones((2, 2, 2, 1)), device=device)
