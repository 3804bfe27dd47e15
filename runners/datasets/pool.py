"""The labelled images of one dataset as published, checked once and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curvefit.errors import DataFileError


@dataclass(frozen=True, slots=True)
class Pool:
    """All images of one dataset, before any folding, standardising or drawing of subsets.

    Parameters
    ----------
    source
        What was really read, for example ``"Fashion-MNIST (Debian package)"``.
    x
        Images ``(n, height, width, channels)``, unsigned bytes or floats.
    y
        Labels ``(n,)`` int64, from 0.
    n_classes
        Number of classes.
    n_published_test
        The last so many images are the published test set; 0 where there is none.
    """

    source: str
    x: np.ndarray
    y: np.ndarray
    n_classes: int
    n_published_test: int = 0

    @classmethod
    def join(
        cls,
        source: str,
        parts: Sequence[tuple[np.ndarray, np.ndarray]],
        *,
        n_classes: int,
        published_test: bool = True,
    ) -> Pool:
        """Return the pool of several files' images and labels, of which the last may be the published test set.

        Raises
        ------
        DataFileError
            When the files do not fit together.
        """
        for x, y in parts:
            if x.shape[1:] != parts[0][0].shape[1:]:
                raise DataFileError(
                    f"{source}: images of shape {parts[0][0].shape[1:]} and of shape {x.shape[1:]} in one dataset"
                )
            if y.shape != (len(x),):
                raise DataFileError(f"{source}: {len(x)} images but labels of shape {y.shape}")
        return cls(
            source=source,
            x=np.concatenate([x for x, _ in parts]),
            y=np.concatenate([y for _, y in parts]).astype(np.int64),
            n_classes=n_classes,
            n_published_test=len(parts[-1][1]) if published_test else 0,
        )

    def __post_init__(self) -> None:
        if self.x.ndim != 4:
            raise DataFileError(
                f"{self.source}: images have shape {self.x.shape}, expected (n, height, width, channels)"
            )
        if not self.x.size:
            raise DataFileError(f"{self.source}: there are no images, their array has shape {self.x.shape}")
        if self.y.shape != (len(self.x),):
            raise DataFileError(f"{self.source}: {len(self.x)} images but labels of shape {self.y.shape}")
        if self.x.dtype.kind == "f":
            _refuse_non_finite(self.x, self.source)
        outside = np.flatnonzero((self.y < 0) | (self.y >= self.n_classes))
        if len(outside):
            raise DataFileError(
                f"{self.source}: label {self.y[outside[0]]} of image {outside[0]} is outside "
                f"0..{self.n_classes - 1} ({len(outside)} such labels)"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape ``(height, width, channels)`` of one image as published."""
        return self.x.shape[1:]  # type: ignore[return-value]

    @property
    def chance_error(self) -> float:
        """Error rate of always answering the most frequent class."""
        return float(1 - np.bincount(self.y, minlength=self.n_classes).max() / len(self.y))


def _refuse_non_finite(x: np.ndarray, source: str) -> None:
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        where = tuple(int(index) for index in bad[0])
        raise DataFileError(
            f"{source}: value {x[where]} at image {where[0]}, pixel {where[1:3]}, channel {where[3]} "
            f"is not finite ({len(bad)} such values)"
        )
