"""What a step of a net costs, and how many nets are best stacked."""

from __future__ import annotations

import math
from functools import lru_cache

from runners.algorithms.abstract import Run
from runners.architectures.abstract import AbstractArchitecture

STEP_OVERHEAD, WEIGHT_OVERHEAD = 4e7, 200.0
"""What a step and each of its weights cost besides multiplications, in operations at the speed of a large product."""
LINEARISED = 2.5
"""A step of a linearised net over one of the net itself."""
EXPECTED_USE = 0.4
"""Share of their budget that nets use on average, in the four shipped studies that train: 0.2 to 0.7."""
CPU_STACK, GPU_STACK = 16, 512
SMALL_STACK = 8
CPU_STACK_BYTES = 2e6
CPU_STACK_FLOPS = 1e9
"""A CPU stack has at most so many nets, bytes of weights (the cache) and operations per step: measured, see
docs/results/training.md. A GPU stack has at most `GPU_STACK` nets, fewer where memory is short; nets are small if a CPU
stack holds `SMALL_STACK` of them."""


_widths: dict[tuple[type, str], int] = {}
"""Of regression targets, by dataset: looked up for every run of a plan, and to be had only by drawing data."""


def count_outputs(run: Run) -> int:
    """Return the outputs that a net for `run` needs: classes, or the width of the regression targets."""
    dataset, spec = run.dataset, run.spec
    if (n_classes := dataset.facts().n_classes) is not None:
        return n_classes
    key = type(dataset), dataset.model_dump_json()
    if key not in _widths:
        y = dataset.split(1, seed=spec.seed, study_seed=spec.study_seed).y_train
        _widths[key] = 1 if y.ndim == 1 else y.shape[1]
    return _widths[key]


@lru_cache(maxsize=512)
def forward_flops(architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int) -> float:
    """Return the multiplications and additions of one example's forward pass; of a user's own net as torch counts them."""
    plan = architecture.plan(shape, n_outputs)
    return _count_flops(architecture, shape, n_outputs) if plan is None else 2.0 * plan.count_products()


def _count_flops(architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int) -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    module = architecture.build(shape, n_outputs, seed=0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *shape))
    return max(float(counter.get_total_flops()), 1.0)


@lru_cache(maxsize=512)
def step_cost(
    architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int, batch_size: int
) -> float:
    """Return what a training step costs, in operations at the speed of a large matrix product."""
    plan = architecture.plan(shape, n_outputs)
    weights = 0 if plan is None else plan.count_parameters()
    return step_flops(architecture, shape, n_outputs, batch_size) + STEP_OVERHEAD + WEIGHT_OVERHEAD * weights


def step_flops(
    architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int, batch_size: int
) -> float:
    """Return the operations of one training step: a forward pass and twice that backward."""
    return 3.0 * batch_size * forward_flops(architecture, shape, n_outputs)


@lru_cache(maxsize=512)
def cpu_stack(
    architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int, batch_size: int
) -> int:
    """Return how many nets a CPU trains as one stack."""
    plan = architecture.plan(shape, n_outputs)
    if plan is None:
        return 1
    flops = step_flops(architecture, shape, n_outputs, batch_size)
    return largest_stack(flops, n_parameters=plan.count_parameters(), device="cpu")


def largest_stack(flops_per_step: float, *, n_parameters: int | None, device: str) -> int:
    """Return how many nets to train as one stack.

    Parameters
    ----------
    flops_per_step
        Operations of one net's step.
    n_parameters
        Of one net; None for a net that cannot be stacked.
    device
        ``"cpu"`` or a CUDA device, whose free memory then counts.
    """
    if n_parameters is None:
        return 1
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return max(1, min(GPU_STACK, int(0.25 * free / (16.0 * n_parameters + flops_per_step / 8))))
    fits = min(CPU_STACK, CPU_STACK_BYTES / (4 * n_parameters), CPU_STACK_FLOPS / flops_per_step)
    return max(1, math.floor(fits))
