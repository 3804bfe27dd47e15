"""Losses, scores, and what groups do to batches and predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from curvefit.symmetry import get_group
from runners.architectures import FCN
from runners.training.augment import augmentation_by
from runners.training.losses import Loss, score
from runners.training.orbit import predict_over_orbit
from runners.training.stack import stack_builder
from tests.runners.training.nets import CPU, SHAPE, task


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


def test_smoothed_targets_of_squared_error_shrink_towards_chance():
    y = torch.tensor([0, 2, 1])
    plain, smoothed = (Loss("mse", s).encode(y, 3, dtype=torch.float64) for s in (0.0, 0.25))
    torch.testing.assert_close(smoothed, 0.75 * plain)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ["cross-entropy", "mse"])
def test_losses_are_differentiated_as_torch_does(name, smoothing):
    generator = torch.Generator().manual_seed(0)
    outputs = 5 * torch.randn(3, 7, 4, dtype=torch.float64, generator=generator)
    labels = torch.randint(4, (3, 7), generator=generator)
    loss = Loss(name, smoothing)
    targets = loss.encode(labels, 4, dtype=outputs.dtype)
    value, slope = loss.differentiate(outputs, targets)
    outputs.requires_grad_()
    expected = loss(outputs, targets)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-13, atol=1e-13)
    (gradient,) = torch.autograd.grad(expected.sum(), outputs)
    torch.testing.assert_close(slope, gradient, rtol=1e-13, atol=1e-14)
