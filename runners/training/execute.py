"""From runs to outcomes: choose hyper-parameters, train, predict, score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from runners.algorithms.abstract import Outcome, Run
from runners.algorithms.gradient import AbstractGradientTraining
from runners.training.banks import BANK, is_whole
from runners.training.job import Job, Trained
from runners.training.loop import is_out_of_memory, train_jobs
from runners.training.losses import Score, score
from runners.training.orbit import predict_over_orbit
from runners.training.search import Choice, choose, own_choice
from runners.training.step import precision_of
from runners.training.task import Setting, Task, load_task, make_setting, split_off


def execute_runs(
    algorithm: AbstractGradientTraining, runs: Sequence[Run], *, device: str = "cpu"
) -> Iterator[Outcome]:
    """Train and score `runs` of one architecture and input shape; yield an outcome each.

    Failed runs (divergence, time limit, memory) are outcomes with that status.
    """
    if not runs:
        return
    setting = make_setting(algorithm, runs, device)
    outcomes = _execute_all(runs, setting)
    while True:
        with precision_of(setting.regime):  # from rates to predictions, and not while the caller has its turn
            outcome = next(outcomes, None)
        if outcome is None:
            return
        yield outcome


def _execute_all(runs: Sequence[Run], setting: Setting) -> Iterator[Outcome]:
    per_call = max(1, setting.stack // setting.algorithm.members)
    for start in range(0, len(runs), per_call):
        tasks = [load_task(run, setting) for run in runs[start : start + per_call]]
        yield from _execute_tasks(tasks, setting)


def _execute_tasks(tasks: list[Task], setting: Setting) -> Iterator[Outcome]:
    algorithm = setting.algorithm
    choices = choose(tasks, setting) if algorithm.tune else [own_choice(task, setting) for task in tasks]
    jobs = [
        _job(task, choice, setting, member)
        for task, choice in zip(tasks, choices)
        for member in range(algorithm.members)
    ]
    done: dict[int, Trained] = {}
    trained = train_jobs(
        jobs,
        setting.build,
        setting.regime,
        device=setting.device,
        largest_stack=setting.stack,
        augmentation=setting.augmentation,
    )
    for index, result in trained:
        done[index] = result
        first = index - index % algorithm.members
        members = [done.get(first + member) for member in range(algorithm.members)]
        if all(member is not None for member in members):
            which = index // algorithm.members
            yield _outcome(tasks[which], choices[which], members, setting)  # type: ignore[arg-type]
            for member in range(algorithm.members):
                done[first + member] = Trained("ok")


def _job(task: Task, choice: Choice, setting: Setting, member: int) -> Job:
    """Return the training of one member: member 0 of every ensemble is the single net of that seed."""
    x, y, held = task.x, task.y, None
    if setting.algorithm.validation:
        kept, held_out = split_off(task, setting.algorithm.validation, "early-stopping")
        x, y, held = task.x[kept], task.y[kept], (task.x[held_out], task.y[held_out])
    path = ("member", member) if member else ()
    return Job(
        x=x,
        y=y,
        seed=task.seed("initialisation", *path),
        batch_seed=task.seed("batches", *path),
        rate=choice.rate,
        decay=choice.decay,
        steps=choice.steps,
        held=held,
    )


def _outcome(task: Task, choice: Choice, members: list[Trained], setting: Setting) -> Outcome:
    result, status, message = _score(task, members, setting)
    n_parameters = setting.n_parameters
    if n_parameters is None and members[0].net is not None:
        n_parameters = sum(p[0].numel() for p in members[0].net.stack.parameters)
    return Outcome(
        run=task.run,
        status=status,
        metric="error-rate" if task.run.dataset.facts().n_classes is not None else "mse",
        n_errors=result.n_errors if result else None,
        n_test=result.n_test if result else None,
        value=result.value if result else None,
        test_loss=result.loss if result else None,
        seconds=sum(member.seconds for member in members) + choice.seconds,
        message=message,
        n_parameters=n_parameters,
        extra=_report(task, choice, members, setting),
    )


def _score(task: Task, members: list[Trained], setting: Setting) -> tuple[Score | None, str, str]:
    """Return the score of the ensemble on the test inputs, or None, with status and message."""
    failed = next((member for member in members if member.net is None), None)
    if failed:
        return None, failed.status, failed.message
    try:
        outputs = _predict(task, members, setting)
        result = score(outputs, task.y_test.to(setting.device), setting.regime.loss)
        if bool((outputs == outputs[0]).all()) and len(outputs) > 1:
            return None, "diverged", "outputs are the same for every test input"
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None, "out-of-memory", f"while predicting: {str(error).splitlines()[0]}"
    return result, "ok", ""


def _report(task: Task, choice: Choice, members: list[Trained], setting: Setting) -> dict[str, Any]:
    """Return what the record says of the training, the looks of all members among it."""
    first = members[0]
    extra: dict[str, Any] = {
        "learning_rate": choice.rate,
        "weight_decay": choice.decay,
        "steps": [member.steps for member in members] if len(members) > 1 else first.steps,
        "budget": choice.steps,
        "held_constant": setting.algorithm.held_constant,
        "stopped": first.stopped,
        "train_loss": first.train_loss if np.isfinite(first.train_loss) else None,
    }
    looks = [(number, *look) for number, member in enumerate(members) for look in member.trace]
    extra["trace"] = dict(zip(("member", "step", "train_loss", "held_loss"), map(list, zip(*looks))))
    if first.best_step is not None:
        extra["best_step"] = first.best_step
    if choice.search:
        extra["search"] = choice.search
    if not is_whole(setting.algorithm.augment, task.run.dataset.facts().shape):
        extra["augment_draws"] = BANK
    return extra


def _predict(task: Task, members: list[Trained], setting: Setting) -> torch.Tensor:
    """Return the ensemble's outputs on the test inputs."""
    x = task.x_test.to(setting.device)
    outputs = [
        predict_over_orbit(member.net, x, setting.regime.loss, setting.orbit)
        for member in members
        if member.net is not None
    ]
    return setting.regime.loss.combine(outputs)
