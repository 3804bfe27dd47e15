"""What is done to images: folding blocks into channels, standardising, jittering by group elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from curvefit.errors import InvalidInputError
from curvefit.symmetry.spatial import AbstractPixelMaps

Standardise = Literal["none", "scale", "global", "per-channel", "centre", "per-coordinate"]

PART = 2048
"""Images worked on at once where all of them would take much more memory than they do themselves."""


def fold_blocks(x: np.ndarray, fold: int) -> np.ndarray:
    """Return images whose `fold` x `fold` blocks have become channels.

    Parameters
    ----------
    x
        ``(n, height, width, channels)``.
    fold
        Side of the blocks; divides height and width. 1 leaves the images alone.

    Returns
    -------
    np.ndarray
        ``(n, height / fold, width / fold, fold * fold * channels)``.

    Examples
    --------
    >>> fold_blocks(np.zeros((5, 28, 28, 1)), 4).shape
    (5, 7, 7, 16)
    """
    n, h, w, c = x.shape
    if fold < 1 or h % fold or w % fold:
        raise InvalidInputError(f"fold {fold} must divide height and width of images of shape {(h, w, c)}")
    blocks = x.reshape(n, h // fold, fold, w // fold, fold, c).transpose(0, 1, 3, 2, 4, 5)
    return blocks.reshape(n, h // fold, w // fold, fold * fold * c)


@dataclass(frozen=True, slots=True)
class Standardisation:
    """Subtract `mean`, divide by `scale`; both broadcast over ``(n, height, width, channels)``.

    Parameters
    ----------
    mean, scale
        Arrays or numbers.
    """

    mean: np.ndarray | float
    scale: np.ndarray | float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the standardised images, float64."""
        return (x - self.mean) / self.scale


def measure_standardisation(x: np.ndarray, kind: Standardise) -> Standardisation:
    """Return the standardisation of `kind` measured on the images `x`.

    Parameters
    ----------
    x
        ``(n, height, width, channels)``.
    kind
        ``"none"``; ``"scale"`` (one number, the root mean square); ``"global"`` (one mean, one deviation);
        ``"per-channel"``; ``"centre"`` (mean image, one deviation); ``"per-coordinate"`` (mean image and
        deviation of every coordinate; constant coordinates are left at 0).
    """
    if kind == "none":
        return Standardisation(0.0, 1.0)
    mean, variance = _moments(x)
    if kind == "scale":
        return Standardisation(0.0, _positive(np.sqrt(np.mean(variance + mean**2))))
    if kind == "global":
        return Standardisation(float(mean.mean()), _positive(np.sqrt(variance.mean() + mean.var())))
    if kind == "per-channel":
        deviation = np.sqrt(variance.mean(axis=(0, 1)) + mean.var(axis=(0, 1)))
        return Standardisation(mean.mean(axis=(0, 1)), _positive(deviation))
    if kind == "centre":
        return Standardisation(mean, _positive(np.sqrt(variance.mean())))
    return Standardisation(mean, _positive(np.sqrt(variance)))


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of every coordinate, part by part: whole data sets are bytes, floats are 8 times as many."""
    parts = [x[start : start + PART] for start in range(0, len(x), PART)]
    mean = sum(part.sum(axis=0, dtype=float) for part in parts) / len(x)
    variance = sum(np.square(part - mean).sum(axis=0) for part in parts) / len(x)
    return mean, variance


def _positive(scale: np.ndarray | float) -> np.ndarray | float:
    return np.where(np.asarray(scale) > 0, scale, 1.0)


def jitter_images(x: np.ndarray, group: AbstractPixelMaps, choices: np.ndarray) -> np.ndarray:
    """Return the images, each moved by its own element of a finite group of pixel maps.

    Parameters
    ----------
    x
        ``(n, height, width, channels)``.
    group
        The group, on the shape of the images.
    choices
        ``(n,)``: row of ``group.maps()`` that moves each image.
    """
    n, h, w, c = x.shape
    maps, pixels, moved = group.maps(), x.reshape(n, h * w, c), np.empty_like(x)
    for start in range(0, n, PART):  # the index array of all images at once would dwarf the images
        part = slice(start, start + PART)
        rows = np.take_along_axis(pixels[part], maps[choices[part], :, None], axis=1)
        moved[part] = rows.reshape(-1, h, w, c)
    return moved
