"""Certificates for kernel inference: K(gx, gx') = K(x, x') or not, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator
from curvefit.symmetry.elements import AbstractElement, Shape
from runners.certificates.verdict import Certificate, Verdict, draw_generic_images

if TYPE_CHECKING:
    from runners.architectures.abstract import AbstractArchitecture

KernelFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
TOLERANCE = 1e-10
CLEAR = 1e-5
"""A relative difference above this is no rounding: the kernel is not invariant."""


def has_kernel(architecture: AbstractArchitecture) -> bool:
    """Return whether the infinite-width kernel of `architecture` is known."""
    from runners.kernels import plan_kernel

    try:
        plan_kernel(architecture, (6, 6, 2))
    except InvalidInputError:
        return False
    return True


def infinite_kernel(
    architecture: AbstractArchitecture, kind: str, x1: np.ndarray, x2: np.ndarray
) -> np.ndarray:
    """Return the ``"nngp"`` or ``"ntk"`` kernel ``(n1, n2)`` of `architecture`."""
    from runners.kernels import nngp_ntk

    return getattr(nngp_ntk(architecture, x1, x2), kind)


def certify_kernel(
    kernel: KernelFunction,
    elements: Sequence[AbstractElement],
    *,
    group: str,
    label: str,
    seed: int = 0,
) -> Certificate:
    """Return the certificate for one group from several of its elements."""
    found = [compare_kernels(kernel, element, element.shape, seed=seed) for element in elements]
    return judge_kernel(found, group=group, label=label)


def compare_kernels(
    kernel: KernelFunction, transform: Callable[[np.ndarray], np.ndarray], shape: Shape, *, seed: int = 0
) -> float:
    """Return ``max |K(gx, gx') - K(x, x')| / max |K(x, x')|`` over generic images.

    Parameters
    ----------
    kernel
        ``kernel(x1, x2)`` gives ``(n1, n2)``.
    transform
        The map g of images ``(n, *shape)``.
    shape
        Of one image.
    seed
        Draws the images.
    """
    rng = generator("certificate-images", seed)
    x1, x2 = draw_generic_images(6, shape, rng), draw_generic_images(5, shape, rng)
    plain = kernel(x1, x2)
    return float(np.abs(kernel(transform(x1), transform(x2)) - plain).max() / np.abs(plain).max())


def judge_kernel(discrepancies: list[float], *, group: str, label: str) -> Certificate:
    """Return the certificate for the differences found over several elements of one group."""
    worst = max(discrepancies)
    if worst <= TOLERANCE:
        verdict, tolerance = Verdict.INVARIANT, TOLERANCE
        detail = f"kernel entries agree to {worst:.0e} over {len(discrepancies)} elements"
    elif worst >= CLEAR:
        verdict, tolerance = Verdict.NOT_INVARIANT, CLEAR
        detail = f"kernel entries differ by {worst:.0e} of the largest entry"
    else:
        verdict, tolerance = Verdict.UNDECIDED, TOLERANCE
        detail = f"kernel entries differ by {worst:.0e}: more than rounding, less than a clear difference"
    return Certificate(group, label, verdict, "kernel", worst, tolerance, detail)
