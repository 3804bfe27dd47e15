"""MNIST-1D: procedurally drawn one-dimensional signals in 10 classes, by the published recipe.

The recipe is followed step by step, with numpy's modern generators and one generator per signal, so that
any number of signals can be drawn and every one depends on its own seed only.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pydantic import PositiveInt

from curvefit.seeding import generator
from runners.datasets.abstract import DATASETS
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool

TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
"""Height of each digit's template at 12 positions (Greydanus & Kobak 2020)."""

PADDING = (36, 60)
LENGTH = 40


def draw_signal(label: int, rng: np.random.Generator) -> np.ndarray:
    """Return one signal of class `label`, shape ``(40,)``: padded, scaled, translated, noisy, sheared, resampled.

    Parameters
    ----------
    label
        Class, 0 to 9.
    rng
        Source of randomness.

    References
    ----------
    Greydanus, Kobak (2020), "Scaling down deep learning with MNIST-1D", arXiv:2011.14439.
    """
    from scipy.ndimage import gaussian_filter1d

    template = TEMPLATES[label] - TEMPLATES[label].mean()
    template = template / template.std()
    template = (template - template[0]) / 6 + 1e-8
    padded = np.concatenate([template, np.zeros(rng.integers(PADDING[0], PADDING[1] + 1))])
    signal = _resample(padded, len(template) + PADDING[1]) * (1 + 0.4 * (rng.random() - 0.5))
    signal = np.roll(signal, rng.integers(48))
    noise = gaussian_filter1d(0.25 * rng.standard_normal(len(signal)), 2)
    signal = np.where(signal != 0, signal, noise) + 0.02 * rng.standard_normal(len(signal))
    signal = signal - 0.75 * (rng.random() - 0.5) * np.linspace(-0.5, 0.5, len(signal))
    return _resample(signal, LENGTH)


def _resample(signal: np.ndarray, length: int) -> np.ndarray:
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(signal)), signal)


@DATASETS.register("mnist-1d")
class MNIST1D(AbstractImages):
    """MNIST-1D: signals of length 40 as images of 1 x 40 pixels and one channel, 10 classes.

    Parameters
    ----------
    n_signals
        Signals drawn in all; test images are split off them by the study's seed.

    References
    ----------
    Greydanus, Kobak (2020), arXiv:2011.14439.
    """

    n_signals: PositiveInt = 10_000

    def load(self) -> Pool:
        labels = np.arange(self.n_signals) % 10
        signals = [draw_signal(k % 10, generator("mnist-1d", k)) for k in range(self.n_signals)]
        return Pool(
            "MNIST-1D (drawn by the published recipe)", np.stack(signals)[:, None, :, None], labels, 10
        )

    def pool(self) -> Pool:
        return _keep_signals(self.n_signals)


@lru_cache(maxsize=2)
def _keep_signals(n_signals: int) -> Pool:
    return MNIST1D(n_signals=n_signals).load()
