"""`nngp_ntk`: Gram matrices of infinite-width nets, tile by tile under a memory budget."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import numpy as np
import torch

from curvefit.errors import InvalidInputError
from runners.architectures.abstract import AbstractArchitecture
from runners.kernels import eager, fused
from runners.kernels.checks import check_devices, check_images, explain_overflow
from runners.kernels.plan import KernelPlan, pair_flops
from runners.kernels.reading import plan_kernel
from runners.kernels.tiles import (
    Progress,
    Stopwatch,
    Tile,
    TileFolder,
    digest,
    list_tiles,
    place,
    printed_progress,
    spread,
)

Array = Any  # numpy.ndarray or torch.Tensor
Engine = Literal["auto", "fused", "eager"]
DEFAULT_BUDGET = 2**30
EDGES = (512, 256, 128, 64, 32, 16, 8, 4, 2, 1)
TILE_FLOPS = 4e10
"""Work a tile may hold, so that progress moves and an interrupted run loses seconds."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """Both Gram matrices of one infinite-width net, rows from the first argument.

    Parameters
    ----------
    nngp, ntk
        Covariance of the net's prior, and its neural tangent kernel, ``(n1, n2)``; arrays or tensors
        as the images were.
    """

    nngp: Array
    ntk: Array


TileFunction = Callable[[np.ndarray, "np.ndarray | None", str], tuple[np.ndarray, np.ndarray]]
"""From images of rows and columns (None: the same) and a device to (nngp, ntk)."""


def nngp_ntk(
    architecture: AbstractArchitecture,
    x1: Array,
    x2: Array | None = None,
    *,
    dtype: Literal["float64", "float32"] = "float64",
    device: str | Sequence[str] = "cpu",
    engine: Engine = "auto",
    memory_budget: int = DEFAULT_BUDGET,
    threads: int | None = None,
    folder: str | Path | None = None,
    renew: bool = False,
    progress: bool | Progress | None = False,
) -> Kernels:
    """Compute the NNGP and NTK Gram matrices of an infinitely wide `architecture`.

    Parameters
    ----------
    architecture
        FCN, LCN, VEC, GAP, or another that `plan_kernel` can read, with its settings.
    x1, x2
        Images ``(n, height, width, channels)``, arrays or tensors; without `x2` the symmetric matrix of
        `x1` with itself, of which only unique pairs are computed.
    dtype
        Precision of the whole computation and of the result.
    device
        A torch device, or several, among which tiles are shared out.
    engine
        ``"fused"`` (on the CPU compiled loops, without pools between layers; on CUDA devices one Triton kernel
        a layer), ``"eager"`` (tensor operations, everything), or ``"auto"``: fused where it applies.
    memory_budget
        Bytes of working memory, beside images and results: in all on the CPU, on each of other devices.
    threads
        Tiles computed at once on one CPU; as many as torch may use by default.
    folder
        Where finished tiles are kept; a later call with the same arguments resumes from them. Another memory
        budget or number of threads may mean tiles of another size, which are computed anew.
    renew
        Whether tiles of another matrix in `folder` are thrown away; else they are refused.
    progress
        True for a bar on a terminal and a line now and then elsewhere, both on standard error; or a function that
        receives `TileProgress`, at most once a second.

    Returns
    -------
    Kernels
        Arrays for arrays, tensors (on the first `device`) for tensors.

    Raises
    ------
    InvalidInputError
        For wrong shapes, values that are not finite, a filter larger than the image, a device that is not
        there, a number of threads below 1, or a memory budget that does not hold the smallest tile: before the work
        starts. For kernels larger than `dtype` holds: as soon as a tile is not finite.

    References
    ----------
    Lee et al. arXiv:1711.00165 (NNGP), Jacot et al. arXiv:1806.07572 (NTK), Novak et al.
    arXiv:1810.05148 and Arora et al. arXiv:1904.11955 (convolutions), Novak et al. arXiv:1912.02803.

    Examples
    --------
    >>> import numpy as np
    >>> from runners.architectures import FCN
    >>> x = np.eye(4).reshape(4, 2, 2, 1)
    >>> nngp_ntk(FCN(depth=1), x).nngp.shape
    (4, 4)
    """
    as_tensor = isinstance(x1, torch.Tensor)
    first = check_images("x1", x1, dtype)
    second = None if x2 is None else check_images("x2", x2, dtype)
    if second is not None and second.shape[1:] != first.shape[1:]:
        raise InvalidInputError(
            f"x1 and x2 differ in image shape: {first.shape[1:]} and {second.shape[1:]}; they must agree"
        )
    plan = plan_kernel(architecture, first.shape[1:])
    devices = check_devices(device, threads)
    budget = memory_budget // (devices.count("cpu") or 1)
    compute, edge = _choose_engine(plan, engine, devices, budget, np.dtype(dtype).itemsize)
    columns = first if second is None else second
    tiles = list_tiles(len(first), len(columns), edge=edge, symmetric=second is None)

    def finite(rows: np.ndarray, others: np.ndarray | None, device: str) -> tuple[np.ndarray, np.ndarray]:
        nngp, ntk = compute(rows, others, device)
        if not (np.isfinite(nngp).all() and np.isfinite(ntk).all()):
            raise explain_overflow(plan, rows if others is None else np.concatenate([rows, others]))
        return nngp, ntk

    store = None
    if folder is not None:
        content = {"plan": plan.content(), "images": digest(first, second), "dtype": dtype}
        store = TileFolder(folder, content, renew=renew)
    result = np.empty((2, len(first), len(columns)), dtype)
    with printed_progress() if progress is True else nullcontext(progress or None) as report:
        watch = Stopwatch(sum(tile.pairs for tile in tiles), report)
        _fill(result, first, second, tiles, finite, store, watch, devices)
    if as_tensor:
        nngp, ntk = torch.from_numpy(result[0]).to(devices[0]), torch.from_numpy(result[1]).to(devices[0])
        return Kernels(nngp, ntk)
    return Kernels(result[0], result[1])


def _fill(
    result, first, second, tiles: list[Tile], compute: TileFunction, store, watch, devices: list[str]
) -> None:
    free: SimpleQueue[str] = SimpleQueue()
    for device in devices:
        free.put(device)
    waiting = []
    for tile in spread(tiles):
        kept = store.read(tile) if store is not None else None
        if kept is None:
            waiting.append(tile)
            continue
        place(result[0], tile, kept[0])
        place(result[1], tile, kept[1])
        watch.add(tile.pairs, computed=False)

    def work(tile: Tile) -> Tile:
        columns = None if tile.on_diagonal else (first if second is None else second)[tile.columns]
        device = free.get()
        try:
            nngp, ntk = compute(first[tile.rows], columns, device)
        finally:
            free.put(device)
        if store is not None:
            store.write(tile, nngp, ntk)
        place(result[0], tile, nngp)
        place(result[1], tile, ntk)
        return tile

    if len(devices) == 1 or len(waiting) < 2:
        for tile in waiting:
            watch.add(work(tile).pairs)
        return
    with ThreadPoolExecutor(min(len(devices), len(waiting))) as pool:
        futures = [pool.submit(work, tile) for tile in waiting]
        try:
            for future in as_completed(futures):
                watch.add(future.result().pairs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _choose_engine(
    plan: KernelPlan, engine: Engine, devices: list[str], budget: int, itemsize: int
) -> tuple[TileFunction, int]:
    if engine not in ("auto", "fused", "eager"):
        raise InvalidInputError(f"engine {engine!r} is not allowed; allowed: 'auto', 'fused', 'eager'")
    loops = engine != "eager" and set(devices) == {"cpu"} and fused.applies(plan)
    triton = engine != "eager" and all(name.startswith("cuda") for name in devices) and _has_triton()
    if engine == "fused" and not (loops or triton):
        raise InvalidInputError(
            "engine 'fused' needs, on the CPU, no pools between layers and, with circular padding, strides that "
            "divide the image; on CUDA devices, triton; allowed here: 'auto', 'eager'"
        )
    if loops:
        return _choose_fused(plan, budget, itemsize)
    need = eager.pair_bytes(plan, itemsize)
    block = budget // need
    if block < 1:
        raise InvalidInputError(
            f"memory_budget is too small: {budget:,} bytes a device or thread, one image pair needs {need:,}"
        )
    edge = next(edge for edge in EDGES if edge == 1 or edge * edge <= block)
    step = eager.tensor_step
    if triton:
        from runners.kernels import gpu

        step = gpu.triton_step

    def compute(rows: np.ndarray, columns: np.ndarray | None, device: str) -> tuple[np.ndarray, np.ndarray]:
        return eager.compute_tile(plan, rows, columns, block=block, device=device, step=step)

    return compute, edge


def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _choose_fused(plan: KernelPlan, budget: int, itemsize: int) -> tuple[TileFunction, int]:
    need = fused.tile_bytes(plan, EDGES[-1], itemsize)
    if need > budget:
        raise InvalidInputError(
            f"memory_budget is too small: {budget:,} bytes a thread, the smallest tile needs {need:,}"
        )
    flops = pair_flops(plan)
    edge = next(
        edge
        for edge in EDGES
        if edge == EDGES[-1]
        or (fused.tile_bytes(plan, edge, itemsize) <= budget and edge * edge * flops <= TILE_FLOPS)
    )

    def compute(rows: np.ndarray, columns: np.ndarray | None, device: str) -> tuple[np.ndarray, np.ndarray]:
        return fused.compute_tile(plan, rows, columns)

    return compute, edge
