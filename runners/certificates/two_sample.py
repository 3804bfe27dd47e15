"""Certificates for gradient training by comparison in distribution, where no coupling is known or it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from curvefit.seeding import seed_for
from curvefit.symmetry.elements import Shape
from runners.certificates.distribution import FALSE_ALARM, compare_distributions, telltale_tasks
from runners.certificates.training import ModulePlan, UpdateRule, draw_stack, train_stack
from runners.certificates.verdict import Certificate, Verdict

if TYPE_CHECKING:
    from runners.architectures.abstract import AbstractArchitecture
    from runners.architectures.plan import Plan

LOOKS = (1, 4)
"""A comparison in distribution looks after so many times `n_seeds` nets, the false-alarm rate shared equally."""
HORIZONS = (3, 30)
"""Training steps after which predictions are compared."""
NARROW = 4
"""Width of the nets of a comparison in distribution: where finite width shows most."""


@dataclass(frozen=True, slots=True)
class DistributionTest:
    """Predictions of many nets on plain and on transformed images, compared in distribution.

    It can refute invariance and never proves it.

    Parameters
    ----------
    plan, rule
        The nets and how they train.
    shape
        ``(height, width, channels)`` of the images.
    n_seeds
        Nets on either side at the first look.
    seed
        Draws images and nets.
    plain
        Predictions on plain images by look: every group is compared with the same.
    """

    plan: Plan | ModulePlan
    rule: UpdateRule
    shape: Shape
    n_seeds: int
    seed: int
    plain: dict[int, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        architecture: AbstractArchitecture,
        rule: UpdateRule,
        shape: Shape,
        *,
        n_seeds: int,
        seed: int,
    ) -> DistributionTest:
        """Return the test for `architecture`, its width cut to `NARROW` and `shape` widened.

        A net without a plan of layers, such as a user's own module, is taken as it is.
        """
        if architecture.plan(shape, 1) is None:
            return cls(ModulePlan(architecture, shape), rule, shape, n_seeds, seed)
        own = getattr(architecture, "width", None)
        narrow = architecture.model_copy(update={"width": min(own, NARROW)} if own else {})
        wide = _widen(shape)
        return cls(narrow.plan(wide, 1), rule, wide, n_seeds, seed)  # type: ignore[arg-type]

    def certify(
        self, transform: Callable[[np.ndarray], np.ndarray], *, group: str, label: str
    ) -> Certificate:
        """Return the certificate of one group from one of its elements; later looks train more nets where earlier ones were not clear."""
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


def _widen(shape: Shape) -> Shape:
    """Return a shape on which symmetry breaks visibly.

    Sides of 6 or more, multiples of the given ones, so that a filter's reach shows; 4 channels or more, so that
    a rotation makes a sparse pixel dense. One pixel, or one channel, stays one.
    """
    height, width = (side if side == 1 or side >= 6 else side * -(-6 // side) for side in shape[:2])
    return height, width, shape[2] if shape[2] == 1 else max(shape[2], 4)
