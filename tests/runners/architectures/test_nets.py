"""Finite nets: shapes, seeds, scaling, symmetry of the built function, the first layer's layout."""

from __future__ import annotations

import pytest
import torch

from curvefit.errors import InvalidInputError
from runners.architectures import FCN, GAP, LCN, VEC, Module, ResNet
from runners.training.rules import AdamRule, Momentum
from runners.training.single import train_module

SHAPE = (4, 3, 2)
NETS = [
    FCN(width=8, b_std=0.1),
    LCN(width=5, b_std=0.1),
    LCN(width=5, readout="pool", padding="same"),
    VEC(width=5, strides=(2, 1), activation="erf"),
    GAP(width=5, pools=(1,), activation="leaky-relu"),
    ResNet(width=4, stages=2, activation="gelu"),
    ResNet(width=4, stages=2, readout="flatten", padding="same"),
]


@pytest.mark.parametrize(
    "architecture", NETS, ids=lambda a: f"{type(a).__name__}-{getattr(a, 'padding', '')}"
)
def test_nets_are_fixed_by_their_seed(architecture):
    x = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(0))
    first, again, other = (architecture.build(SHAPE, 3, seed=seed)(x) for seed in (1, 1, 2))
    assert first.shape == (6, 3)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize(
    "architecture", NETS, ids=lambda a: f"{type(a).__name__}-{getattr(a, 'padding', '')}"
)
def test_both_parameterisations_start_at_the_same_function(architecture):
    x = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(0)).double()
    nets = (
        architecture.model_copy(update={"parameterisation": p}).build(SHAPE, 3, seed=1).double()
        for p in ("ntk", "standard")
    )
    ntk, standard = (net(x) for net in nets)
    torch.testing.assert_close(ntk, standard, rtol=1e-5, atol=1e-5)


def test_initial_outputs_have_the_kernels_variance():
    # 200 nets: the relative standard error of a variance is sqrt(2 / 200) = 10 %, so 5 s.e. = 50 %.
    x = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0))
    for architecture in (FCN(width=64), VEC(width=64), FCN(width=64, initialisation="uniform")):
        outputs = torch.stack([architecture.build(SHAPE, 1, seed=seed)(x)[0, 0] for seed in range(200)])
        expected = 2.0 * float(x.square().mean())
        assert float(outputs.detach().var()) == pytest.approx(expected, rel=0.5)


def test_untied_layers_with_equal_filters_are_a_convolution():
    tied, untied = VEC(width=5).build(SHAPE, 3, seed=1), LCN(width=5).build(SHAPE, 3, seed=2)
    with torch.no_grad():
        for shared, own in zip(tied.weights, untied.weights):
            own.copy_(shared.T if own.dim() == 3 else shared)
    x = torch.randn(6, *SHAPE)
    torch.testing.assert_close(untied(x), tied(x), rtol=1e-5, atol=1e-5)


def test_circular_global_pooling_is_blind_to_cyclic_shifts_and_flattening_is_not():
    x = torch.randn(6, *SHAPE)
    shifted = x.roll((1, 2), (1, 2))
    gap, vec = GAP(width=5).build(SHAPE, 3, seed=1), VEC(width=5).build(SHAPE, 3, seed=1)
    torch.testing.assert_close(gap(x), gap(shifted), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(vec(x), vec(shifted), atol=1e-2)


def _rotation(size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, dtype=torch.float64, generator=generator))[0]


def _rotations() -> dict[str, torch.Tensor]:
    return {
        "all": _rotation(24, 0),
        "per-pixel": torch.stack([_rotation(2, seed) for seed in range(12)]),
        "shared": _rotation(2, 0),
    }


def _act(g: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    if g.shape == (2, 2):
        return x @ g.T
    if g.dim() == 3:
        return torch.einsum("pab,npb->npa", g, x.flatten(1, 2)).view(x.shape)
    return (x.flatten(1) @ g.T).view(x.shape)


@pytest.mark.parametrize(
    ("architecture", "absorbed"),
    [
        (FCN(width=6), {"all", "per-pixel", "shared"}),
        (LCN(width=4), {"per-pixel", "shared"}),
        (LCN(width=4, padding="same"), {"per-pixel", "shared"}),
        (VEC(width=4), {"shared"}),
        (GAP(width=4), {"shared"}),
    ],
)
def test_the_first_layer_absorbs_just_the_symmetry_of_sgd_but_not_of_adam(architecture, absorbed):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, *SHAPE, dtype=torch.float64, generator=generator)
    y = torch.arange(12) % 3
    batches = [torch.arange(i, i + 4) for i in (0, 4, 8, 2, 6)]
    for level, g in _rotations().items():
        plain = architecture.build(SHAPE, 3, seed=0).double()
        turned = architecture.build(SHAPE, 3, seed=0).double()
        if level not in absorbed:
            with pytest.raises(InvalidInputError, match="cannot absorb"):
                turned.first_layer().absorb(g)
            continue
        turned.first_layer().absorb(g)
        rule = Momentum(0.9, nesterov=True)
        train_module(plain, x, y, batches=batches, rule=rule, rate=0.1, weight_decay=0.01)
        train_module(turned, _act(g, x), y, batches=batches, rule=rule, rate=0.1, weight_decay=0.01)
        torch.testing.assert_close(turned(_act(g, x)), plain(x), rtol=1e-9, atol=1e-11)
        train_module(plain, x, y, batches=batches, rule=AdamRule(), rate=0.05)
        train_module(turned, _act(g, x), y, batches=batches, rule=AdamRule(), rate=0.05)
        assert float((turned(_act(g, x)) - plain(x)).detach().abs().max()) > 1e-3


def make_module(shape, n_outputs, *, hidden=4):
    """A user's own factory, found by import path."""
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(shape[0] * shape[1] * shape[2], hidden),
        torch.nn.BatchNorm1d(hidden),
        torch.nn.Linear(hidden, n_outputs),
    )


def make_nothing(shape, n_outputs):
    """A factory that returns no module."""
    return None


def test_a_users_module_is_built_from_its_import_path_and_seed():
    architecture = Module(factory=f"{__name__}:make_module", arguments={"hidden": 7}, symmetry="all")
    net, again = (architecture.build(SHAPE, 3, seed=5) for _ in range(2))
    assert net[1].out_features == 7
    assert torch.equal(net[1].weight, again[1].weight)
    assert architecture.symmetry_level(infinite_width=False) == "all"


@pytest.mark.parametrize("factory", ["nowhere.at.all:make", f"{__name__}:absent", f"{__name__}:make_nothing"])
def test_a_factory_that_is_wrong_is_refused(factory):
    with pytest.raises(InvalidInputError, match="factory"):
        Module(factory=factory).build(SHAPE, 3, seed=0)
