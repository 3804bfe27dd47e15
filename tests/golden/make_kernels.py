"""Writes kernels.npz: NNGP and NTK matrices made with google/neural-tangents (not a dependency).

Run it in an environment of its own: Python 3.11, neural-tangents 0.6.5, jax == jaxlib == 0.4.28,
tf2jax 0.3.6, numpy 1.26.4, scipy 1.12. Everything is float64 on the CPU.

It covers what changes shapes or fan-in: standard parameterisation, rectangular and even filters,
strides, pooling layers, GELU and leaky ReLU.
"""

from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from neural_tangents import stax  # noqa: E402

random = np.random.RandomState(7)
X1 = random.standard_normal((6, 6, 7, 2))
X2 = random.standard_normal((4, 6, 7, 2))


def net(
    readout,
    *,
    depth=2,
    width=1,
    w=1.3,
    b=0.25,
    act="relu",
    filter=(3, 3),
    strides=(1, 1),
    padding="SAME",
    pool=None,
    parameterization="ntk",
    local=False,
):
    activation = {
        "relu": stax.Relu,
        "erf": stax.Erf,
        "gelu": stax.Gelu,
        "leaky-relu": lambda: stax.LeakyRelu(0.2),
    }[act]
    keys = dict(W_std=w, b_std=b, parameterization=parameterization)
    layers = []
    if readout == "dense":
        layers.append(stax.Flatten())
    conv = stax.ConvLocal if local else stax.Conv
    for number in range(1, depth + 1):
        if readout == "dense":
            layers.append(stax.Dense(width, **keys))
        else:
            layers.append(conv(width, filter, strides, padding, **keys))
        layers.append(activation())
        if pool == number:
            layers.append(stax.AvgPool((2, 2), strides=(2, 2), padding="VALID"))
    if readout == "flatten":
        layers.append(stax.Flatten())
    if readout == "pool":
        layers.append(stax.GlobalAvgPool())
    layers.append(stax.Dense(1, **keys))
    return stax.serial(*layers)


CASES = {}
for readout in ("dense", "flatten", "pool"):
    for act in ("gelu", "erf", "leaky-relu"):
        CASES[f"{readout}-{act}"] = dict(readout=readout, act=act)
    CASES[f"{readout}-standard"] = dict(readout=readout, width=128, parameterization="standard", b=0.1)
for readout in ("flatten", "pool"):
    for name, keys in {
        "k3x5": dict(filter=(3, 5)),
        "k2x2": dict(filter=(2, 2)),
        "k4x3-circular": dict(filter=(4, 3), padding="CIRCULAR"),
        "stride2": dict(strides=(2, 2)),
        "stride2-circular": dict(strides=(2, 2), padding="CIRCULAR"),
        "stride2x1-valid": dict(strides=(2, 1), padding="VALID", depth=1),
        "pool1": dict(pool=1),
        "pool2-gelu": dict(pool=2, act="gelu"),
    }.items():
        CASES[f"{readout}-{name}"] = dict(readout=readout, **keys)
        CASES[f"{readout}-{name}-local"] = dict(readout=readout, local=True, **keys)
CASES["pool-gelu-local"] = dict(readout="pool", act="gelu", local=True)
CASES["pool-leaky-relu-local"] = dict(readout="pool", act="leaky-relu", local=True)

arrays = {"X1": X1, "X2": X2}
for name, keys in CASES.items():
    kernel = jax.jit(net(**keys)[2], static_argnames="get")
    try:
        for tag, other in {"11": X1, "12": X2}.items():
            result = kernel(X1, None if tag == "11" else other, get=("nngp", "ntk"))
            arrays[f"{name}|nngp_{tag}"] = np.asarray(result.nngp)
            arrays[f"{name}|ntk_{tag}"] = np.asarray(result.ntk)
    except NotImplementedError as error:
        print("left out:", name, error)
        continue
    print(name, arrays[f"{name}|ntk_12"].shape)
np.savez_compressed(Path(__file__).with_name("kernels.npz"), **arrays)
