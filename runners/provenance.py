"""Where a record comes from: code digest, versions, device, time."""

from __future__ import annotations

import hashlib
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "numpy", "scipy", "numba")


def provenance(device: str) -> dict[str, Any]:
    """Return the provenance of a record written now on `device`."""
    return {**_constant(device), "time": datetime.now(UTC).isoformat(timespec="seconds")}


@cache
def _constant(device: str) -> dict[str, Any]:
    return {
        "code": code_digest(),
        "device": device_name(device),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def code_digest() -> str:
    """Return a digest of the sources of both packages: recorded with a run, never part of its id."""
    digest = hashlib.blake2b(digest_size=8)
    here = Path(__file__).resolve().parent
    for package in (here, here.parent / "curvefit"):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package.parent).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def device_name(device: str) -> str:
    """Return a name such as ``"cpu"`` or ``"cuda (NVIDIA H200)"``."""
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return device
