"""Choosing hyper-parameters on validation data, afresh for every run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import torch

from runners.training.job import Job, Trained
from runners.training.loop import train_jobs
from runners.training.losses import Score, score
from runners.training.orbit import predict_over_orbit
from runners.training.rates import ADAPTIVE, EXAMPLES, safe_rate
from runners.training.rules import Momentum
from runners.training.task import Setting, Task, split_off


@dataclass(frozen=True, slots=True)
class Choice:
    """Hyper-parameters of one run, with the search that found them.

    Parameters
    ----------
    rate, decay, steps
        Learning rate, weight decay, budget.
    search
        A row per combination tried; empty where nothing was searched.
    seconds
        What the search took.
    """

    rate: float
    decay: float
    steps: int
    search: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def own_choice(task: Task, setting: Setting) -> Choice:
    """Return the algorithm's own hyper-parameters."""
    algorithm = setting.algorithm
    rate = algorithm.learning_rate_factor * base_rate(task, setting)
    return Choice(rate, algorithm.weight_decay, algorithm.budget(len(task.x)))


def base_rate(task: Task, setting: Setting) -> float:
    """Return the learning rate before any factor: that of the settings, or the default for this net and data."""
    given, rule = setting.algorithm.learning_rate, setting.regime.rule
    if given != "auto":
        return given
    if not isinstance(rule, Momentum):
        return ADAPTIVE[getattr(task.run.architecture, "parameterisation", "standard")]
    stack = setting.start([task.seed("initialisation")], torch.device(setting.device), setting.regime.dtype)
    x = task.x[:EXAMPLES].to(setting.device)
    return safe_rate(stack, x, setting.regime.loss, momentum=rule.momentum)


def choose(tasks: list[Task], setting: Setting) -> list[Choice]:
    """Train every combination for every task, and return the best of each by validation error.

    Combinations differ in numbers that every net of a stack has for itself, so they train side by side.
    """
    candidates = [_candidates(task, setting) for task in tasks]
    owners = [(t, c) for t, choices in enumerate(candidates) for c in range(len(choices))]
    seeds = setting.algorithm.tune.seeds if setting.algorithm.tune else 1
    splits = [_hold_out(task, setting) for task in tasks]
    jobs = [
        replace(splits[t][0], seed=tasks[t].seed("search", s), batch_seed=tasks[t].seed("search-batches", s))
        for t, _ in owners
        for s in range(seeds)
    ]
    jobs = [
        replace(job, rate=choice.rate, decay=choice.decay, steps=choice.steps)
        for job, choice in zip(jobs, (candidates[t][c] for t, c in owners for _ in range(seeds)))
    ]
    scores: dict[tuple[int, int], list[Score | None]] = {owner: [] for owner in owners}
    seconds = [0.0] * len(tasks)
    trained = train_jobs(
        jobs,
        setting.build,
        setting.regime,
        device=setting.device,
        largest_stack=setting.stack,
        augmentation=setting.augmentation,
    )
    for index, result in trained:
        owner = owners[index // seeds]
        scores[owner].append(_validate(result, splits[owner[0]][1:], setting))
        seconds[owner[0]] += result.seconds
    return [
        _best(candidates[t], [scores[t, c] for c in range(len(candidates[t]))], seconds[t])
        for t in range(len(tasks))
    ]


def _candidates(task: Task, setting: Setting) -> list[Choice]:
    algorithm, search = setting.algorithm, setting.algorithm.tune
    assert search is not None
    base, factors = base_rate(task, setting), search.learning_rate_factor or (algorithm.learning_rate_factor,)
    budgets = [algorithm.budget(len(task.x), steps=steps) for steps in search.steps]
    budgets += [algorithm.budget(len(task.x), epochs=epochs) for epochs in search.epochs]
    grid = product(
        search.learning_rate or [factor * base for factor in factors],
        search.weight_decay or (algorithm.weight_decay,),
        budgets or (algorithm.budget(len(task.x)),),
    )
    return [Choice(rate, decay, steps) for rate, decay, steps in grid]


def _hold_out(task: Task, setting: Setting) -> tuple[Job, torch.Tensor, torch.Tensor]:
    """Return a job on the kept examples, and inputs and labels of those held out.

    Where training stops early, it does so on a part of the kept examples, never on those that score it.
    """
    algorithm, stopping = setting.algorithm, None
    assert algorithm.tune is not None
    kept, held = split_off(task, algorithm.tune.validation, "search")
    if algorithm.validation:
        kept, early = split_off(task, algorithm.validation, "search-early-stopping", among=kept)
        stopping = task.x[early], task.y[early]
    x, y = task.x[kept], task.y[kept]
    job = Job(x, y, seed=0, batch_seed=0, rate=1.0, decay=0.0, steps=1, held=stopping)
    return job, task.x[held], task.labels[held]


def _validate(result: Trained, held: tuple[torch.Tensor, torch.Tensor], setting: Setting) -> Score | None:
    if result.net is None:
        return None
    x, y = (part.to(setting.device) for part in held)
    outputs = predict_over_orbit(result.net, x, setting.regime.loss, setting.orbit)
    return score(outputs, y, setting.regime.loss)


def _best(candidates: list[Choice], scores: list[list[Score | None]], seconds: float) -> Choice:
    rows, keys = [], []
    for candidate, results in zip(candidates, scores):
        valid = [result for result in results if result is not None]
        failed = len(results) - len(valid)
        value = sum(result.value for result in valid) / len(valid) if valid else None
        loss = sum(result.loss for result in valid) / len(valid) if valid else None
        rows.append(
            {
                "learning_rate": candidate.rate,
                "weight_decay": candidate.decay,
                "steps": candidate.steps,
                "validation_error": value,
                "validation_loss": loss,
                "failed": failed,
            }
        )
        infinity = float("inf")
        keys.append((failed, infinity if value is None else value, infinity if loss is None else loss))
    best = candidates[min(range(len(keys)), key=keys.__getitem__)]
    return replace(best, search=rows, seconds=seconds)
