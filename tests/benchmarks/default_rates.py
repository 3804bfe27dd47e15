"""Is the default learning rate a sensible one? Test error around it, and how much the budget matters.

Run: ``python -m tests.benchmarks.default_rates [--write]`` (about five minutes on one core)
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

from runners.architectures import FCN, GAP, LCN, VEC, AbstractLayeredNet
from runners.datasets import DATASETS
from runners.training.cost import largest_stack, step_flops
from runners.training.job import Job, Regime
from runners.training.loop import train_jobs
from runners.training.losses import Loss, score
from runners.training.rates import ADAPTIVE, safe_rate
from runners.training.rules import AbstractRule, AdamRule, Momentum
from runners.training.stack import stack_builder
from tests.results_pages import keep

CPU = torch.device("cpu")
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
BUDGETS = (300, 1000, 3000)
SIZES, SEEDS = (64, 1024), 2
SGD_RULE, ADAM = Momentum(0.9), AdamRule()
CASES: list[tuple[AbstractLayeredNet, str, AbstractRule]] = [
    (FCN(), "cross-entropy", SGD_RULE),
    (LCN(), "cross-entropy", SGD_RULE),
    (VEC(), "cross-entropy", SGD_RULE),
    (GAP(), "cross-entropy", SGD_RULE),
    (FCN(parameterisation="standard"), "cross-entropy", SGD_RULE),
    (FCN(), "mse", SGD_RULE),
    (GAP(), "mse", SGD_RULE),
    (FCN(), "cross-entropy", ADAM),
    (FCN(parameterisation="standard"), "cross-entropy", ADAM),
    (GAP(), "cross-entropy", ADAM),
]


def errors_around_default(
    net: AbstractLayeredNet, loss: Loss, rule: AbstractRule, n_train: int
) -> tuple[dict, dict]:
    """Return (test error, status, steps) of every (factor, budget), a list over seeds, and training errors."""
    dataset = DATASETS["fashion-mnist"](fold=4, shift=True)
    facts = dataset.facts()
    build = stack_builder(net, facts.shape, 10)
    jobs, keys, splits = [], [], []
    for seed in range(SEEDS):
        split = dataset.split(n_train, seed=seed)
        x = torch.from_numpy(split.x_train).float()
        y = loss.encode(torch.from_numpy(split.y_train), 10, dtype=torch.float32)
        if isinstance(rule, Momentum):
            rate = safe_rate(build([seed], CPU, torch.float32), x, loss, momentum=rule.momentum)
        else:
            rate = ADAPTIVE[net.parameterisation]
        for key in [*((f, 1000) for f in FACTORS), *((1.0, b) for b in BUDGETS if b != 1000)]:
            jobs.append(Job(x, y, seed=seed, batch_seed=seed, rate=key[0] * rate, decay=0.0, steps=key[1]))
            keys.append(key)
            splits.append(split)
    stack = largest_stack(
        step_flops(net, facts.shape, 10, 32),
        n_parameters=net.plan(facts.shape, 10).count_parameters(),
        device="cpu",
    )
    regime = Regime(rule, loss, 32, stop_loss=0.02)
    test: dict[tuple[float, int], list] = {}
    train: dict[tuple[float, int], list[float]] = {}
    for index, trained in train_jobs(jobs, build, regime, largest_stack=stack):
        split, key = splits[index], keys[index]
        if trained.net is None:
            test.setdefault(key, []).append((np.nan, trained.status, trained.steps))
            continue
        for x, y, kept in (
            (split.x_test, split.y_test, "test"),
            (split.x_train, split.y_train, "train"),
        ):
            outputs = trained.net.predict(torch.from_numpy(x).float())
            value = score(outputs, torch.from_numpy(y), loss).value
            if kept == "test":
                test.setdefault(key, []).append((value, trained.status, trained.steps))
            else:
                train.setdefault(key, []).append(value)
    return test, train


def cell(results: list) -> str:
    """Return the mean test error, and how many nets diverged."""
    values = [value for value, status, _ in results if status == "ok"]
    failed = len(results) - len(values)
    mean = f"{np.mean(values):.3f}" if values else "–"
    return mean + (f" ({failed} of {len(results)} diverged)" if failed else "")


def main(arguments: list[str]) -> None:
    """Print the tables; with ``--write`` keep them."""
    torch.set_num_threads(1)
    began = time.process_time()
    rates = [
        "| net | loss | n | " + " | ".join(f"x {factor:g}" for factor in FACTORS) + " | train error at x 1 |",
        "|---|---|---|" + "---|" * (len(FACTORS) + 1),
    ]
    budgets = [
        "| net | loss | n | "
        + " | ".join(f"{budget} steps" for budget in BUDGETS)
        + " | steps used of 3000 |",
        "|---|---|---|" + "---|" * (len(BUDGETS) + 1),
    ]
    for net, name, rule in CASES:
        label = type(net).__name__ + (", standard" if net.parameterisation == "standard" else "")
        label += ", Adam" if rule is ADAM else ""
        for n_train in SIZES:
            test, train = errors_around_default(net, Loss(name), rule, n_train)
            start = f"| {label} | {name} | {n_train} | "
            by_factor = " | ".join(cell(test[factor, 1000]) for factor in FACTORS)
            rates.append(f"{start}{by_factor} | {np.mean(train.get((1.0, 1000), np.nan)):.3f} |")
            used = np.mean([steps for _, _, steps in test[1.0, 3000]])
            budgets.append(start + " | ".join(cell(test[1.0, b]) for b in BUDGETS) + f" | {used:.0f} |")
            print(rates[-1], budgets[-1], sep="\n", flush=True)
    lines = [
        "# The default learning rate",
        "",
        "Command: `python -m tests.benchmarks.default_rates --write`.",
        "",
        "Test error on 2,000 images of shifted Fashion-MNIST (7 x 7 x 16), SGD with momentum 0.9 unless it says Adam, batches of",
        f"32, stopped at a training loss of 0.02; mean of {SEEDS} seeds. The default (x 1) is 7 % of the largest stable rate,",
        "measured on each net and its data before the first step; Adam's is 0.03, or 0.001 in standard parameterisation. With 2,000 test images one standard error of a cell is about 0.01.",
        "",
        "## Around the default, 1,000 steps",
        "",
        *rates,
        "",
        "## Budgets at the default rate",
        "",
        *budgets,
        "",
        f"{time.process_time() - began:.0f} CPU-seconds.",
        "",
    ]
    print("\n".join(lines))
    if "--write" in arguments:
        keep("default-rates", "\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
