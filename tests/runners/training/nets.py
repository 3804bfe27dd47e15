"""A small problem, jobs and a regime that the tests of training share."""

from __future__ import annotations

import torch

from runners.training.job import Job, Regime
from runners.training.losses import Loss
from runners.training.rules import Momentum

SHAPE = (3, 3, 2)
CPU = torch.device("cpu")


def task(n: int = 24, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *SHAPE, generator=generator)
    return x, (x.mean((1, 2, 3)) > 0).long() + (x[:, 0, 0, 0] > 0).long()


def jobs(count: int = 5, *, n: int = 24, **changes) -> list[Job]:
    """Return jobs that differ in data, seeds, rates, decays and budgets, unless `changes` say otherwise."""
    made = []
    for index in range(count):
        x, y = task(n, seed=index)
        settings = {"rate": 0.05 * (index + 1), "decay": 0.01 * index, "steps": 20 + 7 * index, **changes}
        made.append(Job(x, y, seed=index, batch_seed=100 + index, **settings))
    return made


def regime(rule=None, **changes) -> Regime:
    """Return a regime of batches of 8 and looks every 10 steps, unless `changes` say otherwise."""
    return Regime(
        **{"rule": rule or Momentum(0.9), "loss": Loss(), "batch_size": 8, "check_every": 10, **changes}
    )
