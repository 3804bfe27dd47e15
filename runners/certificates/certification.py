"""`certify`: for any (M, I), which groups leave it invariant, by computation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from curvefit.errors import InvalidInputError, unknown_name
from curvefit.seeding import generator
from curvefit.symmetry import AbstractElement, get_group
from curvefit.symmetry.elements import Shape
from curvefit.symmetry.lattice import CHAIN
from runners.architectures.abstract import AbstractArchitecture
from runners.certificates.coupling import certify_coupling
from runners.certificates.kernel import certify_kernel, compare_kernels, infinite_kernel, judge_kernel
from runners.certificates.training import UPDATE_RULES, get_rule
from runners.certificates.two_sample import DistributionTest
from runners.certificates.verdict import Certificate, Verdict

KERNELS = ("nngp", "ntk")
INFERENCES = (*UPDATE_RULES, *KERNELS)
CHAIN_GROUPS = tuple(group for chain in CHAIN.values() for group in chain.values())
DEFAULT_GROUPS = (
    *CHAIN_GROUPS,
    "s-p",
    "cyclic-shifts",
    "scrambled-shifts",
)
SHAPE: Shape = (6, 6, 2)
STRETCH = "stretch"
"""Negative control outside every group: one coordinate in three is doubled."""


def certify(
    architecture: AbstractArchitecture,
    inference: str,
    *,
    groups: Sequence[str] = DEFAULT_GROUPS,
    shape: Shape = SHAPE,
    draws: int = 3,
    steps: int = 30,
    n_seeds: int = 250,
    seed: int = 0,
) -> tuple[Certificate, ...]:
    """Return a certificate per group for one (M, I), then the negative control.

    Kernels are compared entry by entry. For gradient training a coupled run must give the same predictions
    to rounding; where there is no coupling, or it breaks, many nets are trained on either side and
    their predictions compared in distribution, which can refute invariance and never proves it.

    Parameters
    ----------
    architecture
        The model; for the comparison in distribution its width is cut to at most 4, where finite
        width shows most. Of a net without a plan of layers, such as a user's own module, no coupling is known:
        it is compared in distribution alone.
    inference
        One of `INFERENCES`.
    groups
        Registered group names.
    shape
        ``(height, width, channels)`` of the images used.
    draws
        Elements drawn per group.
    steps
        Training steps of the coupled runs.
    n_seeds
        Nets on either side of the first look of a comparison in distribution (see
        `runners.certificates.two_sample.LOOKS`).
    seed
        Draws elements, images and nets.

    Examples
    --------
    >>> from runners.architectures import FCN
    >>> str(certify(FCN(depth=1), "ntk", groups=["o-cp"])[0].verdict)
    'certified invariant'
    """
    if inference not in INFERENCES:
        raise unknown_name("inference to certify", inference, INFERENCES)
    drawn = {name: _draw_elements(name, shape, draws, seed) for name in groups}
    labels = {name: get_group(name, shape=shape).label for name in groups}
    if inference in KERNELS:
        kernel = partial(infinite_kernel, architecture, inference)
        found = [
            certify_kernel(kernel, elements, group=name, label=labels[name], seed=seed)
            for name, elements in drawn.items()
        ]
        control = compare_kernels(kernel, stretch, shape, seed=seed)
        return (*found, judge_kernel([control], group=STRETCH, label="control"))
    rule, plan = get_rule(inference), architecture.plan(shape, 1)
    test = DistributionTest.of(architecture, rule, shape, n_seeds=n_seeds, seed=seed)
    found = []
    for name, elements in drawn.items():
        certificate = None
        if plan is not None:
            certificate = certify_coupling(
                plan, rule, elements, group=name, label=labels[name], steps=steps, seed=seed
            )
        if certificate is None:
            element = _draw_elements(name, test.shape, 1, seed)[0]
            certificate = test.certify(element, group=name, label=labels[name])
        found.append(certificate)
    return (*found, test.certify(stretch, group=STRETCH, label="control"))


def stretch(x: np.ndarray) -> np.ndarray:
    """Return images with every third coordinate doubled: a linear map outside O(cp)."""
    factors = np.where(np.arange(np.prod(x.shape[1:])) % 3 == 0, 2.0, 1.0)
    return x * factors.reshape(x.shape[1:])


def find_chain_group(certificates: Sequence[Certificate]) -> str | None:
    """Return the largest group of the chains that is certified invariant, rotations before permutations.

    Every larger group of the same chain must be certified *not* invariant; otherwise, and where groups of
    the chain were not asked for, the answer is None.
    """
    verdicts = {certificate.group: certificate.verdict for certificate in certificates}
    for chain in CHAIN.values():
        for name in chain.values():
            if verdicts.get(name) is Verdict.INVARIANT:
                return name
            if verdicts.get(name) is not Verdict.NOT_INVARIANT:
                return None
    return "trivial"


def _draw_elements(name: str, shape: Shape, draws: int, seed: int) -> list[AbstractElement]:
    if draws < 1:
        raise InvalidInputError(f"draws {draws} must be 1 or more")
    group = get_group(name, shape=shape)
    rng = generator("certificate-elements", name, shape, seed)
    drawn: list[AbstractElement] = []
    while len(drawn) < draws:
        element = group.sample(rng)
        if group.order == 1 or not np.allclose(element.matrix(), np.eye(group.size)):
            drawn.append(element)
    return drawn
