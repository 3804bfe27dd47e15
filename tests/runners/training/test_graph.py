"""What runs on GPUs, run here with the recorder replaced: CUDA itself is touched by `record` alone."""

from __future__ import annotations

import pytest
import torch

from runners.architectures import VEC, convolution
from runners.architectures.windows import Windows
from runners.training import graph, stack_run
from runners.training.augment import augmentation_by
from runners.training.loop import train_jobs
from runners.training.rules import AdamRule, Momentum
from runners.training.stack import stack_builder
from runners.training.step import Stepper
from tests.runners.training.nets import CPU, SHAPE, jobs, regime


class Recorder:
    """Keeps the step instead of a graph: replaying reads and writes the same fixed places."""

    def __init__(self) -> None:
        self.recorded, self.replayed = 0, 0

    def __call__(self, step, device):
        self.recorded += 1
        for _ in range(graph.TRIAL_STEPS):
            step()
        result = step().clone()

        def replay() -> None:
            self.replayed += 1
            result.copy_(step())

        return replay, result


class Replaying(Stepper):
    """A stepper that records on every device."""

    def __init__(self, *arguments, **settings) -> None:
        super().__init__(*arguments, **{**settings, "replay": True})


@pytest.mark.parametrize("rule", [Momentum(0.9), AdamRule()])
@pytest.mark.parametrize("batch_size", [8, 1000])
def test_replayed_steps_are_eager_steps(monkeypatch, rule, batch_size):
    build = stack_builder(VEC(width=3), SHAPE, 3)
    moves = augmentation_by("cyclic-shifts", SHAPE, device=CPU, dtype=torch.float32)
    how = {"largest_stack": 5, "augmentation": moves}
    settings = regime(rule, batch_size=batch_size, schedule="cosine")
    eager = dict(train_jobs(jobs(), build, settings, **how))
    recorder = Recorder()
    monkeypatch.setattr(graph, "record", recorder)
    monkeypatch.setattr(stack_run, "Stepper", Replaying)
    replayed = dict(train_jobs(jobs(), build, settings, **how))
    assert recorder.replayed == 48
    assert recorder.recorded == 5  # once per size of the stack
    for index in range(5):
        assert eager[index].train_loss == pytest.approx(replayed[index].train_loss, rel=1e-4)
        for ours, theirs in zip(eager[index].net.weights, replayed[index].net.weights):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_on_a_gpu_stacks_shrink_by_halves_and_on_a_cpu_at_once():
    for device, shrinks in (("cuda", [1, 2]), ("cpu", [1, 2, 3, 4])):
        kind = torch.device(device)
        assert [alive for alive in range(6) if stack_run.should_compact(alive, of=5, device=kind)] == shrinks


def test_the_way_of_convolving_is_chosen_by_measuring_once_per_shape(monkeypatch):
    seconds = {"per-model": 3.0, "windows": 2.0, "grouped": 1.0}
    names = {way: name for name, way in convolution.WAYS.items()}
    asked = []

    def measure(way, *_):
        asked.append(names[way])
        return seconds[names[way]]

    monkeypatch.setattr(convolution, "time_way", measure)
    monkeypatch.setattr(convolution, "_chosen", {})
    windows = Windows((4, 4), (3, 3), (1, 1), "circular")
    x, weight = torch.randn(2, 3, 4, 4, 2), torch.randn(2, 18, 5)
    assert convolution.choose_way(x, weight, windows) == "grouped"
    assert convolution.choose_way(x, weight, windows) == "grouped"
    assert sorted(asked) == ["grouped", "per-model", "windows"]
    seconds["windows"] = 0.5
    assert convolution.choose_way(x[:1], weight[:1], windows) == "windows"


def test_measuring_really_runs_every_way():
    windows = Windows((4, 4), (3, 3), (1, 1), "same")
    x, weight = torch.randn(2, 3, 4, 4, 2), torch.randn(2, 18, 5)
    for way in convolution.WAYS.values():
        assert convolution.time_way(way, x, weight, windows, repeats=1) > 0
