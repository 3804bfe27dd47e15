"""Couplings: carry a net's initial weights along with a transformation of its inputs.

A net whose first layer has weights ``W g'`` sees gX exactly as one with weights ``W`` sees X. If the new weights
are as likely as the old ones, and every step of training carries the relation along, the two training
runs give equal predictions path by path, hence equal predictions in distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from curvefit.seeding import generator, seed_for
from curvefit.symmetry import CyclicShifts
from curvefit.symmetry.elements import AbstractElement, SignedPermutation
from runners.certificates.training import UpdateRule, draw_stack, train_stack
from runners.certificates.verdict import Certificate, Verdict, draw_generic_images

if TYPE_CHECKING:
    import torch

    from runners.architectures.layers import AbstractLayer
    from runners.architectures.plan import Plan

EXACT = 1e-12
TOLERANCE = 1e-9
"""Largest relative difference of predictions that is put down to rounding, after tens of steps."""


def certify_coupling(
    plan: Plan,
    rule: UpdateRule,
    elements: Sequence[AbstractElement],
    *,
    group: str,
    label: str,
    steps: int = 30,
    seed: int = 0,
) -> Certificate | None:
    """Return a positive certificate, or None where a coupling is missing or broken by the training.

    Parameters
    ----------
    plan, rule
        The net and how it trains.
    elements
        Elements of the group; each must have its coupling.
    group, label
        Registered name, and how it is written in tables.
    steps
        Training steps of either run.
    seed
        Draws images, labels and the net.
    """
    rng = generator("certificate-task", seed)
    shape = elements[0].shape
    x, x_test = draw_generic_images(8, shape, rng), draw_generic_images(6, shape, rng)
    y = rng.choice([-1.0, 1.0], (8, 1))
    stack = draw_stack(plan, [seed_for("certificate-net", seed)])
    weights = [weight[0] for weight in stack]
    plain = train_stack(plan, stack, rule, x=x, y=y, x_test=x_test, steps=steps)
    worst = 0.0
    for element in elements:
        coupled = couple_weights(plan, weights, element)
        if coupled is None:
            return None
        turned = train_stack(
            plan, [w[None] for w in coupled], rule, x=element(x), y=y, x_test=element(x_test), steps=steps
        )
        worst = max(worst, float(np.abs(turned - plain).max() / np.abs(plain).max()))
    if not worst <= TOLERANCE:
        return None
    detail = f"coupled runs agree to {worst:.0e} after {steps} steps over {len(elements)} elements"
    return Certificate(group, label, Verdict.INVARIANT, "coupling", worst, TOLERANCE, detail)


def couple_weights(
    plan: Plan, weights: list[torch.Tensor], element: AbstractElement
) -> list[torch.Tensor] | None:
    """Return weights under which the net sees transformed inputs as it saw the plain ones, or None.

    Parameters
    ----------
    plan
        The net's layers.
    weights
        Initial weights of one net, in the order of ``plan.weights()``.
    element
        The transformation of the inputs.

    Returns
    -------
    list of torch.Tensor or None
        None where no measure-preserving map of the weights exists that this function knows: the first
        layer carries rotations within its reach; cyclic shifts are carried through all layers.
    """
    return _couple_first_layer(plan, weights, element) or _couple_shift(plan, weights, element)


def _couple_first_layer(
    plan: Plan, weights: list[torch.Tensor], element: AbstractElement
) -> list[torch.Tensor] | None:
    import torch

    from runners.architectures.layers import UntiedConvolution

    if plan.initialisation != "gaussian" and not isinstance(element, SignedPermutation):
        return None
    layer = next(layer for layer in plan.layers if layer.weights())
    first = weights[0].mT if isinstance(layer, UntiedConvolution) else weights[0]
    first = first.numpy()
    reach = _reach(layer, element.shape)
    dense = _to_images(first, reach, element)
    turned = _from_images(first, reach, element(dense))
    residual = np.abs(_to_images(turned, reach, element) - element(dense)).max()
    kept = abs(np.square(turned).sum() / np.square(first).sum() - 1)
    if residual > EXACT * np.abs(first).max() or kept > EXACT:
        return None
    carried = torch.from_numpy(turned)
    return [carried.mT.contiguous() if isinstance(layer, UntiedConvolution) else carried, *weights[1:]]


def _reach(layer: AbstractLayer, shape: tuple[int, int, int]) -> np.ndarray:
    """Return for every unit position and tap the input pixel it reads, -1 for padding: ``(positions, taps)``."""
    from runners.architectures.layers import Dense

    if isinstance(layer, Dense):
        return np.arange(shape[0] * shape[1])[None]
    return np.array(layer.windows.input_positions())  # type: ignore[attr-defined]


def _to_images(weight: np.ndarray, reach: np.ndarray, element: AbstractElement) -> np.ndarray:
    """Return the first layer as a linear map of images: ``(positions, out, height, width, channels)``."""
    h, w, c = element.shape
    positions, taps = reach.shape
    filters = np.broadcast_to(weight, (positions, *weight.shape[-2:])).reshape(positions, taps, c, -1)
    images = np.zeros((positions, h * w + 1, c, filters.shape[-1]))  # the last pixel collects the padding
    for position in range(positions):
        np.add.at(images[position], reach[position], filters[position])
    return images[:, :-1].transpose(0, 3, 1, 2).reshape(positions, -1, h, w, c)


def _from_images(weight: np.ndarray, reach: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the weights nearest to a linear map of images; taps that always read padding stay as they were."""
    positions, taps = reach.shape
    c = images.shape[-1]
    maps = images.reshape(positions, images.shape[1], -1, c).transpose(0, 2, 3, 1)
    filters = np.broadcast_to(weight, (positions, *weight.shape[-2:])).reshape(positions, taps, c, -1).copy()
    reads = reach >= 0
    position, tap = np.nonzero(reads)
    filters[position, tap] = maps[position, reach[position, tap]]
    if weight.ndim == 2:  # one filter for all positions: their mean over the positions that read pixels
        counted = np.where(reads[:, :, None, None], filters, 0).sum(axis=0) / np.maximum(
            reads.sum(axis=0), 1
        ).reshape(-1, 1, 1)
        filters = np.where(reads.any(axis=0).reshape(-1, 1, 1), counted, filters[0])
    return filters.reshape(weight.shape)


def _couple_shift(
    plan: Plan, weights: list[torch.Tensor], element: AbstractElement
) -> list[torch.Tensor] | None:
    """Carry a cyclic shift through every layer: own filters of a position and the readout's rows move along."""
    from runners.architectures.layers import AveragePool, Dense, Flatten, TiedConvolution, UntiedConvolution

    h, w, c = element.shape
    if not isinstance(element, SignedPermutation) or not CyclicShifts(element.shape).contains(element):
        return None
    source = element.source[::c] // c
    coupled, used, flat = [], 0, False
    for layer in plan.layers:
        own = weights[used : used + len(layer.weights())]
        used += len(own)
        if isinstance(layer, TiedConvolution | UntiedConvolution):
            if layer.windows.padding != "circular" or layer.windows.output != (h, w):
                return None
            own = [weight[source] for weight in own] if isinstance(layer, UntiedConvolution) else own
        elif isinstance(layer, Flatten):
            flat = True
        elif isinstance(layer, Dense) and flat:
            rows = own[0].reshape(h * w, -1, own[0].shape[-1])[source].reshape(own[0].shape)
            own, flat = [rows, *own[1:]], False
        elif isinstance(layer, AveragePool) or (own and not isinstance(layer, Dense)):
            return None
        coupled.extend(own)
    return coupled
