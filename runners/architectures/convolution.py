"""Convolutions of a whole stack of nets, each net with its own filters.

Three ways give the same numbers up to rounding; which is fastest depends on the machine:

``per-model``
    One library convolution per net: fastest on CPUs by about a third, since nothing is gathered.
``windows``
    Gather all windows, one batched product: few, large kernels, which GPUs want.
``grouped``
    One library convolution with a group per net: rarely fast, kept because libraries change.

On CPUs the way is fixed, so that a seed fixes every digit. On a GPU it is chosen by measuring, once
per shape and process, the first time a stack of that shape is trained (`choose_way`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from runners.architectures.patches import gather_windows, pad_images
from runners.architectures.windows import Windows

Way = Callable[[torch.Tensor, torch.Tensor, Windows], torch.Tensor]

_chosen: dict[tuple[object, ...], str] = {}


def convolve(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> torch.Tensor:
    """Convolve each net's images with its own filters.

    Parameters
    ----------
    x
        ``(model, example, height, width, channel)``.
    weight
        ``(model, taps * channel, out)``.
    windows
        Geometry of the filter.

    Returns
    -------
    torch.Tensor
        ``(model, example, out_height, out_width, out)``.
    """
    if x.device.type == "cpu":
        return _per_model(x, weight, windows)
    key = _key(x, weight, windows)
    if key not in _chosen and _may_measure(x):
        choose_way(x, weight, windows)
    return WAYS[_chosen.get(key, "windows")](x, weight, windows)


def _may_measure(x: torch.Tensor) -> bool:
    """Return whether kernels can be timed here: not inside a graph capture, not inside `torch.func`."""
    if torch._C._are_functorch_transforms_active():
        return False
    return not (x.device.type == "cuda" and torch.cuda.is_current_stream_capturing())


def choose_way(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> str:
    """Measure all ways forward and backward on `x`, remember the fastest for its shape, and return it."""
    key = _key(x, weight, windows)
    if key not in _chosen:
        _chosen[key] = min(WAYS, key=lambda way: time_way(WAYS[way], x, weight, windows))
    return _chosen[key]


def _per_model(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> torch.Tensor:
    filters = _filters(weight, windows, x.shape[-1])
    outs = [
        F.conv2d(images.permute(0, 3, 1, 2), own, stride=windows.strides).permute(0, 2, 3, 1)
        for images, own in zip(pad_images(x, windows, axis=2).unbind(), filters.unbind())
    ]
    return outs[0][None] if len(outs) == 1 else torch.stack(outs)


def _by_windows(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> torch.Tensor:
    patches = gather_windows(x, windows, axis=2)
    out = torch.bmm(patches.flatten(1, 3), weight)
    return out.view(*patches.shape[:4], -1)


def _grouped(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> torch.Tensor:
    models, examples, _, _, channels = x.shape
    padded = pad_images(x, windows, axis=2)
    merged = padded.permute(1, 0, 4, 2, 3).reshape(examples, models * channels, *padded.shape[2:4])
    filters = _filters(weight, windows, channels).flatten(0, 1)
    out = F.conv2d(merged, filters, stride=windows.strides, groups=models)
    return out.reshape(examples, models, -1, *windows.output).permute(1, 0, 3, 4, 2)


WAYS: dict[str, Way] = {
    "per-model": _per_model,
    "windows": _by_windows,
    "grouped": _grouped,
}


def _filters(weight: torch.Tensor, windows: Windows, channels: int) -> torch.Tensor:
    """Return the weights as library filters ``(model, out, channel, height, width)``."""
    return weight.unflatten(1, (*windows.filter, channels)).permute(0, 4, 3, 1, 2)


def _key(x: torch.Tensor, weight: torch.Tensor, windows: Windows) -> tuple[object, ...]:
    return windows, tuple(x.shape), tuple(weight.shape), x.dtype, x.device


def time_way(
    way: Way, x: torch.Tensor, weight: torch.Tensor, windows: Windows, *, repeats: int = 10
) -> float:
    """Return the seconds that `repeats` passes forward and backward take in one way."""
    weight = weight.detach().clone().requires_grad_()
    x = x.detach().clone().requires_grad_()

    @torch.enable_grad()
    def once() -> None:
        torch.autograd.grad(way(x, weight, windows).square().sum(), (x, weight))

    for _ in range(3):
        once()
    _synchronise(x)
    start = time.perf_counter()
    for _ in range(repeats):
        once()
    _synchronise(x)
    return time.perf_counter() - start


def _synchronise(x: torch.Tensor) -> None:
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
