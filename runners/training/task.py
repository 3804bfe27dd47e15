"""Runs with their data at hand, and what all runs of one call share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from curvefit.seeding import seed_for
from runners.algorithms.abstract import Run
from runners.algorithms.gradient import AbstractGradientTraining
from runners.training.augment import AbstractAugmentation, augmentation_by
from runners.training.cost import count_outputs, largest_stack, step_flops
from runners.training.job import Regime
from runners.training.losses import Loss
from runners.training.stack import Build, stack_builder


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


def make_setting(algorithm: AbstractGradientTraining, runs: Sequence[Run], device: str) -> Setting:
    """Return what `runs`, of one architecture and input shape, share."""
    run = runs[0]
    facts = run.dataset.facts()
    n_outputs = count_outputs(run)
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
    batch = min(algorithm.largest_batch, smallest)
    flops = step_flops(run.architecture, facts.shape, n_outputs, batch)
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


def load_task(run: Run, setting: Setting) -> Task:
    """Return a run with its data."""
    spec = run.spec
    split = run.dataset.split(spec.n_train, seed=spec.seed, study_seed=spec.study_seed)
    dtype = setting.regime.dtype
    labels, y_test = (_labels(values) for values in (split.y_train, split.y_test))
    return Task(
        run=run,
        x=torch.from_numpy(np.ascontiguousarray(split.x_train)).to(dtype),
        y=setting.regime.loss.encode(labels, setting.n_outputs, dtype=dtype),
        labels=labels,
        x_test=torch.from_numpy(np.ascontiguousarray(split.x_test)).to(dtype),
        y_test=y_test,
    )


def _labels(values: np.ndarray) -> torch.Tensor:
    y = torch.from_numpy(np.ascontiguousarray(values))
    return y[:, None] if y.is_floating_point() and y.dim() == 1 else y


def split_off(
    task: Task, share: float, purpose: str, *, among: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return indices of the examples kept and of those held out, of all or of those with indices `among`."""
    among = torch.arange(len(task.x)) if among is None else among
    order = np.random.default_rng(task.seed(purpose)).permutation(len(among))
    held = count_held(len(among), share)
    return among[np.sort(order[held:])], among[np.sort(order[:held])]


def count_held(n: int, share: float) -> int:
    """Return how many of `n` examples are held out: at least one, and at least one is kept, where n >= 2."""
    return min(max(1, round(share * n)), n - 1)
