"""Training stacks: the rules against torch's own, independence of the stacking, every way to end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from curvefit.symmetry import get_group
from runners.architectures import FCN, GAP, LCN, VEC, Module
from runners.training import stack_run
from runners.training.augment import augmentation_by
from runners.training.batches import BatchStream
from runners.training.job import Job, Regime
from runners.training.loop import train_jobs
from runners.training.losses import Loss, score
from runners.training.orbit import predict_over_orbit
from runners.training.rules import AdamRule, Momentum
from runners.training.stack import stack_builder

SHAPE = (3, 3, 2)
CPU = torch.device("cpu")


def task(n: int = 24, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *SHAPE, generator=generator)
    return x, (x.mean((1, 2, 3)) > 0).long() + (x[:, 0, 0, 0] > 0).long()


def jobs(count: int = 5, **changes) -> list[Job]:
    made = []
    for index in range(count):
        x, y = task(seed=index)
        settings = {"rate": 0.05 * (index + 1), "decay": 0.01 * index, "steps": 20 + 7 * index, **changes}
        made.append(Job(x, y, seed=index, batch_seed=100 + index, **settings))
    return made


def regime(rule=None, **changes) -> Regime:
    return Regime(rule or Momentum(0.9), Loss(), 8, **{"check_every": 10, **changes})


@pytest.mark.parametrize(
    ("rule", "optimiser"),
    [
        (Momentum(), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01)),
        (Momentum(0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
        (
            Momentum(0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        ),
        (AdamRule(), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.01)),
        (AdamRule(decoupled=True), lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.01)),
    ],
)
def test_update_rules_agree_with_torch(rule, optimiser):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 4, 2, dtype=torch.float64, generator=generator)
    gradients = [torch.randn(3, 4, 2, dtype=torch.float64, generator=generator) for _ in range(6)]
    ours, theirs = start.clone(), start.clone().requires_grad_()
    state, other = rule.start([ours]), optimiser([theirs])
    rate, decay = torch.full((3,), 0.1, dtype=torch.float64), torch.full((3,), 0.01, dtype=torch.float64)
    for count, gradient in enumerate(gradients, start=1):
        rule.update(
            [ours],
            [gradient],
            state,
            rate=rate,
            decay=decay,
            count=torch.tensor(float(count), dtype=torch.float64),
        )
        theirs.grad = gradient.clone()
        other.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("architecture", [FCN(width=6), LCN(width=3), VEC(width=3), GAP(width=3)])
@pytest.mark.parametrize("rule", [Momentum(0.9), AdamRule()])
def test_numbers_do_not_depend_on_the_company_a_net_trains_in(architecture, rule):
    build = stack_builder(architecture, SHAPE, 3)
    alone, pairs, together = (
        dict(train_jobs(jobs(), build, regime(rule, schedule="cosine"), largest_stack=size))
        for size in (1, 2, 5)
    )
    for index in range(5):
        assert alone[index].steps == together[index].steps == 20 + 7 * index
        for ours, theirs, both in zip(
            alone[index].net.weights, together[index].net.weights, pairs[index].net.weights
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(ours, both, rtol=1e-4, atol=1e-5)


def test_a_stack_does_what_a_plain_torch_loop_does():
    x, y = task()
    architecture = VEC(width=3)
    job = Job(x, y, seed=1, batch_seed=2, rate=0.1, decay=0.01, steps=12)
    (_, trained), *_ = train_jobs([job], stack_builder(architecture, SHAPE, 3), regime())
    net = architecture.build(SHAPE, 3, seed=1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for batch in BatchStream(len(x), 8, seed=2).take(12):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
        optimiser.step()
    for ours, theirs in zip(trained.net.weights, net.parameters()):
        torch.testing.assert_close(ours[0], theirs.detach(), rtol=1e-4, atol=1e-5)


def test_batches_use_every_example_once_before_any_twice():
    stream = BatchStream(10, 4, seed=0)
    seen = np.concatenate([stream.take(3).ravel(), stream.take(2).ravel()])
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    again = BatchStream(10, 4, seed=0).take(5).ravel()
    assert np.array_equal(seen, again)
    assert np.array_equal(BatchStream(3, 4, seed=0).take(2), [[0, 1, 2], [0, 1, 2]])


def test_nets_leave_when_they_diverge_or_their_loss_is_small_and_others_go_on():
    build = stack_builder(FCN(width=16), SHAPE, 3)
    mixed = [
        *jobs(1, rate=1e9, steps=400),
        *jobs(1, rate=0.5, steps=400),
        *jobs(1, rate=1e-4, steps=40),
    ]
    trained = dict(train_jobs(mixed, build, regime(stop_loss=0.05), largest_stack=3))
    assert trained[0].status == "diverged"
    assert "step 10" in trained[0].message
    assert trained[0].net is None
    assert (trained[1].status, trained[1].stopped) == ("ok", "loss")
    assert trained[1].steps < 400
    assert (trained[2].stopped, trained[2].steps) == ("budget", 40)


def test_a_time_limit_stops_a_net():
    build = stack_builder(FCN(width=16), SHAPE, 3)
    ((_, trained),) = train_jobs(jobs(1, steps=10**6), build, regime(time_limit=1e-9))
    assert trained.status == "timeout"
    assert trained.steps == 10


def test_early_stopping_keeps_the_best_weights_seen():
    x, y = task(40)
    noise = torch.randint(0, 3, (20,), generator=torch.Generator().manual_seed(0))
    job = Job(x[:20], noise, seed=0, batch_seed=1, rate=0.5, decay=0.0, steps=2000, held=(x[20:], y[20:]))
    build = stack_builder(FCN(width=16), SHAPE, 3)
    ((_, trained),) = train_jobs([job], build, regime(patience=3))
    assert trained.stopped == "validation"
    assert trained.best_step == trained.steps - 30
    shorter = Job(x[:20], noise, seed=0, batch_seed=1, rate=0.5, decay=0.0, steps=trained.best_step)
    ((_, best),) = train_jobs([shorter], build, regime())
    for ours, theirs in zip(trained.net.weights, best.net.weights):
        torch.testing.assert_close(ours, theirs)


def test_a_stack_that_does_not_fit_into_memory_is_halved(monkeypatch):
    plain = stack_builder(FCN(width=4), SHAPE, 3)
    sizes = []

    def build(seeds, device, dtype):
        sizes.append(len(seeds))
        if len(seeds) > 2 or 4 in seeds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB\nmore words")
        return plain(seeds, device, dtype)

    trained = dict(train_jobs(jobs(), build, regime(), largest_stack=5))
    assert sizes == [5, 2, 3, 1, 2, 1, 1]
    assert [trained[i].status for i in range(5)] == ["ok", "ok", "ok", "ok", "out-of-memory"]
    assert trained[4].message == "CUDA out of memory. Tried to allocate 3 GiB"


def test_other_errors_are_not_swallowed():
    def build(seeds, device, dtype):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(train_jobs(jobs(1), build, regime()))


def test_a_users_module_trains_with_its_running_statistics():
    architecture = Module(factory="tests.runners.architectures.test_nets:make_module")
    build = stack_builder(architecture, SHAPE, 3)
    x, y = task()
    job = Job(x, y, seed=3, batch_seed=4, rate=0.1, decay=0.0, steps=15)
    ((_, trained),) = train_jobs([job], build, regime())
    net = architecture.build(SHAPE, 3, seed=3)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for batch in BatchStream(len(x), 8, seed=4).take(15):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
        optimiser.step()
    net.eval()
    ours = trained.net.predict(x)
    torch.testing.assert_close(ours, net(x).detach(), rtol=1e-4, atol=1e-4)


def test_augmentation_moves_examples_by_group_elements():
    group = get_group("cyclic-shifts", shape=SHAPE)
    moves = augmentation_by("cyclic-shifts", SHAPE, device=CPU, dtype=torch.float32)
    x, _ = task(4)
    elements = torch.tensor([[0, 3, 5, 8]])
    moved = moves(x[None], elements)[0]
    for image, element, result in zip(x, elements[0], moved):
        assert np.array_equal(group.element(int(element))(image.numpy()), result.numpy())
    turns = augmentation_by("o-c-shared", SHAPE, device=CPU, dtype=torch.float64)
    turned = turns(x.double()[None], torch.full((1, 4), 3))[0]
    torch.testing.assert_close(turned.norm(dim=-1), x.double().norm(dim=-1))
    assert not torch.allclose(turned, x.double(), atol=0.1)


def test_averages_over_an_orbit_are_invariant():
    build = stack_builder(FCN(width=8), SHAPE, 3)
    stack = build([0], CPU, torch.float64)
    x = task(5)[0].double()
    moves = augmentation_by("cyclic-shifts", SHAPE, device=CPU, dtype=torch.float64)
    for loss in (Loss(), Loss("mse")):
        plain = predict_over_orbit(stack.one(0), x, loss, moves)
        shifted = predict_over_orbit(stack.one(0), x.roll((1, 2), (1, 2)), loss, moves)
        torch.testing.assert_close(plain, shifted)
    assert not torch.allclose(stack.one(0).predict(x), plain)


def test_losses_and_scores():
    y = torch.tensor([0, 2, 1])
    targets = Loss("mse").encode(y, 3, dtype=torch.float64)
    assert torch.allclose(targets.sum(1), torch.zeros(3, dtype=torch.float64))
    assert float(Loss("mse")(targets[None], targets[None])) == 0
    outputs = torch.tensor([[3.0, 0, 0], [3.0, 0, 0], [0, 3.0, 0]])
    assert score(outputs, y, Loss()).n_errors == 1
    smoothed = Loss("cross-entropy", 0.3)(outputs[None], y[None])
    expected = torch.nn.functional.cross_entropy(outputs, y, label_smoothing=0.3)
    assert float(smoothed) == pytest.approx(float(expected))
    ensemble = Loss().combine([outputs, -outputs]).exp()
    assert torch.allclose(ensemble, (outputs.softmax(-1) + (-outputs).softmax(-1)) / 2)
    regression = score(torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [4.0]]), Loss("mse"))
    assert (regression.n_errors, regression.value) == (None, 2.5)


def test_a_loss_above_the_limit_counts_as_diverged(monkeypatch):
    monkeypatch.setattr(stack_run, "DIVERGED", 0.5)
    build = stack_builder(FCN(width=4), SHAPE, 3)
    ((_, trained),) = train_jobs(jobs(1, rate=1e-6), build, regime())
    assert trained.status == "diverged"
