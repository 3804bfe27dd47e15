"""What a certificate says, and the images it is taken on."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from curvefit.symmetry.elements import Shape


class Verdict(enum.StrEnum):
    """What was found about one group."""

    INVARIANT = "certified invariant"
    NOT_INVARIANT = "certified not invariant"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The finding for one group and one (M, I).

    Parameters
    ----------
    group, label
        Registered name, and how it is written in tables.
    verdict
        See `Verdict`.
    method
        ``"kernel"`` (kernel entries compared), ``"coupling"`` (training runs compared path by path) or
        ``"two-sample"`` (predictions of many nets compared in distribution).
    discrepancy
        Largest relative difference of kernel entries or predictions; for ``"two-sample"`` the smallest
        p-value, corrected for the number of comparisons.
    tolerance
        What `discrepancy` was held against.
    detail
        One sentence for people.
    """

    group: str
    label: str
    verdict: Verdict
    method: str
    discrepancy: float
    tolerance: float
    detail: str

    @property
    def margin(self) -> float:
        """How many times the finding is clear of its tolerance, always 1 or more for a verdict."""
        small, large = sorted((max(self.discrepancy, 1e-300), self.tolerance))
        return large / small


def draw_generic_images(n: int, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return Gaussian images ``(n, *shape)``: nothing about them is special to any group."""
    return rng.standard_normal((n, *shape))


def draw_telltale_images(n: int, shape: Shape, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels ``(n, 1)`` of +1 and -1 on which broken symmetry shows soonest.

    Every image has one channel switched on, in one half of its pixels, with an own brightness: constant
    over pixels (which shared filters notice), sparse in coordinates (which Adam notices), local
    (which filters of small reach notice). Any rotation outside the group destroys one of the three.
    """
    h, w, c = shape
    channel, half = rng.integers(c, size=n), rng.integers(2, size=n)
    x = np.zeros((n, h * w, c))
    for i in range(n):
        lit = slice(0, h * w // 2) if half[i] else slice(h * w // 2, h * w)
        x[i, lit, channel[i]] = rng.uniform(0.8, 1.2)
    x *= np.sqrt(x[0].size / np.square(x).sum(axis=(1, 2), keepdims=True))
    return x.reshape(n, h, w, c), np.where((channel == 0) ^ (half == 1), 1.0, -1.0)[:, None]
