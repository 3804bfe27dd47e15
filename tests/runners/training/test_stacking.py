"""A net's numbers do not depend on the company it trains in: every architecture, every algorithm.

Stated rounding: relative 1e-4, absolute 1e-5 on weights after 20 to 48 steps in float32. On the machines seen so far
results are equal bit by bit (see docs/results/training.md), but libraries do not promise it.
"""

from __future__ import annotations

import pytest
import torch

from runners.architectures import FCN, GAP, LCN, VEC, ResNet
from runners.runs import execute_specs, prepare_specs
from runners.training import task as task_module
from runners.training.augment import augmentation_by
from runners.training.loop import train_jobs
from runners.training.losses import Loss
from runners.training.rules import AdamRule, Momentum
from runners.training.stack import stack_builder
from tests.runners.training.nets import CPU, SHAPE, jobs, regime, task
from tests.runners.training.test_execute import GRADIENT, spec

NETS = [
    FCN(width=6, b_std=0.1),
    LCN(width=3, b_std=0.1),
    LCN(width=3, readout="pool"),
    VEC(width=3, activation="gelu"),
    GAP(width=3, parameterisation="standard"),
    ResNet(width=2, stages=2),
]


def assert_same_alone_and_together(build, regime_, made, **settings) -> None:
    alone, pairs, together = (
        dict(train_jobs(made, build, regime_, largest_stack=size, **settings)) for size in (1, 2, len(made))
    )
    for index in range(len(made)):
        assert alone[index].steps == together[index].steps
        assert alone[index].best_step == together[index].best_step
        for one, two, many in zip(
            alone[index].net.weights, pairs[index].net.weights, together[index].net.weights
        ):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(one, many, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "architecture", NETS, ids=lambda a: f"{type(a).__name__}-{getattr(a, 'readout', '')}"
)
@pytest.mark.parametrize("rule", [Momentum(0.9), AdamRule()])
def test_every_architecture(architecture, rule):
    build = stack_builder(architecture, SHAPE, 3)
    assert_same_alone_and_together(build, regime(rule, schedule="cosine"), jobs())


@pytest.mark.parametrize(
    "rule", [Momentum(), Momentum(0.9, nesterov=True), AdamRule(), AdamRule(decoupled=True)]
)
@pytest.mark.parametrize("batch_size", [8, 1000])
def test_every_rule_on_batches_and_on_the_whole_set(rule, batch_size):
    build = stack_builder(VEC(width=3), SHAPE, 3)
    assert_same_alone_and_together(build, regime(rule, batch_size=batch_size), jobs())


@pytest.mark.parametrize("treatment", [{"linearised": True}, {"centred": True}, {"trained": "readout"}])
def test_every_treatment_of_the_net(treatment):
    assert_same_alone_and_together(stack_builder(GAP(width=3), SHAPE, 3, **treatment), regime(), jobs())


def test_augmentation_and_early_stopping():
    moves = augmentation_by("cyclic-shifts", SHAPE, device=CPU, dtype=torch.float32)
    x, y = task(16, seed=9)
    build = stack_builder(LCN(width=3), SHAPE, 3)
    assert_same_alone_and_together(
        build, regime(patience=1), jobs(held=(x, y), steps=200, rate=0.3), augmentation=moves
    )
    moved, plain = (
        dict(train_jobs(jobs(1), build, regime(), augmentation=augmentation))
        for augmentation in (moves, None)
    )
    assert not torch.allclose(moved[0].net.weights[0], plain[0].net.weights[0])


def test_sizes_mix_in_one_stack():
    made = [job for n in (16, 24, 100) for job in jobs(2, n=n)]
    assert_same_alone_and_together(stack_builder(FCN(width=6), SHAPE, 3), regime(), made)


@pytest.mark.parametrize("inference", GRADIENT)
def test_records_do_not_depend_on_the_stack(inference, monkeypatch):
    specs = prepare_specs(
        [spec(inference, "lcn", seed=s, n_train=n, steps=40) for s in (0, 1) for n in (32, 40)]
    )
    together = {record.run_id: record for record in execute_specs(specs)}
    monkeypatch.setattr(task_module, "largest_stack", lambda *_, **__: 1)
    for record in execute_specs(specs):
        other = together[record.run_id]
        assert record.n_errors == other.n_errors
        assert record.test_loss == pytest.approx(other.test_loss, rel=1e-4)
        for name in ("learning_rate", "steps", "budget", "stopped"):
            assert record.extra[name] == other.extra[name]
        assert record.extra["train_loss"] == pytest.approx(other.extra["train_loss"], rel=1e-4)


def test_the_loss_of_a_net_is_its_own():
    outputs = torch.randn(3, 4, 5)
    targets = torch.randint(0, 5, (3, 4))
    for loss in (Loss(), Loss("cross-entropy", 0.1)):
        alone = torch.cat([loss(outputs[i : i + 1], targets[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(loss(outputs, targets), alone)
