"""Predictions averaged over a group: the symmetric part of a net, taken at test time."""

from __future__ import annotations

import torch

from runners.training.abstract import OneNet
from runners.training.augment import AbstractAugmentation
from runners.training.losses import Loss


def predict_over_orbit(
    net: OneNet, x: torch.Tensor, loss: Loss, group: AbstractAugmentation | None
) -> torch.Tensor:
    """Return one net's outputs on `x`, averaged over all elements of a bank as an ensemble would be.

    Parameters
    ----------
    net
        The net.
    x
        ``(example, height, width, channel)``.
    loss
        Says what is averaged: probabilities or outputs.
    group
        The bank, or None for plain predictions.
    """
    if group is None:
        return net.predict(x)
    moved = (
        group(x[None], torch.full((1, len(x)), element, device=x.device))[0]
        for element in range(group.n_elements)
    )
    return loss.combine([net.predict(images) for images in moved])
