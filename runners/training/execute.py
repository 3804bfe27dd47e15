"""From runs to outcomes: load data, choose hyper-parameters, train, predict, score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from curvefit.seeding import seed_for
from runners.algorithms.abstract import Outcome, Run
from runners.algorithms.gradient import AbstractGradientTraining
from runners.training.augment import AbstractAugmentation, augmentation_by
from runners.training.cost import largest_stack, step_flops
from runners.training.job import Job, Regime, Trained
from runners.training.loop import is_out_of_memory, train_jobs
from runners.training.losses import Loss, Score, score
from runners.training.orbit import predict_over_orbit
from runners.training.search import Choice, choose, own_choice
from runners.training.stack import AbstractStack, Build, stack_builder


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A run with its data at hand, in the regime's precision.

    Parameters
    ----------
    run
        The run.
    x, y, labels
        Training inputs, encoded targets, and labels or targets as the dataset gives them.
    x_test, y_test
        Test inputs, and labels or targets as the dataset gives them.
    """

    run: Run
    x: torch.Tensor
    y: torch.Tensor
    labels: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor

    def seed(self, *path: object) -> int:
        """Return a seed that this run's replicate, size and study fix, the same for every triplet."""
        spec = self.run.spec
        return seed_for(spec.study_seed, *path, spec.seed, spec.n_train)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all runs of one call share.

    Parameters
    ----------
    algorithm, regime
        How to train.
    start, build
        Make stacks of the nets themselves, and of what is trained (perhaps linearised or centred).
    n_outputs, n_parameters
        Of a net; parameters are None where only building it tells.
    stack
        Nets per stack.
    device
        Where.
    augmentation, orbit
        Banks of group elements, or None.
    """

    algorithm: AbstractGradientTraining
    build: Build
    regime: Regime
    start: Build
    n_outputs: int
    stack: int
    device: str
    n_parameters: int | None
    augmentation: AbstractAugmentation | None
    orbit: AbstractAugmentation | None


def execute_runs(
    algorithm: AbstractGradientTraining, runs: Sequence[Run], *, device: str = "cpu"
) -> Iterator[Outcome]:
    """Train and score `runs` of one architecture and input shape; yield an outcome each.

    Failed runs (divergence, time limit, memory) are outcomes with that status.
    """
    if not runs:
        return
    setting = _setting(algorithm, runs, device)
    per_call = max(1, setting.stack // algorithm.members)
    for start in range(0, len(runs), per_call):
        tasks = [_load(run, setting) for run in runs[start : start + per_call]]
        yield from _execute_tasks(tasks, setting)


def _setting(algorithm: AbstractGradientTraining, runs: Sequence[Run], device: str) -> Setting:
    run = runs[0]
    facts = run.dataset.facts()
    n_outputs = facts.n_classes or _target_width(run)
    name = algorithm.loss if facts.n_classes is not None else "mse"
    regime = Regime(
        rule=algorithm.rule(),
        loss=Loss(name, algorithm.label_smoothing if facts.n_classes is not None else 0.0),
        batch_size=algorithm.largest_batch,
        schedule=algorithm.schedule,
        stop_loss=algorithm.stop_loss,
        check_every=algorithm.check_every,
        patience=algorithm.patience,
        time_limit=algorithm.time_limit,
        precision=algorithm.precision,
    )
    plan = run.architecture.plan(facts.shape, n_outputs)
    n_parameters = None if plan is None else plan.count_parameters()
    smallest = min(run.spec.n_train for run in runs)
    flops = step_flops(run.architecture, facts, min(algorithm.largest_batch, smallest))
    groups = [
        augmentation_by(group, facts.shape, device=torch.device(device), dtype=regime.dtype)
        for group in (algorithm.augment, algorithm.orbit)
    ]
    return Setting(
        algorithm=algorithm,
        start=stack_builder(run.architecture, facts.shape, n_outputs, trained=algorithm.trained),
        build=stack_builder(
            run.architecture,
            facts.shape,
            n_outputs,
            trained=algorithm.trained,
            linearised=algorithm.linearised,
            centred=algorithm.centred,
        ),
        regime=regime,
        n_outputs=n_outputs,
        stack=largest_stack(flops, n_parameters=n_parameters, device=device),
        device=device,
        n_parameters=n_parameters,
        augmentation=groups[0],
        orbit=groups[1],
    )


def _target_width(run: Run) -> int:
    y = run.dataset.split(1, seed=run.spec.seed, study_seed=run.spec.study_seed).y_train
    return 1 if y.ndim == 1 else y.shape[1]


def _load(run: Run, setting: Setting) -> Task:
    spec = run.spec
    split = run.dataset.split(spec.n_train, seed=spec.seed, study_seed=spec.study_seed)
    dtype = setting.regime.dtype
    labels, y_test = (_labels(values) for values in (split.y_train, split.y_test))
    return Task(
        run=run,
        x=torch.from_numpy(split.x_train).to(dtype),
        y=setting.regime.loss.encode(labels, setting.n_outputs, dtype=dtype),
        labels=labels,
        x_test=torch.from_numpy(split.x_test).to(dtype),
        y_test=y_test,
    )


def _labels(values: np.ndarray) -> torch.Tensor:
    y = torch.from_numpy(np.ascontiguousarray(values))
    return y[:, None] if y.is_floating_point() and y.dim() == 1 else y


def _execute_tasks(tasks: list[Task], setting: Setting) -> Iterator[Outcome]:
    algorithm = setting.algorithm
    choices = choose(tasks, setting) if algorithm.tune else [own_choice(task, setting) for task in tasks]
    jobs = [
        _job(task, choice, setting, member)
        for task, choice in zip(tasks, choices)
        for member in range(algorithm.members)
    ]
    done: dict[int, Trained] = {}
    scorer = setting.build([0], torch.device(setting.device), setting.regime.dtype)
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
            yield _outcome(tasks[which], choices[which], members, scorer, setting)  # type: ignore[arg-type]
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


def split_off(task: Task, share: float, purpose: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return indices of the examples kept and of those held out, at least one each where n >= 2."""
    n = len(task.x)
    order = np.random.default_rng(task.seed(purpose)).permutation(n)
    held = min(max(1, round(share * n)), n - 1)
    return torch.from_numpy(np.sort(order[held:])), torch.from_numpy(np.sort(order[:held]))


def _outcome(
    task: Task, choice: Choice, members: list[Trained], scorer: AbstractStack, setting: Setting
) -> Outcome:
    seconds = sum(member.seconds for member in members) + choice.seconds
    extra: dict[str, Any] = {
        "learning_rate": choice.rate,
        "weight_decay": choice.decay,
        "steps": [member.steps for member in members] if len(members) > 1 else members[0].steps,
        "budget": choice.steps,
        "stopped": members[0].stopped,
        "train_loss": members[0].train_loss if np.isfinite(members[0].train_loss) else None,
    }
    if members[0].best_step is not None:
        extra["best_step"] = members[0].best_step
    if choice.search:
        extra["search"] = choice.search
    n_parameters = setting.n_parameters
    if n_parameters is None:
        n_parameters = sum(p[0].numel() for p in scorer.parameters)
    failed = next((member for member in members if member.weights is None), None)
    status, message = (failed.status, failed.message) if failed else ("ok", "")
    result: Score | None = None
    if failed is None:
        try:
            outputs = _predict(task, members, scorer, setting)
            result = score(outputs, task.y_test.to(setting.device), setting.regime.loss)
            if bool((outputs == outputs[0]).all()) and len(outputs) > 1:
                result, status, message = None, "diverged", "outputs are the same for every test input"
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            status, message = "out-of-memory", f"while predicting: {str(error).splitlines()[0]}"
    return Outcome(
        run=task.run,
        status=status,
        metric="error-rate" if task.run.dataset.facts().n_classes is not None else "mse",
        n_errors=result.n_errors if result else None,
        n_test=result.n_test if result else None,
        value=result.value if result else None,
        test_loss=result.loss if result else None,
        seconds=seconds,
        message=message,
        n_parameters=n_parameters,
        extra=extra,
    )


def _predict(task: Task, members: list[Trained], scorer: AbstractStack, setting: Setting) -> torch.Tensor:
    """Return the ensemble's outputs on the test inputs."""
    x = task.x_test.to(setting.device)
    outputs = [
        predict_over_orbit(scorer, member.weights, x, setting.regime.loss, setting.orbit)
        for member in members
        if member.weights is not None
    ]
    return setting.regime.loss.combine(outputs)
