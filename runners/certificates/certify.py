"""`certify`: for any (M, I), which groups leave it invariant, by computation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator, seed_for
from curvefit.symmetry import AbstractElement, get_group
from curvefit.symmetry.elements import Shape
from runners.architectures.abstract import AbstractArchitecture
from runners.certificates.coupling import couple_weights
from runners.certificates.distribution import FALSE_ALARM, compare_distributions, telltale_task
from runners.certificates.kernel import compare_kernels, judge_kernel
from runners.certificates.training import UPDATE_RULES, UpdateRule, draw_stack, get_rule, train_stack
from runners.certificates.verdict import Certificate, Verdict, draw_generic_images

if TYPE_CHECKING:
    from runners.architectures.plan import Plan

KERNELS = ("nngp", "ntk")
INFERENCES = (*UPDATE_RULES, *KERNELS)
CHAIN = {
    "orthogonal": ("o-cp", "o-c-per-pixel", "o-c-shared"),
    "signed-permutation": ("signed-s-cp", "signed-s-c-per-pixel", "signed-s-c-shared"),
}
DEFAULT_GROUPS = (
    *CHAIN["orthogonal"],
    *CHAIN["signed-permutation"],
    "s-p",
    "cyclic-shifts",
    "scrambled-shifts",
)
SHAPE: Shape = (4, 4, 3)
COUPLING_TOLERANCE = 1e-9
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
    n_seeds: int = 400,
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
        width shows most.
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
        Nets on either side of a comparison in distribution.
    seed
        Draws elements, images and nets.

    Examples
    --------
    >>> from runners.architectures import FCN
    >>> str(certify(FCN(depth=1), "ntk", groups=["o-cp"])[0].verdict)
    'certified invariant'
    """
    if inference not in INFERENCES:
        get_rule(inference)
    drawn = {name: _draw_elements(name, shape, draws, seed) for name in groups}
    if inference in KERNELS:
        kernel = partial(_kernel, architecture, inference)
        found = [
            judge_kernel(
                [compare_kernels(kernel, element, shape, seed=seed) for element in elements],
                group=name,
                label=get_group(name, shape=shape).label,
            )
            for name, elements in drawn.items()
        ]
        control = judge_kernel(
            [compare_kernels(kernel, stretch, shape, seed=seed)], group=STRETCH, label="control"
        )
        return (*found, control)
    rule = get_rule(inference)
    narrow = architecture.model_copy(update={"width": min(architecture.width, 4)})
    test = _DistributionTest(_plan(narrow, shape), rule, shape, n_seeds, seed)
    found = []
    for name, elements in drawn.items():
        label = get_group(name, shape=shape).label
        certificate = _certify_coupling(_plan(architecture, shape), rule, name, label, elements, steps, seed)
        found.append(certificate or test.certify(name, label, elements[0], narrow.width))
    return (*found, test.certify(STRETCH, "control", stretch, narrow.width))


def stretch(x: np.ndarray) -> np.ndarray:
    """Return images with every third coordinate doubled: a linear map outside O(cp)."""
    factors = np.where(np.arange(np.prod(x.shape[1:])) % 3 == 0, 2.0, 1.0)
    return x * factors.reshape(x.shape[1:])


def find_chain_group(certificates: Sequence[Certificate]) -> str | None:
    """Return the largest group of the chains that is certified invariant, rotations before permutations.

    Every larger group of the same chain must be certified *not* invariant; otherwise the answer is None.
    """
    verdicts = {certificate.group: certificate.verdict for certificate in certificates}
    for chain in CHAIN.values():
        for name in chain:
            if verdicts.get(name) is Verdict.INVARIANT:
                return name
            if verdicts.get(name) is not Verdict.NOT_INVARIANT:
                return None
    return "trivial"


def _plan(architecture: AbstractArchitecture, shape: Shape) -> Plan:
    plan = architecture.plan(shape, 1)
    if plan is None:
        raise InvalidInputError(
            f"architecture {type(architecture).__name__} has no plan of layers, so no coupling is known; "
            "compare its predictions with runners.certificates.check_equal_in_distribution"
        )
    return plan


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


def _kernel(architecture: AbstractArchitecture, kind: str, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    from runners.kernels import nngp_ntk

    return getattr(nngp_ntk(architecture, x1, x2), kind)


def _certify_coupling(
    plan: Plan,
    rule: UpdateRule,
    group: str,
    label: str,
    elements: list[AbstractElement],
    steps: int,
    seed: int,
) -> Certificate | None:
    """Return a positive certificate, or None where a coupling is missing or broken by the training."""
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
    if not worst <= COUPLING_TOLERANCE:
        return None
    detail = f"coupled runs agree to {worst:.0e} after {steps} steps over {len(elements)} elements"
    return Certificate(group, label, Verdict.INVARIANT, "coupling", worst, COUPLING_TOLERANCE, detail)


class _DistributionTest:
    """Predictions of many nets on plain images, kept to be compared with those on transformed ones."""

    def __init__(self, plan: Plan, rule: UpdateRule, shape: Shape, n_seeds: int, seed: int) -> None:
        self.plan, self.rule, self.n_seeds, self.seed = plan, rule, n_seeds, seed
        self.x, self.y, self.x_test = telltale_task(shape, seed=seed)
        self._plain: np.ndarray | None = None

    def predict(self, transform, side: str) -> np.ndarray:
        seeds = [seed_for("certificate-nets", self.seed, side, k) for k in range(self.n_seeds)]
        return train_stack(
            self.plan,
            draw_stack(self.plan, seeds),
            self.rule,
            x=transform(self.x),
            y=self.y,
            x_test=transform(self.x_test),
            steps=20,
        )

    def certify(self, group: str, label: str, transform, width: int) -> Certificate:
        if self._plain is None:
            self._plain = self.predict(lambda x: x, "plain")
        p_value = compare_distributions(self._plain, self.predict(transform, group))
        refuted = p_value < FALSE_ALARM
        detail = f"{self.n_seeds} nets of width {width} on either side: p = {p_value:.0e} (false-alarm rate {FALSE_ALARM:.0e})"
        return Certificate(
            group,
            label,
            Verdict.NOT_INVARIANT if refuted else Verdict.UNDECIDED,
            "two-sample",
            p_value,
            FALSE_ALARM,
            detail,
        )
