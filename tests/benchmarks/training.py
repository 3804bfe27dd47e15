"""Stacked training against a plain loop over the same nets, in CPU time, and its distance to the floor.

Run: ``python -m tests.benchmarks.training [--write] [--device cuda]`` (about ten minutes on one core)

The plain loop is what one writes by hand: `torch.nn` modules, `torch.optim`, a batch by index, a step. Both sides take
turns and the least of the repeats counts. The floor is the time of the step's multiplications at the speed of a large
matrix product, measured in the same run. Writes ``docs/results/training.md``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from runners.architectures import FCN, GAP, LCN, VEC, AbstractLayeredNet, ResNet
from runners.environment import ALLOCATOR
from runners.training.cost import largest_stack, step_flops
from runners.training.job import Job, Regime
from runners.training.loop import train_jobs
from runners.training.losses import Loss
from runners.training.rules import AdamRule, Momentum
from runners.training.stack import stack_builder
from tests.benchmarks.plain_nets import plain_net
from tests.results_pages import keep

SHAPE, CLASSES, BATCH, RATE = (7, 7, 16), 10, 32, 0.01
NETS: dict[str, AbstractLayeredNet] = {
    "FCN, width 64": FCN(width=64),
    "FCN, width 256": FCN(width=256),
    "LCN, width 8": LCN(width=8),
    "LCN, width 32": LCN(width=32),
    "VEC, width 8": VEC(width=8),
    "VEC, width 32": VEC(width=32),
    "GAP, width 8": GAP(width=8),
    "GAP, width 32": GAP(width=32),
    "ResNet, width 8": ResNet(width=8),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Random images and labels."""

    x: torch.Tensor
    y: torch.Tensor

    def jobs(self, count: int, steps: int) -> list[Job]:
        """Return jobs on these examples."""
        return [
            Job(self.x, self.y, seed=i, batch_seed=i, rate=RATE, decay=0.0, steps=steps) for i in range(count)
        ]


def make_problem() -> Problem:
    """Return 512 examples."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(512, *SHAPE, generator=generator)
    return Problem(x, torch.randint(0, CLASSES, (512,), generator=generator))


def clock(device: str) -> float:
    """Return CPU seconds of this process; on a GPU the clock, once the device is done."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def least_seconds(
    works: dict[str, Callable[[int], None]], steps: dict[str, int], *, repeats: int, device: str
) -> dict[str, float]:
    """Return the seconds that each piece of work needs for its steps, its start taken off by a run of two steps.

    All take turns; of the long and of the short runs the least counts, since disturbances only add.
    """
    short: dict[str, float] = {}
    long: dict[str, float] = {}
    for work in works.values():
        work(2)
    for _ in range(repeats):
        for key, work in works.items():
            for found, taken in ((short, 2), (long, 2 + steps[key])):
                began = clock(device)
                work(taken)
                found[key] = min(found.get(key, float("inf")), clock(device) - began)
    return {key: long[key] - short[key] for key in works}


def stacked(name: str, problem: Problem, size: int, device: str, rule) -> Callable[[int], None]:
    """Return what trains a stack of `size` nets."""
    build = stack_builder(NETS[name], SHAPE, CLASSES)
    regime = Regime(rule, Loss(), BATCH)

    def work(steps: int) -> None:
        list(train_jobs(problem.jobs(size, steps), build, regime, device=device, largest_stack=size))

    return work


def plain(name: str, problem: Problem, device: str, adam: bool) -> Callable[[int], None]:
    """Return what trains one net as one writes it by hand."""
    images = problem.x.permute(0, 3, 1, 2).contiguous().to(device)
    labels = problem.y.to(device)

    def work(steps: int) -> None:
        net = plain_net(NETS[name], SHAPE, CLASSES).to(device)
        make = torch.optim.Adam if adam else lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)
        optimiser = make(net.parameters(), lr=RATE)
        for step in range(steps):
            start = step * BATCH % len(labels)
            if start == 0:
                order = torch.randperm(len(labels), device=device)
            batch = order[start : start + BATCH]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(images[batch]), labels[batch]).backward()
            optimiser.step()

    return work


def product_speed(device: str) -> float:
    """Return multiplications and additions per second of a product of two 1024 x 1024 matrices."""
    a, b = torch.randn(2, 1024, 1024, device=device)
    best = float("inf")
    for _ in range(6):
        began = clock(device)
        a @ b
        best = min(best, clock(device) - began)
    return 2 * 1024**3 / best


def count_operations(net: AbstractLayeredNet) -> float:
    """Return the operations of one net's step; the first layer needs no gradient of its inputs."""
    plan = net.plan(SHAPE, CLASSES)
    first = next(layer for layer in plan.layers if layer.weights())
    return step_flops(net, SHAPE, CLASSES, BATCH) - 2.0 * BATCH * first.products()


def default_size(net: AbstractLayeredNet, device: str) -> int:
    """Return the stack that the package chooses."""
    flops = step_flops(net, SHAPE, CLASSES, BATCH)
    return largest_stack(flops, n_parameters=net.plan(SHAPE, CLASSES).count_parameters(), device=device)


def compare(names: list[str], *, device: str, adam: bool, repeats: int, seconds: float) -> list[str]:
    """Return table rows: model-steps per second of the loop, of one net, of the default stack; ratio; floor."""
    problem, rule = make_problem(), AdamRule() if adam else Momentum(0.9)
    rows = [
        "| net | plain loop | one at a time | stack | nets in it | stack : loop | of the floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names:
        operations = count_operations(NETS[name])
        size = min(default_size(NETS[name], device), 32)
        speed = max(product_speed(device) for _ in range(repeats))
        works = {
            "plain": plain(name, problem, device, adam),
            "one": stacked(name, problem, 1, device, rule),
            "stack": stacked(name, problem, size, device, rule),
        }
        models = {"plain": 1, "one": 1, "stack": size}
        steps = {key: max(4, int(seconds * 3e10 / operations / models[key])) for key in works}
        spent = least_seconds(works, steps, repeats=repeats, device=device)
        best = {key: models[key] * steps[key] / spent[key] for key in works}
        share = best["stack"] * operations / speed
        rows.append(
            f"| {name} | {best['plain']:,.0f} | {best['one']:,.0f} | {best['stack']:,.0f} | {size} "
            f"| {best['stack'] / best['plain']:.1f} | {share:.0%} |"
        )
        print(rows[-1], flush=True)
    return rows


def by_size(name: str, sizes: tuple[int, ...], *, device: str, seconds: float) -> list[str]:
    """Return table rows: model-steps per second by the number of nets in the stack."""
    problem, operations = make_problem(), count_operations(NETS[name])
    works = {str(size): stacked(name, problem, size, device, Momentum(0.9)) for size in sizes}
    steps = {str(size): max(4, int(seconds * 3e10 / operations / size)) for size in sizes}
    spent = least_seconds(works, steps, repeats=3, device=device)
    rates = [size * steps[str(size)] / spent[str(size)] for size in sizes]
    return [f"| {name} | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |"]


def worker_rows(workers: tuple[int, ...]) -> list[str]:
    """Return table rows: model-steps per CPU-second of single-threaded workers side by side."""
    rows = ["| workers at once | model-steps per CPU-second of each |", "|---|---|"]
    for count in workers:
        command = [sys.executable, "-m", "tests.benchmarks.training", "--worker"]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        rates = [float(process.communicate()[0]) for process in processes]
        rows.append(f"| {count} | " + ", ".join(f"{rate:,.0f}" for rate in rates) + " |")
    return rows


def main() -> None:
    """Print the tables; with ``--write`` keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=0.3, help="about so long per measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not ALLOCATOR.items() <= os.environ.items():  # read when a process starts
        command = [sys.executable, "-m", "tests.benchmarks.training", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **ALLOCATOR})
    torch.set_num_threads(1)
    if options.worker:
        work = {"w": stacked("FCN, width 64", make_problem(), 9, "cpu", Momentum(0.9))}
        print(9 * 300 / least_seconds(work, {"w": 300}, repeats=4, device="cpu")["w"])
        return
    settings = {"device": options.device, "repeats": options.repeats, "seconds": options.seconds}
    sizes = (1, 2, 4, 8, 16, 32)
    lines = [
        "# Stacked training",
        "",
        f"`python -m tests.benchmarks.training --write`, {options.device}, torch {torch.__version__}, one thread.",
        "",
        "Model-steps per second (of the processor on a CPU) on 7 x 7 x 16 images, ten classes, batches of 32, float32, two",
        "hidden layers. The plain loop is `torch.nn` with `torch.optim`, one net after the other, in the same process, with the",
        "memory allocator set as in a worker; both take turns, and the least time of",
        f"{options.repeats} repeats counts. *Of the floor*: time of the step's multiplications at the speed of a large matrix product in",
        "the same run, over the time taken.",
        "",
        "## SGD with momentum",
        "",
        *compare(list(NETS), adam=False, **settings),
        "",
        "## Adam",
        "",
        *compare(["FCN, width 64", "FCN, width 256", "LCN, width 8", "VEC, width 8"], adam=True, **settings),
        "",
        "## By size of the stack",
        "",
        "| net | " + " | ".join(str(size) for size in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for name in NETS:
        lines += by_size(name, sizes, device=options.device, seconds=options.seconds / 2)
    if options.device == "cpu":
        lines += [
            "",
            "## Workers side by side",
            "",
            "FCN of width 64, stacks of 9.",
            "",
            *worker_rows((1, 2)),
        ]
    text = "\n".join([*lines, ""])
    print(text)
    if options.write:
        keep("training", text)


if __name__ == "__main__":
    main()
