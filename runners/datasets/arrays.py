"""A user's own images: an ``.npz`` file with documented arrays."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from curvefit.errors import DataFileError, MissingDatasetError
from runners.datasets.abstract import DATASETS
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool


@DATASETS.register("arrays")
class Arrays(AbstractImages):
    """Images and labels of an ``.npz`` file.

    The file holds ``x`` of shape ``(n, height, width, channels)``, ``(n, height, width)`` (one channel) or
    ``(n, features)`` (one pixel), and integer labels ``y`` of shape ``(n,)`` from 0. With ``x_test`` and
    ``y_test`` beside them the test set is drawn from those, else it is split off by the study's seed.
    Object arrays are refused: nothing is unpickled. Records name the file and the beginning of its sha256.

    Parameters
    ----------
    path
        The file.
    """

    may_change: ClassVar[bool] = True

    path: str

    @classmethod
    def write(
        cls,
        path: str | Path,
        x: np.ndarray,
        y: np.ndarray,
        *,
        x_test: np.ndarray | None = None,
        y_test: np.ndarray | None = None,
    ) -> Arrays:
        """Write arrays of yours to an ``.npz`` file and return the dataset that reads it.

        Parameters
        ----------
        path
            The file; must end in ``.npz``.
        x, y, x_test, y_test
            As the file holds them, see `Arrays`.

        Raises
        ------
        DataFileError
            When shapes, types or values do not fit; nothing is left behind.

        Examples
        --------
        >>> import tempfile
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     own = Arrays.write(folder + "/own.npz", rng.random((90, 4, 4)), np.arange(90) % 3)
        ...     own.model_copy(update={"n_test": 30}).split(60, seed=0).x_train.shape
        (60, 4, 4, 1)
        """
        place = Path(path).expanduser()
        if place.suffix != ".npz":
            raise DataFileError(f"path {str(path)!r} must end in .npz")
        given = {"x": x, "y": y, "x_test": x_test, "y_test": y_test}
        arrays = {name: np.asarray(values) for name, values in given.items() if values is not None}
        _to_pool(arrays, where=str(path), source=str(path))
        np.savez(place, **arrays)  # type: ignore[arg-type]
        return cls(path=str(path))

    def load(self) -> Pool:
        return read_arrays(self.path)

    def pool(self) -> Pool:
        return _keep_arrays(self.path)


@lru_cache(maxsize=4)
def _keep_arrays(path: str) -> Pool:
    return read_arrays(path)


def read_arrays(path: str) -> Pool:
    """Return the checked content of an ``.npz`` file laid out as `Arrays` says.

    Raises
    ------
    MissingDatasetError
        When there is no such file.
    DataFileError
        When it is truncated or corrupt, lacks an array, or an array has the wrong shape, type or values.
    """
    place = Path(path).expanduser()
    if not place.is_file():
        raise MissingDatasetError(f"dataset 'arrays': there is no file {path}")
    try:
        with place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        with np.load(place, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in ("x", "y", "x_test", "y_test")}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        raise DataFileError(f"{path} is not a readable .npz file of plain arrays: {error}") from error
    return _to_pool(arrays, where=path, source=f"own arrays ({place.name}, {digest})")


def _to_pool(arrays: Mapping[str, np.ndarray], *, where: str, source: str) -> Pool:
    wanted = ["x", "y", *(["x_test", "y_test"] if {"x_test", "y_test"} & set(arrays) else [])]
    absent = [name for name in wanted if name not in arrays]
    if absent:
        raise DataFileError(
            f"{where} lacks {', '.join(absent)}; it holds {', '.join(arrays) or 'none of them'}"
        )
    parts = [
        (_as_images(arrays[x], f"{where}: {x}"), _as_labels(arrays[y], f"{where}: {y}"))
        for x, y in zip(wanted[::2], wanted[1::2])
    ]
    n_classes = 1 + max(int(y.max(initial=1)) for _, y in parts)
    return Pool.join(source, parts, n_classes=n_classes, published_test=len(parts) > 1)


def _as_images(x: np.ndarray, where: str) -> np.ndarray:
    if x.dtype.kind not in "fiub" or x.ndim not in (2, 3, 4):
        raise DataFileError(
            f"{where} has shape {x.shape} and type {x.dtype}; expected numbers of shape (n, height, width, "
            f"channels), (n, height, width) or (n, features)"
        )
    if x.ndim == 2:
        return x[:, None, None, :]
    return x[..., None] if x.ndim == 3 else x


def _as_labels(y: np.ndarray, where: str) -> np.ndarray:
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise DataFileError(
            f"{where} has shape {y.shape} and type {y.dtype}; expected integers of shape (n,)"
        )
    return y.astype(np.int64)
