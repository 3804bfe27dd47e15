"""A user's own net, from a module in memory to a study on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from curvefit.errors import InvalidInputError
from curvefit.records import RecordStore
from runners.architectures import Module
from runners.runs import prepare_specs
from runners.training.batches import BatchStream
from runners.training.job import Job
from runners.training.loop import train_jobs
from runners.training.stack import stack_builder
from tests.runners.training.nets import SHAPE, jobs, regime, task
from tests.runners.training.test_execute import spec

HERE = __name__


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


class RandomFeatures(torch.nn.Module):
    """Random features that are frozen, or not even registered, under a trained readout."""

    def __init__(self, n_inputs: int, n_outputs: int, *, registered: bool) -> None:
        super().__init__()
        features = torch.randn(n_inputs, 12)
        self.features = torch.nn.Parameter(features, requires_grad=False) if registered else features
        self.readout = torch.nn.Linear(12, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.readout(torch.relu(x.flatten(1) @ self.features))


def make_features(shape, n_outputs, *, registered=True):
    return RandomFeatures(shape[0] * shape[1] * shape[2], n_outputs, registered=registered)


def make_dropout(shape, n_outputs):
    n_inputs = shape[0] * shape[1] * shape[2]
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(n_inputs, 16),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(16, n_outputs),
    )


def make_wrong_outputs(shape, n_outputs):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(n_outputs + 1))


@pytest.mark.parametrize("registered", [True, False])
def test_a_net_predicts_with_its_own_frozen_weights(registered):
    architecture = Module(factory=f"{HERE}:make_features", arguments={"registered": registered})
    x, y = task()
    job = Job(x, y, seed=5, batch_seed=1, rate=0.05, decay=0.0, steps=200)
    ((_, trained),) = train_jobs([job], stack_builder(architecture, SHAPE, 3), regime())
    features = architecture.build(SHAPE, 3, seed=5).features.detach()
    named = dict(zip(trained.net.stack._names, trained.net.weights))
    hidden = torch.relu(x.flatten(1) @ features)
    expected = hidden @ named["readout.weight"][0].T + named["readout.bias"][0]
    torch.testing.assert_close(trained.net.predict(x), expected)


def test_dropout_depends_on_the_seed_alone_and_leaves_torchs_generator_alone():
    build = stack_builder(Module(factory=f"{HERE}:make_dropout"), SHAPE, 3)
    made = jobs(3)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = dict(train_jobs(made, build, regime()))
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(1)
    again = dict(enumerate(t for _, t in train_jobs(made[::-1], build, regime())))
    for index in range(3):
        for ours, theirs in zip(first[index].net.weights, again[2 - index].net.weights):
            assert torch.equal(ours, theirs)
    x, _ = task()
    assert torch.equal(first[0].net.predict(x), first[0].net.predict(x))


@pytest.mark.parametrize("treatment", ["centred", "linearised"])
def test_stacks_around_a_module_tell_it_that_it_is_tested(treatment):
    build = stack_builder(Module(factory=f"{HERE}:make_dropout"), SHAPE, 3, **{treatment: True})
    stack = build([0], torch.device("cpu"), torch.float32)
    stack.parameters = [(1.5 * p.detach()).requires_grad_() for p in stack.parameters]
    x, _ = task()
    assert torch.equal(stack.one(0).predict(x), stack.one(0).predict(x))


@pytest.mark.parametrize(("inference", "settings"), [("sgd", {"centred": True}), ("linearised", {})])
def test_a_net_with_dropout_is_neither_centred_nor_linearised(inference, settings):
    random = spec(inference, model="module", **settings)
    random.model.settings["factory"] = f"{HERE}:make_dropout"
    with pytest.raises(InvalidInputError, match="draws random numbers"):
        prepare_specs([random])
    plain = spec(inference, model="module", **settings)
    plain.model.settings["factory"] = f"{HERE}:make_features"
    plain.model.settings["arguments"] = {"registered": False}
    assert prepare_specs([plain])


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (f"{HERE}:make_wrong_outputs", "gives outputs of shape"),
        (f"{HERE}:absent", "cannot be imported"),
        ("tests.runners.architectures.test_nets:make_nothing", "not a torch.nn.Module"),
    ],
)
def test_a_factory_that_will_not_do_is_refused_before_any_work(factory, words):
    wrong = spec(model="module")
    wrong.model.settings.clear()
    wrong.model.settings["factory"] = factory
    with pytest.raises(InvalidInputError, match=words):
        prepare_specs([wrong])


NET = """
import torch
from runners.architectures.abstract import AbstractArchitecture


def mlp(shape, n_outputs, hidden=8):
    n_inputs = shape[0] * shape[1] * shape[2]
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(n_inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, n_outputs)
    )


class Linear(AbstractArchitecture):
    bias: bool = True

    def symmetry_level(self, *, infinite_width):
        return "all"

    def build(self, shape, n_outputs, *, seed):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(shape[0] * shape[1] * shape[2], n_outputs, bias=self.bias)
        return torch.nn.Sequential(torch.nn.Flatten(), layer)
"""

STUDY = """
[study]
name = "own-nets"
replicates = 1
sizes = [40]

[[data]]
name = "digits"
fold = 2
n_test = 100

[[model]]
name = "module"
label = "by import path"
factory = "my_nets:mlp"
arguments = { hidden = 16 }

[[model]]
name = "my_nets:Linear"
label = "class by import path"

[[model]]
name = "my-linear"
label = "by entry point"
bias = false

[[inference]]
name = "sgd"
steps = 60

[[inference]]
name = "adam"
steps = 60
"""


def test_own_nets_run_from_the_command_line_by_import_path_and_by_entry_point(tmp_path):
    (tmp_path / "my_nets.py").write_text(NET)
    (tmp_path / "study.toml").write_text(STUDY)
    information = tmp_path / "my_nets-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-nets\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[curvefit.architecture]\nmy-linear = my_nets:Linear\n")
    root = Path(__file__).resolve().parents[3]
    paths = os.pathsep.join([str(root), str(tmp_path), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [
            *(sys.executable, "-c", "from curvefit.cli import main; main()"),
            *("run", "study.toml", "--out", "records", "--workers", "1"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    records = {(r.model, r.inference): r for r in RecordStore(tmp_path / "records").read_records()}
    assert len(records) == 6
    assert {record.status for record in records.values()} == {"ok"}
    assert all(record.value < 0.8 for record in records.values())
    parameters = {model: record.model_facts["n_parameters"] for (model, _), record in records.items()}
    assert parameters == {
        "by import path": 65 * 16 + 17 * 10,
        "class by import path": 65 * 10,
        "by entry point": 64 * 10,
    }
