"""Certificates: the theorem table by computation, positives with a negative control each."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.symmetry import chain_group, get_group
from curvefit.triplet import ModelFacts
from runners.algorithms import ALGORITHMS
from runners.algorithms.abstract import Run
from runners.architectures import FCN, GAP, LCN, VEC, Module
from runners.certificates import (
    Verdict,
    certify,
    check_equal_in_distribution,
    compare_distributions,
    couple_weights,
    find_chain_group,
)
from runners.certificates.certification import CHAIN_GROUPS, KERNELS, stretch
from runners.certificates.training import draw_stack, get_rule, train_stack
from runners.datasets import Digits
from runners.model_facts import describe_model

NETS = {"fcn": FCN(width=8), "lcn": LCN(width=4), "vec": VEC(width=4), "gap": GAP(width=4)}
SMALL = (4, 4, 2)


def predicted(name: str, inference: str) -> str:
    level = NETS[name].symmetry_level(infinite_width=inference in KERNELS)
    return chain_group(level, "signed-permutation" if inference == "adam" else "orthogonal")


@pytest.mark.parametrize("inference", KERNELS)
@pytest.mark.parametrize("name", NETS)
def test_kernels_have_the_groups_of_the_theorems(name, inference):
    certificates = certify(
        NETS[name], inference, groups=(*CHAIN_GROUPS, "cyclic-shifts"), shape=SMALL, draws=2
    )
    assert find_chain_group(certificates) == predicted(name, inference)
    verdicts = {c.group: c.verdict for c in certificates}
    assert verdicts["stretch"] == Verdict.NOT_INVARIANT  # the control must fail
    assert verdicts["cyclic-shifts"] == Verdict.INVARIANT
    assert all(c.margin > 10 for c in certificates)


def test_infinite_width_gives_vec_a_spurious_symmetry_that_finite_width_breaks():
    infinite = certify(VEC(), "nngp", groups=["o-c-per-pixel"], shape=SMALL)
    finite = certify(VEC(width=4), "sgd", groups=["o-c-per-pixel", "o-c-shared"], n_seeds=100)
    assert infinite[0].verdict == Verdict.INVARIANT
    assert finite[0].verdict == Verdict.NOT_INVARIANT
    assert finite[1].verdict == Verdict.INVARIANT


@pytest.mark.parametrize(
    ("name", "inference", "group"),
    [
        *(
            (name, rule, predicted(name, "sgd"))
            for name in NETS
            for rule in ("sgd", "momentum", "weight-decay")
        ),
        *((name, rule, predicted(name, "adam")) for name in NETS for rule in ("adam", "adamw")),
        ("lcn", "sgd", "cyclic-shifts"),
        ("vec", "adam", "cyclic-shifts"),
        ("gap", "sgd", "cyclic-shifts"),
    ],
)
def test_training_is_coupled_path_by_path_in_its_group(name, inference, group):
    plan, rng = NETS[name].plan(SMALL, 1), np.random.default_rng(0)
    x, x_test = rng.standard_normal((6, *SMALL)), rng.standard_normal((5, *SMALL))
    y = rng.choice([-1.0, 1.0], (6, 1))
    stack, rule = draw_stack(plan, [3]), get_rule(inference)
    plain = train_stack(plan, stack, rule, x=x, y=y, x_test=x_test, steps=30)
    untrained = train_stack(plan, stack, rule, x=x, y=y, x_test=x_test, steps=0)
    assert np.abs(plain - untrained).max() > 1e-2  # it did train
    element = get_group(group, shape=SMALL).sample(3)
    assert np.abs(element(x) - x).max() > 0.1
    coupled = couple_weights(plan, [w[0] for w in stack], element)
    turned = train_stack(
        plan, [w[None] for w in coupled], rule, x=element(x), y=y, x_test=element(x_test), steps=30
    )
    np.testing.assert_allclose(turned, plain, rtol=0, atol=1e-10)
    # Negative control: the same element without carrying the weights along changes the predictions.
    uncoupled = train_stack(plan, stack, rule, x=element(x), y=y, x_test=element(x_test), steps=30)
    if not (name == "gap" and group == "cyclic-shifts"):  # GAP's functions are shift-invariant themselves
        assert np.abs(uncoupled - plain).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "outside"), [("lcn", "o-cp"), ("vec", "o-c-per-pixel"), ("gap", "o-c-per-pixel")]
)
def test_elements_outside_the_group_have_no_coupling(name, outside):
    plan = NETS[name].plan(SMALL, 1)
    weights = [w[0] for w in draw_stack(plan, [0])]
    assert couple_weights(plan, weights, get_group(outside, shape=SMALL).sample(0)) is None


def test_adam_breaks_a_coupling_that_holds_at_initialisation():
    certificates = certify(NETS["fcn"], "adam", groups=["o-cp", "signed-s-cp"])
    assert [c.verdict for c in certificates[:2]] == [Verdict.NOT_INVARIANT, Verdict.INVARIANT]


def test_uniform_weights_leave_signed_permutations_of_the_rotations():
    net = FCN(width=8, initialisation="uniform")
    plan = net.plan(SMALL, 1)
    weights = [w[0] for w in draw_stack(plan, [0])]
    assert couple_weights(plan, weights, get_group("o-cp", shape=SMALL).sample(0)) is None
    assert couple_weights(plan, weights, get_group("signed-s-cp", shape=SMALL).sample(0)) is not None


def test_patches_without_overlap_enlarge_the_group_of_lcn():
    """k x k filters at stride k: O(c k^2) per patch."""
    net = LCN(width=4, filter=(2, 2), strides=(2, 2), padding="valid", depth=1)
    certificates = certify(net, "sgd", groups=["o-patch-2", "o-c-per-pixel"], shape=(4, 4, 2))
    assert [c.verdict for c in certificates[:2]] == [Verdict.INVARIANT, Verdict.INVARIANT]
    overlapping = certify(LCN(width=4), "nngp", groups=["o-patch-2"], shape=(4, 4, 2))
    assert overlapping[0].verdict == Verdict.NOT_INVARIANT


def test_filters_that_see_the_whole_image_make_lcn_fully_connected():
    assert certify(LCN(), "nngp", groups=["o-cp"], shape=(3, 3, 2))[0].verdict == Verdict.INVARIANT
    plan = LCN(width=4).plan((3, 3, 2), 1)
    weights = [w[0] for w in draw_stack(plan, [0])]
    assert couple_weights(plan, weights, get_group("o-cp", shape=(3, 3, 2)).sample(0)) is not None


def test_zero_padding_breaks_cyclic_shifts_and_leaves_rotations_of_pixels():
    certificates = certify(
        VEC(padding="same"), "ntk", groups=["cyclic-shifts", "o-c-per-pixel"], shape=(4, 4, 2)
    )
    assert [c.verdict for c in certificates[:2]] == [Verdict.NOT_INVARIANT, Verdict.INVARIANT]


def test_two_samples_of_one_law_rarely_differ():
    """At p < .05 in 200 trials: 4 standard errors above the nominal rate is a false alarm of 3e-5."""
    rng = np.random.default_rng(0)
    alarms = [compare_distributions(*rng.standard_normal((2, 60, 3))) < 0.05 for _ in range(200)]
    assert np.mean(alarms) < 0.05 + 4 * (0.05 * 0.95 / 200) ** 0.5


def test_two_samples_of_different_laws_differ():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 400, 3))
    assert compare_distributions(first, second + 0.5) < 1e-6
    assert compare_distributions(first, second * 2) < 1e-6


def test_a_users_own_algorithm_is_tested_by_its_predictions():
    def ridge_regression(x, y, x_test, seeds):
        """Rotation-equivariant: random Gaussian features of the flattened images."""
        out = []
        for seed in seeds:
            w = np.random.default_rng(seed).standard_normal((x[0].size, 40))
            features, test = (np.tanh(v.reshape(len(v), -1) @ w / 6) for v in (x, x_test))
            gram = features @ features.T + 0.1 * np.eye(len(x))
            out.append((test @ features.T @ np.linalg.solve(gram, y))[:, 0])
        return np.array(out)

    rotate = get_group("o-cp", shape=(4, 4, 2)).sample(0)
    assert check_equal_in_distribution(ridge_regression, rotate, (4, 4, 2)) > 1e-4
    assert check_equal_in_distribution(ridge_regression, stretch, (4, 4, 2)) < 1e-4


def test_the_false_alarm_rate_of_training_runs_is_what_it_is_said_to_be():
    """FCN under SGD is invariant under rotations: at p < .05 no more alarms in 60 than chance gives (2e-5)."""
    plan, rule = FCN(width=3, depth=1).plan((2, 2, 2), 1), get_rule("sgd")

    def fit_predict(x, y, x_test, seeds):
        return train_stack(plan, draw_stack(plan, seeds), rule, x=x, y=y, x_test=x_test, steps=3)

    def seeded(offset):
        return lambda x, y, x_test, seeds: fit_predict(x, y, x_test, [offset + seed for seed in seeds])

    rotate = get_group("o-cp", shape=(2, 2, 2)).sample(0)
    alarms = [
        check_equal_in_distribution(seeded(1000 * k), rotate, (2, 2, 2), n_seeds=60) < 0.05 for k in range(60)
    ]
    assert np.mean(alarms) <= 0.05 + 4.1 * (0.05 * 0.95 / 60) ** 0.5


def test_diverged_nets_count_as_large_predictions():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 200, 2))
    wild = np.where(rng.random((200, 1)) < 0.2, np.inf, second)
    wild[0] = np.nan
    assert compare_distributions(first, wild) < 1e-4
    assert compare_distributions(first, first * 1e200) < 1e-6


class OwnNet(torch.nn.Sequential):
    """A user's own net: dense, with Gaussian or sparse first weights."""

    def __init__(self, shape, n_outputs, sparse=False):
        first = torch.nn.Linear(int(np.prod(shape)), 4, bias=False)
        torch.nn.init.normal_(first.weight)
        if sparse:  # far from Gaussian: a rotation shows
            first.weight.data *= torch.rand_like(first.weight) < 0.2
        super().__init__(torch.nn.Flatten(), first, torch.nn.Tanh(), torch.nn.Linear(4, n_outputs))


@pytest.mark.parametrize(("sparse", "verdict"), [(False, Verdict.UNDECIDED), (True, Verdict.NOT_INVARIANT)])
def test_a_users_own_module_is_compared_in_distribution(sparse, verdict):
    net = Module(factory=f"{__name__}:OwnNet", arguments={"sparse": sparse})
    certificates = certify(net, "sgd", groups=["o-cp"], shape=(2, 2, 2), n_seeds=100)
    assert [c.method for c in certificates] == ["two-sample", "two-sample"]
    assert certificates[0].verdict == verdict
    assert certificates[1].verdict == Verdict.NOT_INVARIANT
    with pytest.raises(InvalidInputError):
        certify(net, "ntk", groups=["o-cp"])


def test_modules_that_cannot_be_stacked_are_named():
    net = Module(factory="tests.runners.certificates.test_certificates:with_statistics")
    with pytest.raises(InvalidInputError, match="Sequential cannot be trained in a stack"):
        certify(net, "sgd", groups=["o-cp"], shape=(2, 2, 2), n_seeds=50)


def with_statistics(shape, n_outputs):
    d = int(np.prod(shape))
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(d), torch.nn.Linear(d, n_outputs))


@pytest.mark.parametrize(
    ("architecture", "settings", "expected"),
    [
        (FCN(), {}, ModelFacts("o-cp")),
        (FCN(initialisation="uniform"), {}, ModelFacts("signed-s-cp")),
        (FCN(), {"augment": "cyclic-shifts"}, ModelFacts("o-c-shared")),
        (FCN(), {"augment": "d4"}, ModelFacts("o-c-shared")),
        # Fixed draws stand for a large group: what commutes with them all is left, and no orbit is averaged over.
        (FCN(), {"augment": "o-c-per-pixel"}, ModelFacts("trivial")),
        (FCN(), {"augment": "s-p"}, ModelFacts("o-c-shared")),
        (FCN(), {"orbit": "s-p"}, ModelFacts("o-c-shared", "trivial")),
        (VEC(), {"orbit": "cyclic-shifts"}, ModelFacts("o-c-shared", "cyclic-shifts")),
        (GAP(), {}, ModelFacts("o-c-shared", "cyclic-shifts")),
    ],
)
def test_records_declare_the_symmetry_that_training_leaves(architecture, settings, expected):
    run = Run(None, Digits(fold=2), architecture, ALGORITHMS["sgd"](**settings))
    assert describe_model(run) == expected


def test_mistakes_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'sgd'"):
        certify(FCN(), "sdg")
    with pytest.raises(UnknownNameError, match="Did you mean 'o-cp'"):
        certify(FCN(), "nngp", groups=["o-pc"])
    with pytest.raises(InvalidInputError, match="draws 0"):
        certify(FCN(), "nngp", groups=["o-cp"], draws=0)


def run_command(*arguments: str):
    import typer

    from runners.commands.symmetry import symmetry

    app = typer.Typer()
    app.command()(symmetry)
    return CliRunner().invoke(app, [*arguments, "--shape", "4,4,2"])


def test_the_command_prints_a_table_and_json():
    table = run_command("vec", "ntk")
    assert table.exit_code == 0, table.output
    assert "certified not invariant" in table.output
    assert "o-c-per-pixel" in table.output.splitlines()[-2]
    assert "…" not in table.output  # nothing is cut off at 80 columns
    part = run_command("all", "nngp", "--group", "s-p")
    assert part.exit_code == 0, part.output
    assert all(f"{name} | nngp" in part.output for name in ("fcn", "lcn", "vec", "gap"))
    assert "largest group" not in part.output  # the chain was not asked for
    values = json.loads(run_command("gap", "nngp", "--json", "--setting", "padding=same").output)
    assert values["pairs"][0]["chain_group"] == "o-c-shared"
    verdicts = {c["group"]: c["verdict"] for c in values["pairs"][0]["certificates"]}
    assert verdicts["cyclic-shifts"] == "certified not invariant"


@pytest.mark.slow
@pytest.mark.parametrize("inference", ["sgd", "momentum", "adam", "nngp", "ntk"])
@pytest.mark.parametrize("name", NETS)
def test_the_theorem_table_is_reproduced(name, inference):
    assert find_chain_group(certify(NETS[name], inference, groups=CHAIN_GROUPS)) == predicted(name, inference)
