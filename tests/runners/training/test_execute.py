"""Gradient algorithms from specs to records: budgets, searches, ensembles, statuses, seeds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from curvefit.errors import InvalidInputError
from curvefit.study.spec import Member, RunSpec
from runners.algorithms import ALGORITHMS, SGD, GradientDescent
from runners.architectures import FCN, GAP
from runners.runs import build_run, execute_specs, group_costs, group_specs, prepare_specs
from runners.training import execute, task
from runners.training.losses import Loss
from runners.training.rates import largest_curvature, safe_rate
from runners.training.stack import PlanStack, stack_builder

GRADIENT = ("sgd", "adam", "adamw", "gradient-descent", "linearised")


def spec(inference: str = "sgd", model: str = "fcn", n_train: int = 24, seed: int = 0, **settings) -> RunSpec:
    data = Member("digits", "digits", {"fold": 2, "n_test": 60})
    width = {"width": 16} if model != "module" else {"factory": f"{MODULES}:make_module"}
    label = f"{inference} {settings}"
    return RunSpec(
        "tests", data, Member(model, model, width), Member(label, inference, settings), n_train, seed
    )


MODULES = "tests.runners.architectures.test_nets"


def run(*specs: RunSpec):
    return list(execute_specs(prepare_specs(specs)))


@pytest.mark.parametrize("name", GRADIENT)
@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_every_algorithm_learns_its_training_set_with_default_settings(name, loss):
    (record,) = run(spec(name, loss=loss, steps=400))
    assert record.status == "ok"
    assert record.n_test == 60
    assert record.value == record.n_errors / 60 < 0.9
    assert record.extra["train_loss"] < 0.5
    assert record.model_facts["n_parameters"] == 64 * 16 + 16 * 16 + 16 * 10
    assert record.seconds > 0


@pytest.mark.parametrize("model", ["lcn", "vec", "gap", "resnet", "module"])
def test_every_architecture_trains(model):
    (record,) = run(spec(model=model, steps=60))
    assert record.status == "ok"
    assert record.value < 0.9


def test_a_run_depends_on_its_seed_alone_and_not_on_its_group():
    together = {
        (r.n_train, r.seed): r for r in run(*(spec(seed=s, n_train=n) for s in range(3) for n in (16, 24)))
    }
    for n, seed in ((16, 2), (24, 0)):
        (alone,) = run(spec(seed=seed, n_train=n))
        assert alone.n_errors == together[n, seed].n_errors
        assert alone.extra["train_loss"] == pytest.approx(together[n, seed].extra["train_loss"], rel=1e-4)
    losses = {round(record.test_loss, 6) for record in together.values()}
    assert len(losses) == 6


def test_groups_hold_one_shape_and_small_nets_share_over_sizes_of_equal_batches():
    models = [("fcn", {"width": 16}), ("fcn", {"width": 1024}), ("gap", {"width": 16})]
    specs = prepare_specs(
        [
            replace(spec(seed=s, n_train=n), model=Member(f"{name} {settings}", name, settings))
            for s in (0, 1)
            for n in (16, 40, 80)
            for name, settings in models
        ]
    )
    groups = {(g[0].model.label, tuple(sorted({s.n_train for s in g}))): len(g) for g in group_specs(specs)}
    small = {(f"{name} {settings}", sizes) for name, settings in models[::2] for sizes in ((16,), (40, 80))}
    large = {("fcn {'width': 1024}", (n,)) for n in (16, 40, 80)}
    assert set(groups) == small | large
    assert set(groups.values()) == {2, 4}


def test_targets_of_other_widths_train_other_nets_whatever_the_order():
    wide, narrow = (
        replace(spec(steps=60), data=Member(f"{n}", "tests.runners.fakes:Lines", {"outputs": n}))
        for n in (3, 1)
    )
    alone = [record for one in (wide, narrow) for record in run(one)]
    assert [record.model_facts["n_parameters"] for record in alone] == [
        4 * 16 + 16 * 16 + 16 * n for n in (3, 1)
    ]
    for together, order in ((run(wide, narrow), alone), (run(narrow, wide), alone[::-1])):
        assert [record.value for record in together] == [record.value for record in order]
    with pytest.raises(InvalidInputError, match="do not fit 3 outputs"):
        Loss("mse").encode(torch.zeros(5, 1), 3, dtype=torch.float32)


def test_budgets_hold_steps_or_epochs_constant():
    assert SGD(steps=300).budget(10) == SGD(steps=300).budget(10_000) == 300
    by_epochs = SGD(epochs=5, batch_size=20, least_steps=1)
    assert [by_epochs.budget(n) for n in (10, 100, 1000)] == [5, 25, 250]
    assert SGD(epochs=1, least_steps=70).budget(32) == 70
    assert GradientDescent(epochs=80, least_steps=1).budget(1000) == 80
    with pytest.raises(ValueError, match="not both"):
        SGD(steps=3, epochs=1)


def test_the_record_says_what_the_budget_holds_constant():
    by_steps, by_epochs, searched = run(
        spec(steps=30), spec(epochs=5, least_steps=1), spec(tune={"epochs": [2, 4]}, least_steps=1, steps=30)
    )
    assert (by_steps.extra["held_constant"], by_steps.extra["budget"]) == ("steps", 30)
    assert (by_epochs.extra["held_constant"], by_epochs.extra["budget"]) == ("epochs", 5)
    assert searched.extra["held_constant"] == "epochs"
    assert sorted(row["steps"] for row in searched.extra["search"]) == [2, 4]


def test_ensembles_average_their_members():
    single, ensemble = run(spec(steps=60), spec(steps=60, members=4))
    assert len(ensemble.extra["steps"]) == 4
    assert ensemble.test_loss < single.test_loss


def test_failures_are_records_with_a_status_and_do_not_stop_the_rest():
    records = run(spec(learning_rate=1e12), spec(learning_rate=0.5), spec(time_limit=1e-9))
    assert [record.status for record in records] == ["diverged", "ok", "timeout"]
    assert records[0].value is None
    assert "training loss" in records[0].message


def out_of_memory_above(limit: int, monkeypatch) -> list[int]:
    """Let stacks of more than `limit` nets run out of memory; return the sizes that were tried."""
    tried = []

    def make(*arguments, **settings):
        plain = stack_builder(*arguments, **settings)

        def build(seeds, device, dtype):
            tried.append(len(seeds))
            if len(seeds) > limit:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")
            return plain(seeds, device, dtype)

        return build

    monkeypatch.setattr(task, "stack_builder", make)
    return tried


def test_a_stack_that_is_too_large_for_memory_is_halved_and_gives_the_same_records(monkeypatch):
    specs = [spec(seed=s, learning_rate=0.3, steps=40) for s in range(4)]
    expected = {r.seed: r.n_errors for r in run(*specs)}
    tried = out_of_memory_above(1, monkeypatch)
    assert {r.seed: r.n_errors for r in run(*specs)} == expected
    assert tried == [4, 2, 1, 1, 2, 1, 1]


def test_a_net_that_does_not_fit_into_memory_is_a_record_that_says_so(monkeypatch):
    out_of_memory_above(0, monkeypatch)
    (record,) = run(spec(learning_rate=0.3))
    assert record.status == "out-of-memory"
    assert "can't allocate memory" in record.message
    assert record.value is None


def test_predictions_that_do_not_fit_into_memory_are_a_record_that_says_so(monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(execute, "predict_over_orbit", fail)
    (record,) = run(spec(steps=20))
    assert (record.status, record.message) == (
        "out-of-memory",
        "while predicting: CUDA out of memory.",
    )


def test_label_smoothing_keeps_the_training_loss_above_the_targets_entropy():
    plain, smoothed = run(spec(steps=400), spec(steps=400, label_smoothing=0.2))
    entropy = -(0.82 * math.log(0.82) + 9 * 0.02 * math.log(0.02))
    assert plain.extra["train_loss"] < 0.05
    assert entropy < smoothed.extra["train_loss"] < entropy + 0.3


def test_a_net_that_died_counts_as_diverged():
    # A rate of 1 with a decay of 1 sets every weight to minus a gradient that a dead net no longer has.
    (record,) = run(
        spec("adamw", learning_rate=1.0, weight_decay=1.0, steps=40, stop_loss=None, epsilon=1e30)
    )
    assert record.status == "diverged"
    assert record.message == "outputs are the same for every test input"


def test_augmentation_and_orbits_help_where_the_data_is_symmetric():
    shifted = Member("shifted", "digits", {"fold": 2, "n_test": 200, "shift": True})
    specs = []
    for settings in ({}, {"augment": "cyclic-shifts", "orbit": "cyclic-shifts"}):
        plain = spec(model="vec", n_train=100, steps=300, **settings)
        specs.append(RunSpec("t", shifted, plain.model, plain.inference, 100, 0))
    without, with_group = run(*specs)
    assert with_group.value < without.value - 0.1


def test_averaging_predictions_over_an_orbit_lowers_the_test_loss():
    shifted = Member("shifted", "digits", {"fold": 2, "n_test": 200, "shift": True})
    specs = [spec(n_train=100, steps=200), spec(n_train=100, steps=200, orbit="cyclic-shifts")]
    plain, averaged = run(*(replace(s, data=shifted) for s in specs))
    assert plain.extra["train_loss"] == pytest.approx(averaged.extra["train_loss"], rel=1e-4)
    assert averaged.test_loss < 0.9 * plain.test_loss


def test_early_stopping_is_recorded():
    (record,) = run(spec(validation=0.25, patience=2, stop_loss=None, steps=400))
    assert record.extra["best_step"] <= record.extra["steps"]
    assert record.extra["stopped"] in ("validation", "budget")


def test_the_looks_at_training_are_reported_as_a_trace():
    (record,) = run(spec(validation=0.25, stop_loss=None, steps=200, check_every=50, members=2))
    trace = record.extra["trace"]
    assert trace["member"] == [0] * 4 + [1] * 4
    assert trace["step"] == [50, 100, 150, 200] * 2
    assert trace["train_loss"][0] > trace["train_loss"][3] == record.extra["train_loss"]
    assert all(loss > 0 for loss in trace["held_loss"])


def test_unknown_groups_and_contradictions_are_refused_before_any_work():
    with pytest.raises(InvalidInputError, match="cyclic-shifts"):
        prepare_specs([spec(augment="cyclic-shift")])
    with pytest.raises(InvalidInputError, match="centred"):
        prepare_specs([spec(centred=True, trained="readout")])
    with pytest.raises(InvalidInputError, match="layers are known"):
        prepare_specs([spec(model="module", trained="readout")])
    with pytest.raises(InvalidInputError, match="running statistics"):
        prepare_specs([spec("linearised", model="module")])
    with pytest.raises(InvalidInputError, match="nothing to hold out"):
        prepare_specs([spec(n_train=1, validation=0.2)])
    with pytest.raises(InvalidInputError, match="a smaller share for the search"):
        prepare_specs([spec(n_train=4, validation=0.2, tune={"steps": [1, 2], "validation": 0.8})])
    with pytest.raises(InvalidInputError, match="orbit 's-p' on images of shape"):
        prepare_specs([spec(orbit="s-p")])
    pooled = Member("gap", "gap", {"pools": (1, 2), "pool_window": 3})
    with pytest.raises(InvalidInputError, match="leaves nothing"):
        prepare_specs([replace(spec(), model=pooled)])


def test_records_say_where_fixed_draws_stood_for_the_group():
    small, large = run(spec(augment="cyclic-shifts", steps=3), spec(augment="s-p", steps=3))
    assert "augment_draws" not in small.extra
    assert large.extra["augment_draws"] == 64
    assert large.model_facts["model_symmetry"] == "o-c-shared"


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_every_product_of_a_run_has_the_precision_of_its_record(precision, monkeypatch):
    seen, forward = [], PlanStack.forward

    def watch(stack, weights, x):
        seen.append((torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32))
        return forward(stack, weights, x)

    monkeypatch.setattr(PlanStack, "forward", watch)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", precision != "tf32")
    ours = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    search = {"learning_rate_factor": [0.5, 1.0]}
    prepared = prepare_specs([spec(precision=precision, steps=3, tune=search, seed=seed) for seed in (0, 1)])
    for record in execute_specs(prepared):
        assert record.status == "ok"
        assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == ours
    assert set(seen) == {(precision == "tf32", precision == "tf32")}


def test_costs_grow_with_members_and_searches():
    plain, ensemble, search = group_costs([spec(), spec(members=3), spec(tune={"learning_rate": [0.1, 1.0]})])
    assert ensemble == 3 * plain
    assert search == 3 * plain


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
@pytest.mark.parametrize("architecture", [FCN(width=6), GAP(width=3, parameterisation="standard")])
def test_the_measured_curvature_is_the_gauss_newton_matrix_s(architecture, loss):
    x = torch.randn(5, 3, 3, 2, generator=torch.Generator().manual_seed(0))
    stack = stack_builder(architecture, (3, 3, 2), 4)([1], torch.device("cpu"), torch.float64)
    net = architecture.build((3, 3, 2), 4, seed=1).double()
    outputs = net(x.double())
    rows = [torch.autograd.grad(o, list(net.parameters()), retain_graph=True) for o in outputs.flatten()]
    jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    block = torch.eye(4, dtype=torch.float64)
    if loss == "cross-entropy":
        block = (block - 0.25) / 4
    hessian = torch.block_diag(*[block] * 5) / 5
    exact = float(torch.linalg.eigvals(jacobian @ jacobian.T @ hessian).real.max())
    assert largest_curvature(stack, x.double(), Loss(loss)) == pytest.approx(exact, rel=0.05)


def test_default_rates_adapt_to_parameterisation_and_width():
    x = torch.randn(32, 3, 3, 2, generator=torch.Generator().manual_seed(0))

    def rate(architecture) -> float:
        stack = stack_builder(architecture, (3, 3, 2), 4)([1], torch.device("cpu"), torch.float32)
        return safe_rate(stack, x, Loss(), momentum=0.9)

    assert rate(FCN(width=64)) == pytest.approx(rate(FCN(width=1024)), rel=0.3)
    assert rate(FCN(width=1024, parameterisation="standard")) < rate(FCN(width=1024)) / 100


def test_gradient_algorithms_are_registered_and_built_by_name():
    assert set(GRADIENT) <= set(ALGORITHMS.names())
    assert build_run(spec("adam")).algorithm.elements == "signed-permutation"
    assert build_run(spec("sgd")).algorithm.elements == "orthogonal"
