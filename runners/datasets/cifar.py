"""CIFAR-10 and CIFAR-100 in their binary version, so that nobody's pickles are loaded."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from curvefit.errors import DataFileError
from runners.datasets.abstract import DATASETS
from runners.datasets.files import FileSet, read_bytes
from runners.datasets.images import AbstractImages
from runners.datasets.pool import Pool
from runners.datasets.transforms import Standardise

SIDE, CHANNELS = 32, 3
ADDRESS = "https://www.cs.toronto.edu/~kriz"

FILES_10 = FileSet(
    name="cifar-10",
    title="CIFAR-10",
    checksums={"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
    addresses=(ADDRESS,),
)
FILES_100 = FileSet(
    name="cifar-100",
    title="CIFAR-100",
    checksums={"cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"},
    addresses=(ADDRESS,),
)


def parse_records(content: bytes, *, n_labels: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of a CIFAR binary file.

    A record is `n_labels` bytes of labels (the last is the finest) and 3,072 bytes of pixels: the red
    plane row by row, then green, then blue.

    Parameters
    ----------
    content
        The file's bytes.
    n_labels
        1 for CIFAR-10; 2 for CIFAR-100 (coarse, fine).
    where
        Name of the file, for the error.

    Returns
    -------
    tuple of np.ndarray
        Images ``(n, 32, 32, 3)`` uint8 and labels ``(n,)`` int64.

    Raises
    ------
    DataFileError
        When the length is not a whole number of records.

    References
    ----------
    Krizhevsky (2009), "Learning multiple layers of features from tiny images".
    """
    length = n_labels + SIDE * SIDE * CHANNELS
    if not content or len(content) % length:
        raise DataFileError(
            f"{where} is truncated or corrupt: {len(content)} bytes are not a whole number of records of {length}"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, length)
    planes = records[:, n_labels:].reshape(-1, CHANNELS, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), records[:, n_labels - 1].astype(np.int64)


def read_cifar(
    files: FileSet, folder: str | None, members: tuple[str, ...], *, n_labels: int, n_classes: int
) -> Pool:
    """Return the pool of a CIFAR dataset from unpacked files or from its archive.

    Parameters
    ----------
    files
        Where the archive may be.
    folder
        A folder with the archive, or with the `members` themselves.
    members
        Names of the binary files, the test file last.
    n_labels, n_classes
        Bytes of labels in a record, and number of (fine) classes.
    """
    unpacked = Path(folder).expanduser() if folder else None
    if unpacked and all((unpacked / name).is_file() for name in members):
        contents = {name: read_bytes(unpacked, name) for name in members}
        place, source = unpacked, f"{files.title} (folder {folder})"
    else:
        place, source = files.find(folder)
        contents = _read_archive(place / next(iter(files.checksums)), members)
    parts = [parse_records(contents[name], n_labels=n_labels, where=str(place / name)) for name in members]
    return Pool.join(source, parts, n_classes=n_classes)


def _read_archive(path: Path, members: tuple[str, ...]) -> dict[str, bytes]:
    """Return the content of `members` of a tar archive, whatever folder they stand in; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for entry in archive:
                name = Path(entry.name).name
                stream = archive.extractfile(entry) if name in members and entry.isfile() else None
                if stream is not None:
                    found[name] = stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataFileError(f"{path} is truncated or corrupt: {error}") from error
    absent = [name for name in members if name not in found]
    if absent:
        raise DataFileError(f"{path} holds no {', '.join(absent)}")
    return found


@DATASETS.register("cifar-10")
class CIFAR10(AbstractImages):
    """CIFAR-10 (binary version): 60,000 colour 32 x 32 images in 10 classes."""

    standardise: Standardise = "per-channel"

    def load(self) -> Pool:
        batches = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
        return read_cifar(FILES_10, self.folder, (*batches, "test_batch.bin"), n_labels=1, n_classes=10)


@DATASETS.register("cifar-100")
class CIFAR100(AbstractImages):
    """CIFAR-100 (binary version): 60,000 colour 32 x 32 images in 100 fine classes."""

    standardise: Standardise = "per-channel"

    def load(self) -> Pool:
        return read_cifar(FILES_100, self.folder, ("train.bin", "test.bin"), n_labels=2, n_classes=100)
