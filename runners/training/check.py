"""Combinations that gradient training refuses, found before any work starts."""

from __future__ import annotations

from functools import lru_cache

import torch

from curvefit.errors import InvalidInputError
from runners.algorithms.abstract import Run
from runners.algorithms.gradient import AbstractGradientTraining
from runners.architectures.abstract import AbstractArchitecture
from runners.training.banks import LARGEST, is_whole
from runners.training.cost import count_outputs
from runners.training.module_stack import ModuleStack
from runners.training.stack import stack_builder
from runners.training.task import count_held

STOP_SHARE = 0.1
"""A stop loss above this share of the loss of predicting the mean is remarked on."""


def check_run(algorithm: AbstractGradientTraining, run: Run) -> None:
    """Raise where `run` cannot be trained as asked.

    Raises
    ------
    InvalidInputError
        For a training set too small for what is held out of it, layers that do not fit the images, a module that
        cannot be built or gives outputs of another shape, a treatment that the net does not allow, or an orbit too
        large to average over.
    """
    left = run.spec.n_train
    for share in (algorithm.tune.validation if algorithm.tune else 0.0, algorithm.validation):
        if share and left < 2:
            allowed = "a smaller share for the search, or " if left < run.spec.n_train else ""
            raise InvalidInputError(
                f"n_train {run.spec.n_train} leaves nothing to hold out for validation; allowed: {allowed}2 and more"
            )
        left -= count_held(left, share) if share else 0
    shape = run.dataset.facts().shape
    if not is_whole(algorithm.orbit, shape):
        raise InvalidInputError(
            f"orbit {algorithm.orbit!r} on images of shape {shape} cannot be averaged over, only sampled, which leaves no "
            f"invariance; allowed: groups of at most {LARGEST} maps of pixels, such as 'cyclic-shifts' on small images"
        )
    _try_net(run.architecture, shape, count_outputs(run), algorithm)


def remark_on_stop_loss(algorithm: AbstractGradientTraining, run: Run) -> str:
    """Return a remark where training on regression targets stops far from the end: the loss has their units."""
    facts = run.dataset.facts()
    if facts.n_classes is not None or algorithm.stop_loss is None:
        return ""
    chance = facts.chance_error * count_outputs(run) / 2
    if algorithm.stop_loss <= STOP_SHARE * chance:
        return ""
    return (
        f"stop_loss {algorithm.stop_loss:g} is {algorithm.stop_loss / chance:.0%} of the loss of predicting the mean "
        f"({chance:.3g}, half the squared error): training may stop before it has learned; scale the targets or "
        "set stop_loss"
    )


@lru_cache(maxsize=512)
def _try_net(
    architecture: AbstractArchitecture,
    shape: tuple[int, int, int],
    n_outputs: int,
    algorithm: AbstractGradientTraining,
) -> None:
    """Build what will be trained; a net whose layers are not known is also tried on two blank images."""
    build = stack_builder(
        architecture,
        shape,
        n_outputs,
        trained=algorithm.trained,
        linearised=algorithm.linearised,
        centred=algorithm.centred,
    )
    if architecture.plan(shape, n_outputs) is not None:
        return
    stack = build([0], torch.device("cpu"), torch.float32)
    stack.train(False)
    try:
        outputs = stack.forward(stack.weights, torch.zeros(1, 2, *shape))
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidInputError(f"{architecture} fails on inputs of shape (2, {shape}): {error}") from error
    if outputs.shape != (1, 2, n_outputs):
        raise InvalidInputError(
            f"{architecture} gives outputs of shape {tuple(outputs.shape[1:])} for two images; needed: (2, {n_outputs})"
        )
    if not stack.parameters:
        raise InvalidInputError(f"{architecture} has no parameter that can be trained")
    if algorithm.linearised or algorithm.centred:
        _refuse_random(architecture, shape, n_outputs, "linearised" if algorithm.linearised else "centred")


def _refuse_random(
    architecture: AbstractArchitecture, shape: tuple[int, int, int], n_outputs: int, treatment: str
) -> None:
    """Raise for a net with dropout: what training changed is not known from two passes under two masks."""
    net = stack_builder(architecture, shape, n_outputs)([0], torch.device("cpu"), torch.float32)
    if isinstance(net, ModuleStack) and net.is_random(torch.ones(1, 2, *shape)):
        raise InvalidInputError(
            f"a net that draws random numbers while it trains, such as dropout's, cannot be {treatment}: "
            f"{architecture} does; allowed: the same net without them"
        )
