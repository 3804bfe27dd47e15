"""`certify`: for any (M, I), which groups leave it invariant, by computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.seeding import generator, seed_for
from curvefit.symmetry import AbstractElement, get_group
from curvefit.symmetry.elements import Shape
from curvefit.symmetry.lattice import CHAIN
from runners.architectures.abstract import AbstractArchitecture
from runners.certificates.coupling import couple_weights
from runners.certificates.distribution import FALSE_ALARM, compare_distributions, telltale_tasks
from runners.certificates.kernel import compare_kernels, judge_kernel
from runners.certificates.training import (
    UPDATE_RULES,
    ModulePlan,
    UpdateRule,
    draw_stack,
    get_rule,
    train_stack,
)
from runners.certificates.verdict import Certificate, Verdict, draw_generic_images

if TYPE_CHECKING:
    from runners.architectures.plan import Plan

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
COUPLING_TOLERANCE = 1e-9
LOOKS = (1, 4)
"""A comparison in distribution looks after so many times `n_seeds` nets, the false-alarm rate shared equally."""
HORIZONS = (3, 30)
"""Training steps after which predictions are compared."""
NARROW = 4
"""Width of the nets of a comparison in distribution: where finite width shows most."""
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
        Nets on either side of the first look of a comparison in distribution (see `LOOKS`).
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
    own = getattr(architecture, "width", None)  # a user's own net may have no such setting
    narrow = architecture.model_copy(update={"width": min(own, NARROW)} if own else {})
    wide = _widen(shape)
    test = _DistributionTest(_plan(narrow, wide), rule, wide, n_seeds, seed)
    found = []
    for name, elements in drawn.items():
        label = get_group(name, shape=shape).label
        certificate = _certify_coupling(_plan(architecture, shape), rule, name, label, elements, steps, seed)
        if certificate is None:
            certificate = test.certify(name, label, _draw_elements(name, wide, 1, seed)[0])
        found.append(certificate)
    return (*found, test.certify(STRETCH, "control", stretch))


def _widen(shape: Shape) -> Shape:
    """Return a shape on which symmetry breaks visibly.

    Sides of 6 or more, multiples of the given ones, so that a filter's reach shows; 4 channels or more, so that
    a rotation makes a sparse pixel dense. One pixel, or one channel, stays one.
    """
    height, width = (side if side == 1 or side >= 6 else side * -(-6 // side) for side in shape[:2])
    return height, width, shape[2] if shape[2] == 1 else max(shape[2], 4)


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


def _plan(architecture: AbstractArchitecture, shape: Shape) -> Plan | ModulePlan:
    return architecture.plan(shape, 1) or ModulePlan(architecture, shape)


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
    plan: Plan | ModulePlan,
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
    if isinstance(plan, ModulePlan):
        return None  # its layers are not known
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


@dataclass(frozen=True, slots=True)
class _DistributionTest:
    """Predictions of many nets on plain and on transformed images, compared in distribution."""

    plan: Plan | ModulePlan
    rule: UpdateRule
    shape: Shape
    n_seeds: int
    seed: int
    plain: dict[int, list[np.ndarray]] = field(default_factory=dict)
    """Predictions on plain images by look: every group is compared with the same."""

    def certify(self, group: str, label: str, transform: Callable[[np.ndarray], np.ndarray]) -> Certificate:
        """Return the certificate of one group; later looks train more nets where earlier ones were not clear."""
        limit = FALSE_ALARM / len(LOOKS)
        p_value, n_nets = 1.0, 0
        for look in range(len(LOOKS)):
            if look not in self.plain:
                self.plain[look] = self._predict(lambda x: x, "plain", look)
            turned = self._predict(transform, group, look)
            pairs = list(zip(self.plain[look], turned))
            p_value = min(1.0, len(pairs) * min(compare_distributions(*pair) for pair in pairs))
            n_nets = self.n_seeds * LOOKS[look]
            if p_value < limit:
                break
        detail = (
            f"{n_nets} nets on either side: p = {p_value:.0e} "
            f"(false-alarm rate {FALSE_ALARM:.0e} over {len(LOOKS)} looks)"
        )
        verdict = Verdict.NOT_INVARIANT if p_value < limit else Verdict.UNDECIDED
        return Certificate(group, label, verdict, "two-sample", p_value, limit, detail)

    def _predict(
        self, transform: Callable[[np.ndarray], np.ndarray], side: str, look: int
    ) -> list[np.ndarray]:
        seeds = [
            seed_for("certificate-nets", self.seed, side, look, k) for k in range(self.n_seeds * LOOKS[look])
        ]
        weights = draw_stack(self.plan, seeds)
        return [
            train_stack(
                self.plan, weights, self.rule, x=transform(x), y=y, x_test=transform(x_test), steps=steps
            )
            for x, y, x_test in telltale_tasks(self.shape, seed=self.seed)
            for steps in HORIZONS
        ]
