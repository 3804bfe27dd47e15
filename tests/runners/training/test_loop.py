"""Training stacks: the rules against torch's own, independence of the stacking, every way to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from runners.architectures import FCN, VEC
from runners.training import stack_run
from runners.training.batches import BatchStream
from runners.training.job import Job
from runners.training.loop import train_jobs
from runners.training.stack import stack_builder
from tests.runners.training.nets import SHAPE, jobs, regime, task


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


def test_the_loss_a_net_looks_at_is_the_same_whatever_the_budgets_beside_it():
    build = stack_builder(FCN(width=16), SHAPE, 3)
    one = jobs(1, rate=0.1, steps=100)
    (_, alone), *_ = train_jobs(one, build, regime())
    company = [*one, *(job for steps in (13, 37, 71) for job in jobs(1, rate=0.1, steps=steps))]
    (_, together), *_ = train_jobs(company, build, regime(), largest_stack=4)
    assert [look.train_loss for look in together.trace] == [look.train_loss for look in alone.trace]


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


def test_a_loss_above_the_limit_counts_as_diverged(monkeypatch):
    monkeypatch.setattr(stack_run, "DIVERGED", 0.5)
    build = stack_builder(FCN(width=4), SHAPE, 3)
    ((_, trained),) = train_jobs(jobs(1, rate=1e-6), build, regime())
    assert trained.status == "diverged"


@pytest.mark.parametrize("validation", [False, True])
def test_data_that_is_not_finite_counts_as_diverged(validation):
    x, y = task()
    x[3] = float("nan")
    held = (x[:8], y[:8]) if validation else None
    job = Job(x[8:] if validation else x, y[8:] if validation else y, 0, 1, 0.1, 0.0, 40, held)
    ((_, trained),) = train_jobs([job], stack_builder(FCN(width=4), SHAPE, 3), regime())
    assert trained.status == "diverged"
    assert trained.net is None


def test_early_stopping_keeps_the_best_weights_also_where_the_loss_target_ends_training():
    x, y = task(40)
    noise = torch.randint(0, 3, (20,), generator=torch.Generator().manual_seed(0))
    job = Job(x[:20], noise, seed=0, batch_seed=1, rate=0.5, decay=0.0, steps=2000, held=(x[20:], y[20:]))
    build = stack_builder(FCN(width=16), SHAPE, 3)
    ((_, trained),) = train_jobs([job], build, regime(patience=1000, stop_loss=0.01))
    assert trained.stopped == "loss"
    assert trained.best_step < trained.steps
    shorter = replace(job, steps=trained.best_step, held=None)
    ((_, best),) = train_jobs([shorter], build, regime())
    for ours, theirs in zip(trained.net.weights, best.net.weights):
        torch.testing.assert_close(ours, theirs)
