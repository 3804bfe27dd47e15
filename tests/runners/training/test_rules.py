"""Update rules against torch's own optimisers, in float64."""

from __future__ import annotations

import pytest
import torch

from runners.training.rules import AdamRule, Momentum


@pytest.mark.parametrize(
    ("rule", "optimiser"),
    [
        (Momentum(), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01)),
        (Momentum(0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
        (
            Momentum(0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        ),
        (AdamRule(), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.01)),
        (AdamRule(decoupled=True), lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.01)),
    ],
)
def test_update_rules_agree_with_torch(rule, optimiser):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 4, 2, dtype=torch.float64, generator=generator)
    gradients = [torch.randn(3, 4, 2, dtype=torch.float64, generator=generator) for _ in range(6)]
    ours, theirs = start.clone(), start.clone().requires_grad_()
    state, other = rule.start([ours]), optimiser([theirs])
    rate, decay = torch.full((3,), 0.1, dtype=torch.float64), torch.full((3,), 0.01, dtype=torch.float64)
    for count, gradient in enumerate(gradients, start=1):
        rule.update(
            [ours],
            [gradient],
            state,
            rate=rate,
            decay=decay,
            count=torch.tensor(float(count), dtype=torch.float64),
        )
        theirs.grad = gradient.clone()
        other.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-7)
