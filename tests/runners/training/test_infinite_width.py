"""The infinite-width limit as a test of training: nets against kernels, linearised nets against solves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from runners.architectures import FCN, GAP, LCN, VEC
from runners.training.job import Job, Regime
from runners.training.loop import train_jobs
from runners.training.losses import Loss
from runners.training.rates import safe_rate
from runners.training.rules import Momentum
from runners.training.stack import stack_builder
from tests.benchmarks.infinite_width import CPU, SHAPE, problem, train_to_the_end


@pytest.mark.parametrize(("cls", "widths", "bound"), [(FCN, (32, 512), 0.5), (VEC, (16, 64), 0.8)])
def test_wide_nets_under_full_batch_descent_approach_ntk_regression(cls, widths, bound):
    # Seeds are fixed; theory says that the distance falls at least as width ** -0.5.
    distances = []
    for width in widths:
        outputs, limit = train_to_the_end(cls(width=width), 3, trained="all", n_train=6, target=1e-4)
        distances.append(np.sqrt(np.mean((outputs - limit) ** 2) / np.mean(limit**2)))
    assert distances[1] < bound
    assert distances[1] < distances[0] * (widths[0] / widths[1]) ** 0.5


def test_ensembles_of_last_layers_approach_the_nngp_posterior_mean():
    # 64 nets: the mean is normal about a limit off by O(1 / width); 20 means, bound at 4.5 s.e.: false alarm 1e-4.
    outputs, limit = train_to_the_end(FCN(width=256), 64, trained="readout", n_train=6, target=1e-4)
    error = outputs.std(0, ddof=1) / 8
    assert np.all(np.abs(outputs.mean(0) - limit) < 4.5 * error + 0.02)


@pytest.mark.parametrize("architecture", [LCN(width=3), GAP(width=3, parameterisation="standard")])
def test_linearised_training_ends_at_regression_with_the_empirical_tangent_kernel(architecture):
    x, y, x_test = problem(5, 4)
    build = stack_builder(architecture, SHAPE, 1, linearised=True)
    start = stack_builder(architecture, SHAPE, 1)([3], CPU, torch.float64)
    rate = 5 * safe_rate(start, x, Loss("mse"), momentum=0.9)
    job = Job(x, y, seed=3, batch_seed=0, rate=rate, decay=0.0, steps=20_000)
    regime = Regime(Momentum(0.9), Loss("mse"), 5, stop_loss=1e-14, precision="float64")
    ((_, trained),) = train_jobs([job], build, regime)
    assert trained.stopped == "loss"
    ours = trained.net.predict(x_test)

    net = architecture.build(SHAPE, 1, seed=3).double()
    for parameter, drawn in zip(net.weights, start.parameters):
        parameter.data = drawn[0].detach().clone()
    both = torch.cat([x, x_test])
    outputs = net(both)
    rows = [torch.autograd.grad(o, list(net.parameters()), retain_graph=True) for o in outputs[:, 0]]
    jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
    kernel = jacobian @ jacobian.T
    expected = outputs[5:] + kernel[5:, :5] @ torch.linalg.solve(kernel[:5, :5], y - outputs[:5])
    torch.testing.assert_close(ours, expected.detach(), rtol=1e-4, atol=1e-5)
