"""What `nngp_ntk` refuses: images, devices and results that cannot be right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from curvefit.errors import InvalidInputError
from runners.kernels.plan import KernelPlan


def check_images(name: str, x: Any, dtype: str) -> np.ndarray:
    """Return images, an array or a tensor, as an array ``(n, height, width, channels)`` of `dtype`, all finite."""
    if dtype not in ("float64", "float32"):
        raise InvalidInputError(f"dtype {dtype!r} is not allowed; allowed: 'float64', 'float32'")
    values = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    if values.ndim != 4:
        raise InvalidInputError(
            f"{name} has shape {values.shape}; expected four axes (n, height, width, channels)"
        )
    if min(values.shape) < 1:
        raise InvalidInputError(f"{name} has shape {values.shape}; every axis must hold something")
    if values.dtype.kind not in "fiub":
        raise InvalidInputError(f"{name} holds {values.dtype}; expected real numbers")
    with np.errstate(over="ignore"):  # what overflows is refused below
        values = np.ascontiguousarray(values, dtype=dtype)
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2, 3)))
        raise InvalidInputError(
            f"{name} holds NaN or infinity in {len(bad)} of {len(values)} images, first image {bad[0]} (values as {dtype})"
        )
    return values


def explain_overflow(plan: KernelPlan, images: np.ndarray) -> InvalidInputError:
    """Return the error of a tile that is not finite: it names what the kernel grows from, and what helps."""
    remedies = ["images scaled down", "smaller w_std and b_std", "fewer layers"]
    if images.dtype == np.float32:
        remedies.insert(0, "dtype 'float64'")
    return InvalidInputError(
        f"the kernel is too large for {images.dtype}: images with values up to {np.abs(images).max():.3g} go through {plan.depth} "
        f"layers with w_std {plan.w_std:g}, b_std {plan.b_std:g}; what helps: {', '.join(remedies)}"
    )


def check_devices(device: str | Sequence[str], threads: int | None) -> list[str]:
    """Return a device for each tile computed at once."""
    if threads is not None and threads < 1:
        raise InvalidInputError(
            f"threads {threads} is not allowed; allowed: 1 or more, or None for torch's number"
        )
    devices = [device] if isinstance(device, str) else list(device)
    if not devices:
        raise InvalidInputError("device names no device; allowed: 'cpu', 'cuda', 'cuda:1', or a list of such")
    for name in devices:
        try:
            torch.empty(0, device=name).cpu()
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InvalidInputError(
                f"device {name!r} cannot be used here: {reason}; allowed: 'cpu', or a device that torch finds"
            ) from error
    return devices * (threads or torch.get_num_threads()) if devices == ["cpu"] else devices
