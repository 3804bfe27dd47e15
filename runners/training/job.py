"""One net to train, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch

from runners.training.abstract import OneNet
from runners.training.losses import Loss
from runners.training.rules import AbstractRule


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One net to train.

    Parameters
    ----------
    x, y
        Training inputs ``(n, height, width, channels)`` and encoded targets; jobs may share them.
    seed, batch_seed
        Of the initial weights, and of the order of examples.
    rate, decay
        Learning rate and weight decay.
    steps
        Steps to train at most.
    held
        Inputs and encoded targets held out to stop early, or None.
    """

    x: torch.Tensor
    y: torch.Tensor
    seed: int
    batch_seed: int
    rate: float
    decay: float
    steps: int
    held: tuple[torch.Tensor, torch.Tensor] | None = None


class Look(NamedTuple):
    """What was seen at a step: mean training loss since the look before, loss on the held-out examples."""

    step: int
    train_loss: float
    held_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of one job.

    Parameters
    ----------
    status, message
        As in `curvefit.records.RunRecord`.
    net
        The trained net, or None where training failed.
    steps
        Steps taken.
    train_loss
        Mean loss over the last batches (of the whole set, where a batch is the whole set).
    stopped
        Why training ended: ``"budget"``, ``"loss"`` or ``"validation"``; empty where it failed.
    seconds
        This net's share of the time: of the processor on a CPU, of the clock elsewhere.
    best_step
        Step of the weights kept by early stopping.
    trace
        The looks, in order; of very many, some.
    """

    status: str
    message: str = ""
    net: OneNet | None = field(default=None, repr=False)
    steps: int = 0
    train_loss: float = math.nan
    stopped: str = ""
    seconds: float = 0.0
    best_step: int | None = None
    trace: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Regime:
    """How a stack is trained; what differs between its nets is in their jobs.

    Parameters
    ----------
    rule, loss
        Update rule and training loss.
    batch_size
        Examples per step, at most.
    schedule
        ``"constant"``, or ``"cosine"``: from the full rate to zero over a job's steps.
    stop_loss
        Stop once the mean training loss since the last look is this small.
    check_every
        Steps between looks.
    patience
        Stop early after so many looks without a better loss on the held-out examples.
    time_limit
        Seconds a net may take (see `Trained.seconds`).
    precision
        ``"float32"``, ``"tf32"``, ``"bfloat16"`` (products only) or ``"float64"``.
    """

    rule: AbstractRule
    loss: Loss
    batch_size: int
    schedule: Literal["constant", "cosine"] = "constant"
    stop_loss: float | None = None
    check_every: int = 25
    patience: int = 10
    time_limit: float | None = None
    precision: Literal["float32", "tf32", "bfloat16", "float64"] = "float32"

    @property
    def dtype(self) -> torch.dtype:
        """Precision of weights and data."""
        return torch.float64 if self.precision == "float64" else torch.float32
