"""Costs foretold before any run, against what the runs of a reference study took."""

from __future__ import annotations

import pytest
import torch

from curvefit.study import Study
from runners.algorithms.kernel_regression import AbstractKernelRegression, solve_cost
from runners.architectures import ARCHITECTURES
from runners.engine.plan import make_plan
from runners.engine.where import parse_conditions
from runners.runs import build_run
from runners.training.cost import forward_flops
from tests.benchmarks.costs import forecast


@pytest.mark.parametrize("study", ["translation", "rotations"])
def test_a_first_guess_is_right_within_a_factor_of_three_and_says_so(study, monkeypatch):
    monkeypatch.setattr(
        "runners.engine.estimate.processor_speed", lambda: 1.27e11
    )  # of the machine that took them
    for one in forecast(study):
        assert 1 / 3 < one.guess.seconds / one.seconds < 3, one.label
        assert one.guess.low < one.seconds < one.guess.high, one.label


def test_past_runs_foretell_the_rest():
    rests = [one for one in forecast("translation") if one.rest]
    assert len(rests) == 3
    for one in rests:
        assert one.rest.n_past > 0
        assert one.rest.low < one.rest_seconds < one.rest.high, one.label
        assert one.rest.high / one.rest.low < one.guess.high / one.guess.low


def kernel_study() -> Study:
    return Study.from_dict(
        {
            "study": {"name": "shared", "replicates": 1, "sizes": [16, 32, 64]},
            "data": [{"name": "digits"}],
            "model": [{"name": "lcn"}, {"name": "vec"}],
            "inference": [{"name": "nngp"}, {"name": "ntk"}],
        }
    )


def test_runs_that_share_a_kernel_share_its_cost_also_where_only_some_are_asked_for():
    plan = make_plan(kernel_study())
    (chunk,) = plan.chunks
    largest = [build_run(spec) for spec in chunk.specs if spec.n_train == 64]
    algorithm = largest[0].algorithm
    assert isinstance(algorithm, AbstractKernelRegression)
    gram, solve = algorithm.gram_cost(largest[0]), solve_cost(largest[0], 64)
    assert sum(plan.costs.values()) == pytest.approx(gram + 2 * solve)
    small = plan.narrowed(parse_conditions(["n_train=16"]))
    assert 0 < sum(small.costs.values()) < sum(plan.costs.values()) / 3


def test_a_net_of_ones_own_is_counted():
    net = ARCHITECTURES["module"](factory="tests.runners.test_costs:make_net")
    assert forward_flops(net, (4, 4, 2), 3) == 2 * (32 * 8 + 8 * 3)


def make_net(shape, n_outputs):
    height, width, channels = shape
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(height * width * channels, 8),
        torch.nn.ReLU(),
        torch.nn.Linear(8, n_outputs),
    )
