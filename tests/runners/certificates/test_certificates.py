"""Certificates: the theorem table by computation, positives with a negative control each."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from curvefit.errors import InvalidInputError, UnknownNameError
from curvefit.symmetry import chain_group, get_group
from runners.architectures import FCN, GAP, LCN, VEC
from runners.certificates import (
    Verdict,
    certify,
    check_equal_in_distribution,
    compare_distributions,
    couple_weights,
    find_chain_group,
)
from runners.certificates.certification import CHAIN, KERNELS, stretch
from runners.certificates.training import draw_stack, get_rule, train_stack

NETS = {"fcn": FCN(width=8), "lcn": LCN(width=4), "vec": VEC(width=4), "gap": GAP(width=4)}
GROUPS = (*CHAIN["orthogonal"], *CHAIN["signed-permutation"])
SMALL = (4, 4, 2)


def predicted(name: str, inference: str) -> str:
    level = NETS[name].symmetry_level(infinite_width=inference in KERNELS)
    return chain_group(level, "signed-permutation" if inference == "adam" else "orthogonal")


@pytest.mark.parametrize("inference", KERNELS)
@pytest.mark.parametrize("name", NETS)
def test_kernels_have_the_groups_of_the_theorems(name, inference):
    certificates = certify(NETS[name], inference, groups=(*GROUPS, "cyclic-shifts"), shape=SMALL, draws=2)
    assert find_chain_group(certificates) == predicted(name, inference)
    verdicts = {c.group: c.verdict for c in certificates}
    assert verdicts["stretch"] == Verdict.NOT_INVARIANT  # the control must fail
    assert verdicts["cyclic-shifts"] == Verdict.INVARIANT
    assert all(c.margin > 10 for c in certificates)


def test_infinite_width_gives_vec_a_spurious_symmetry_that_finite_width_breaks():
    infinite = certify(VEC(), "nngp", groups=["o-c-per-pixel"], shape=SMALL)
    finite = certify(VEC(width=4), "sgd", groups=["o-c-per-pixel", "o-c-shared"], n_seeds=250)
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
        *((name, "adam", predicted(name, "adam")) for name in NETS),
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
    values = json.loads(run_command("gap", "nngp", "--json", "--setting", "padding=same").output)
    assert values[0]["chain_group"] == "o-c-shared"
    verdicts = {c["group"]: c["verdict"] for c in values[0]["certificates"]}
    assert verdicts["cyclic-shifts"] == "certified not invariant"


@pytest.mark.slow
@pytest.mark.parametrize("inference", ["sgd", "momentum", "adam", "nngp", "ntk"])
@pytest.mark.parametrize("name", NETS)
def test_the_theorem_table_is_reproduced(name, inference):
    assert find_chain_group(certify(NETS[name], inference, groups=GROUPS)) == predicted(name, inference)
