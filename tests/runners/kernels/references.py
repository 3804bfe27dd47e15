"""Golden Gram matrices: where they lie, and the architecture each was made for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runners.architectures import FCN, GAP, LCN, VEC, AbstractArchitecture

SHARED = Path(__file__).parents[4] / "shared" / "reference" / "kernels"
OWN = Path(__file__).parents[2] / "golden" / "kernels.npz"

VARIANTS: dict[str, dict] = {
    "gelu": {"activation": "gelu"},
    "erf": {"activation": "erf"},
    "leaky-relu": {"activation": "leaky-relu"},
    "standard": {"width": 128, "parameterisation": "standard", "b_std": 0.1},
    "k3x5": {"filter": (3, 5)},
    "k2x2": {"filter": (2, 2)},
    "k4x3-circular": {"filter": (4, 3), "padding": "circular"},
    "stride2": {"strides": (2, 2)},
    "stride2-circular": {"strides": (2, 2), "padding": "circular"},
    "stride2x1-valid": {"strides": (2, 1), "padding": "valid", "depth": 1},
    "pool1": {"pools": (1,)},
    "pool2-gelu": {"pools": (2,), "activation": "gelu"},
}


def own_names() -> list[str]:
    """Return the cases of tests/golden/kernels.npz (made by make_kernels.py beside it)."""
    with np.load(OWN) as arrays:
        return sorted({key.split("|")[0] for key in arrays.files if "|" in key})


def own_architecture(name: str) -> AbstractArchitecture:
    """Return the architecture of a case of tests/golden/kernels.npz."""
    readout, _, rest = name.partition("-")
    local = rest.endswith("-local")
    settings = {"depth": 2, "w_std": 1.3, "b_std": 0.25, **VARIANTS[rest.removesuffix("-local")]}
    if readout == "dense":
        return FCN(**settings)
    settings.setdefault("padding", "same")
    if local:
        return LCN(readout=readout, **settings)
    return (VEC if readout == "flatten" else GAP)(**settings)


def shared_names() -> list[str]:
    """Return the reference files named ARCH_dDEPTH_ACT_PAR[_PADDING], or one entry that skips."""
    return sorted(
        path.stem
        for path in SHARED.glob("*_d[0-9]_*.npz")
        if path.stem.count("_") >= 3 and not path.stem.startswith("predict")
    ) or ["absent"]


def shared_architecture(name: str) -> AbstractArchitecture:
    """Return the architecture of a reference file, from its name."""
    if name == "absent":
        pytest.skip(f"{SHARED} is absent: the shared reference kernels are not checked")
    kind, depth, activation, scale, *padding = name.split("_")
    settings: dict = {"depth": int(depth[1:]), "activation": activation}
    settings |= {"w_std": 2**0.5} if scale == "he" else {"w_std": 1.3, "b_std": 0.25}
    if activation.startswith("lrelu"):
        settings |= {"activation": "leaky-relu", "leak": float(activation[5:])}
    if padding:
        settings["padding"] = padding[0].lower()
    if kind == "lcngap":
        return LCN(readout="pool", **settings)
    return {"fcn": FCN, "vec": VEC, "gap": GAP, "lcnvec": LCN}[kind](**settings)
