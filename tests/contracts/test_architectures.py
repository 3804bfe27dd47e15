"""Laws every registered architecture keeps, over pools, strides, padding and readouts."""

from __future__ import annotations

import itertools
from contextlib import suppress

import numpy as np
import pytest
import torch

from curvefit.errors import InvalidInputError
from curvefit.symmetry import chain_group, get_group
from curvefit.symmetry.lattice import CHAIN
from runners.architectures import ARCHITECTURES, FCN, VEC, AbstractArchitecture, AbstractConvolution
from runners.certificates import Verdict, certify
from runners.certificates.coupling import certify_coupling
from runners.certificates.training import get_rule
from runners.kernels import nngp_ntk, plan_kernel

SHAPE = (4, 4, 2)
CHOICES: dict[str, tuple[object, ...]] = {
    "pools": ((), (1,), (2,)),
    "strides": ((1, 1), (2, 1)),
    "padding": ("circular", "same", "valid"),
    "readout": ("flatten", "pool"),
}
FIRST: dict[str, dict[str, object]] = {
    "module": {"factory": "tests.runners.architectures.test_nets:make_module"},
    "resnet": {"stages": 2},
}


def variants(name: str) -> list[AbstractArchitecture]:
    """Return narrow nets of one registered name, one per combination of `CHOICES` that it knows and accepts."""
    cls = ARCHITECTURES[name]
    settings = {"width": (4,), "filter": ((2, 2),), **CHOICES}
    own = {key: values for key, values in settings.items() if key in cls.model_fields}
    if name == "resnet":
        own["filter"] = (2,)
    made = []
    for values in itertools.product(*own.values()):
        with suppress(ValueError):  # contradictions, and images that pools and strides leave nothing of
            net = cls(**{**FIRST.get(name, {}), **dict(zip(own, values))})
            net.plan(SHAPE, 1)
            made.append(net)
    assert made, f"{name!r} accepts none of the settings tried"
    return made


NO_KERNEL = ("module", "resnet")
"""Names of the nets whose infinite-width kernel is not known."""
BY_NAME = {name: variants(name) for name in ARCHITECTURES.names()}
NETS = [net for nets in BY_NAME.values() for net in nets]
WITH_KERNEL = [net for name, nets in BY_NAME.items() if name not in NO_KERNEL for net in nets]
FINITE = [net for net in NETS if net.plan(SHAPE, 1) is not None]


def larger_group(level: str) -> str | None:
    """Return the group above `level` in the chain of rotations, if there is one."""
    levels = [*CHAIN["orthogonal"], "trivial"]
    return chain_group(levels[levels.index(level) - 1]) if levels.index(level) else None


@pytest.mark.parametrize("inference", ["nngp", "ntk"])
@pytest.mark.parametrize("net", WITH_KERNEL, ids=str)
def test_the_kernel_has_the_declared_symmetry_and_no_larger_one(net, inference):
    level = net.symmetry_level(infinite_width=True)
    (declared, *_) = certify(net, inference, groups=[chain_group(level)], shape=SHAPE, draws=2)
    assert declared.verdict is Verdict.INVARIANT, declared
    larger = larger_group(level)
    if larger is not None:
        (above, *_) = certify(net, inference, groups=[larger], shape=SHAPE, draws=2)
        assert above.verdict is Verdict.NOT_INVARIANT, above


def test_a_symmetry_that_is_not_there_is_found():
    """Negative control: pools between layers of VEC take O(c)^p from its kernel."""
    certificates = certify(VEC(pools=(1,)), "nngp", groups=["o-c-per-pixel"], shape=SHAPE, draws=2)
    assert certificates[0].verdict is Verdict.NOT_INVARIANT


@pytest.mark.parametrize("net", FINITE, ids=str)
def test_training_is_coupled_in_the_declared_group(net):
    level = net.symmetry_level(infinite_width=False)
    group = get_group(chain_group(level), shape=SHAPE)
    certificate = certify_coupling(
        net.plan(SHAPE, 1), get_rule("sgd"), [group.sample(0)], group="declared", label="", steps=4, seed=0
    )
    assert certificate is not None
    assert certificate.verdict is Verdict.INVARIANT, certificate


@pytest.mark.parametrize("net", NETS, ids=str)
def test_nets_follow_from_their_seed_and_give_outputs_of_the_asked_shape(net):
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, *SHAPE))).float()
    first, again, other = (net.build(SHAPE, 5, seed=seed).eval()(x) for seed in (1, 1, 2))
    assert first.shape == (3, 5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_the_function_has_the_symmetry_it_is_said_to_have(net):
    x = np.random.default_rng(0).standard_normal((3, *SHAPE))
    element = get_group(net.function_symmetry(), shape=SHAPE).sample(1)
    module = net.build(SHAPE, 2, seed=0).eval().double()
    plain, moved = (module(torch.from_numpy(np.ascontiguousarray(images))) for images in (x, element(x)))
    torch.testing.assert_close(plain, moved, rtol=1e-9, atol=1e-9)


class Deeper(FCN):
    """Twice as many layers as it says, as only its plan knows."""

    def plan(self, shape, n_outputs):
        return FCN(depth=2 * self.depth, width=self.width).plan(shape, n_outputs)


class Own(AbstractConvolution):
    """A convolution of somebody else's, with a plan and no word of kernels."""

    tied = True

    def symmetry_level(self, *, infinite_width):
        return "shared"

    def plan(self, shape, n_outputs):
        return VEC(**self.model_dump()).plan(shape, n_outputs)


def test_a_kernel_follows_from_the_layers_and_not_from_the_name():
    x = np.random.default_rng(0).standard_normal((3, *SHAPE))
    assert (
        plan_kernel(Deeper(depth=2), SHAPE) == plan_kernel(FCN(depth=4), SHAPE) != plan_kernel(FCN(), SHAPE)
    )
    np.testing.assert_array_equal(nngp_ntk(Own(), x).ntk, nngp_ntk(VEC(), x).ntk)
    for unlike in (net for name in NO_KERNEL for net in BY_NAME[name]):
        with pytest.raises(InvalidInputError, match="no infinite-width kernel is known"):
            plan_kernel(unlike, SHAPE)
