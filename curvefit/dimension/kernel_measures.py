"""Dimensions read off a kernel and a target, without any learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from curvefit.dimension.intervals import number
from curvefit.dimension.links import Link, get_link
from curvefit.dimension.saved import Saveable
from curvefit.theory import (
    SpectralExponents,
    Spectrum,
    count_learnable_modes,
    measure_exponents,
    measure_participation,
    measure_spectrum,
)


@dataclass(frozen=True, slots=True, eq=False)
class KernelMeasures(Saveable):
    """What a Gram matrix and a target say of dimension; build it with `measure_kernel`.

    Parameters
    ----------
    spectrum
        Eigenvalues and the target's power along them.
    participation
        How many directions carry the kernel, whatever the target.
    target_participation
        Over how many of the kernel's directions the target's power spreads.
    n_train
        Sizes of `learnable` and `learned`, ``(sizes,)``.
    learnable
        Effective number of modes learnt from so many examples, ``(sizes,)``.
    learned
        Share of the target's power in the ``learnable`` first modes, ``(sizes,)``: how well task and kernel align.
    exponents
        Capacity and source, and the exponent of the learning curve that they predict.
    link
        How that exponent becomes a dimension.
    """

    spectrum: Spectrum
    participation: float
    target_participation: float
    n_train: np.ndarray
    learnable: np.ndarray
    learned: np.ndarray
    exponents: SpectralExponents
    link: Link

    @property
    def dimension(self) -> tuple[float, float, float]:
        """Dimension of the predicted exponent through the link, and at one standard error either side."""
        rate, se = self.exponents.exponent, self.exponents.exponent_se
        middle, low, high = self.link.dimension([rate, rate + se, rate - se])
        return float(middle), float(low), float(high)

    def summary(self) -> pd.DataFrame:
        """Return one row per size: learnable modes, and the share of the target's power in them."""
        return pd.DataFrame({"n_train": self.n_train, "learnable": self.learnable, "learned": self.learned})

    def __str__(self) -> str:
        middle, low, high = self.dimension
        return (
            f"The kernel spreads over {number(self.participation)} directions and the target over "
            f"{number(self.target_participation)} of them; {self.exponents}, a task of dimension {number(middle)} "
            f"({number(low)} to {number(high)}, one standard error) through link {self.link.name}."
        )


def measure_kernel(
    gram: np.ndarray,
    target: np.ndarray,
    *,
    n_train: Sequence[float] | None = None,
    ridge: float = 0.0,
    link: str | Link | Mapping[str, Any] = "noiseless",
) -> KernelMeasures:
    """Measure participation, learnable modes, capacity and source of a kernel on a task.

    Parameters
    ----------
    gram
        ``(n, n)``, symmetric: NNGP, NTK, or the empirical NTK of a trained net.
    target
        ``(n,)`` or ``(n, outputs)``; class labels as centred one-hot columns.
    n_train
        Sizes at which to count learnable modes; a few powers of two up to half of n by default.
    ridge
        Of the kernel regression.
    link
        As in `effective_dimension`; the predicted exponent is that of noiseless squared error.

    Raises
    ------
    InvalidInputError
        When shapes disagree, or there are too few points for exponents.

    References
    ----------
    Bordelon, Canatar, Pehlevan (2020), arXiv:2002.02561.
    """
    spectrum = measure_spectrum(gram, target)
    largest = len(spectrum.eigenvalues) // 2
    sizes = np.asarray(
        2 ** np.arange(3, max(int(np.log2(largest)), 3) + 1) if n_train is None else n_train, dtype=float
    )
    learnable = count_learnable_modes(spectrum, sizes, ridge=ridge)
    known = np.concatenate([[0.0], np.cumsum(spectrum.power) / spectrum.power.sum()])
    return KernelMeasures(
        spectrum,
        measure_participation(spectrum),
        float(spectrum.power.sum() ** 2 / np.sum(spectrum.power**2)),
        sizes,
        learnable,
        np.interp(learnable, np.arange(len(known)), known),
        measure_exponents(spectrum),
        get_link(link),
    )
