"""`nngp_ntk`: Gram matrices of infinite-width nets, tile by tile under a memory budget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from curvefit.errors import InvalidInputError
from runners.architectures.abstract import AbstractArchitecture
from runners.kernels import eager, fused
from runners.kernels.plan import KernelPlan, pair_flops, plan_kernel
from runners.kernels.tiles import (
    Progress,
    Stopwatch,
    Tile,
    TileFolder,
    digest,
    list_tiles,
    place,
    print_progress,
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


TileFunction = Callable[[np.ndarray, "np.ndarray | None"], tuple[np.ndarray, np.ndarray]]


def nngp_ntk(
    architecture: AbstractArchitecture,
    x1: Array,
    x2: Array | None = None,
    *,
    dtype: Literal["float64", "float32"] = "float64",
    device: str = "cpu",
    engine: Engine = "auto",
    memory_budget: int = DEFAULT_BUDGET,
    threads: int | None = None,
    folder: str | Path | None = None,
    progress: bool | Progress = False,
) -> Kernels:
    """Compute the NNGP and NTK Gram matrices of an infinitely wide `architecture`.

    Parameters
    ----------
    architecture
        FCN, LCN, VEC or GAP with its settings.
    x1, x2
        Images ``(n, height, width, channels)``, arrays or tensors; without `x2` the symmetric matrix of
        `x1` with itself, of which only unique pairs are computed.
    dtype
        Precision of the whole computation and of the result.
    device
        A torch device; anything but ``"cpu"`` uses the tensor engine.
    engine
        ``"fused"`` (compiled loops; no pools between layers), ``"eager"`` (tensor operations, everything), or
        ``"auto"``: fused where it applies.
    memory_budget
        Bytes of working memory, beside images and results.
    threads
        Tiles computed at once on the CPU; as many as torch may use by default.
    folder
        Where finished tiles are kept; a later call with the same arguments resumes from them.
    progress
        True for a line on standard error, or a function that receives `TileProgress`.

    Returns
    -------
    Kernels
        Arrays for arrays, tensors (on `device`) for tensors.

    Raises
    ------
    InvalidInputError
        For wrong shapes, values that are not finite, a filter larger than the image, or a memory
        budget that does not hold the smallest tile; always before the work starts.

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
    first = _check_images("x1", x1, dtype)
    second = None if x2 is None else _check_images("x2", x2, dtype)
    if second is not None and second.shape[1:] != first.shape[1:]:
        raise InvalidInputError(
            f"x1 and x2 differ in image shape: {first.shape[1:]} and {second.shape[1:]}; they must agree"
        )
    plan = plan_kernel(architecture, first.shape[1:])
    workers = (threads or torch.get_num_threads()) if device == "cpu" else 1
    itemsize = np.dtype(dtype).itemsize
    compute, edge = _choose_engine(plan, engine, device, memory_budget, itemsize, workers)
    columns = first if second is None else second
    tiles = list_tiles(len(first), len(columns), edge=edge, symmetric=second is None)
    store = None
    if folder is not None:
        content = {"plan": plan.content(), "images": digest(first, second), "dtype": dtype, "edge": edge}
        store = TileFolder(folder, content)
    report = print_progress if progress is True else (progress or None)
    watch = Stopwatch(sum(tile.pairs for tile in tiles), report)
    result = np.empty((2, len(first), len(columns)), dtype)
    _fill(result, first, second, tiles, compute, store, watch, workers)
    if as_tensor:
        nngp, ntk = torch.from_numpy(result[0]).to(device), torch.from_numpy(result[1]).to(device)
        return Kernels(nngp, ntk)
    return Kernels(result[0], result[1])


def _fill(result, first, second, tiles: list[Tile], compute: TileFunction, store, watch, workers) -> None:
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
        nngp, ntk = compute(first[tile.rows], columns)
        if store is not None:
            store.write(tile, nngp, ntk)
        place(result[0], tile, nngp)
        place(result[1], tile, ntk)
        return tile

    if workers == 1 or len(waiting) < 2:
        for tile in waiting:
            watch.add(work(tile).pairs)
        return
    with ThreadPoolExecutor(min(workers, len(waiting))) as pool:
        futures = [pool.submit(work, tile) for tile in waiting]
        try:
            for future in as_completed(futures):
                watch.add(future.result().pairs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_images(name: str, x: Array, dtype: str) -> np.ndarray:
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
    values = np.ascontiguousarray(values, dtype=dtype)
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2, 3)))
        raise InvalidInputError(
            f"{name} holds NaN or infinity in {len(bad)} of {len(values)} images, first image {bad[0]}"
        )
    return values


def _choose_engine(
    plan: KernelPlan, engine: Engine, device: str, budget: int, itemsize: int, workers: int
) -> tuple[TileFunction, int]:
    if engine not in ("auto", "fused", "eager"):
        raise InvalidInputError(f"engine {engine!r} is not allowed; allowed: 'auto', 'fused', 'eager'")
    if engine == "fused" and (device != "cpu" or not fused.applies(plan)):
        raise InvalidInputError(
            "engine 'fused' needs no pools between layers, and with circular padding strides that divide the image; "
            "allowed here: 'auto', 'eager'"
        )
    if engine != "eager" and device == "cpu" and fused.applies(plan):
        return _choose_fused(plan, budget // workers, itemsize)
    need = eager.pair_bytes(plan, itemsize)
    block = budget // workers // need
    if block < 1:
        raise InvalidInputError(
            f"memory_budget {budget:,} bytes is too small: one image pair needs {need:,} bytes"
        )
    edge = next(edge for edge in EDGES if edge == 1 or edge * edge <= block)

    def compute(rows: np.ndarray, columns: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        return eager.compute_tile(plan, rows, columns, block=block, device=device)

    return compute, edge


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

    def compute(rows: np.ndarray, columns: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        return fused.compute_tile(plan, rows, columns)

    return compute, edge
