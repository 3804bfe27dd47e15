"""Small datasets written by the tests in the published file formats."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np


def idx(values: np.ndarray) -> bytes:
    """Return an IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def write_mnist(folder: Path, *, n_train: int = 120, n_test: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Write MNIST's four files and return all images and labels, test last."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n_train + n_test, 28, 28), dtype=np.uint8)
    labels = np.arange(n_train + n_test, dtype=np.uint8) % 10
    for kind, part in (("train", slice(0, n_train)), ("t10k", slice(n_train, None))):
        for values, name in ((images, "images-idx3"), (labels, "labels-idx1")):
            (folder / f"{kind}-{name}-ubyte.gz").write_bytes(gzip.compress(idx(values[part])))
    return images, labels


def cifar_records(n: int, *, n_labels: int, seed: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Return CIFAR binary records with their images ``(n, 32, 32, 3)`` and finest labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    fine = rng.integers(0, 100 if n_labels == 2 else 10, n, dtype=np.uint8)
    labels = np.stack([fine // 5, fine], axis=1) if n_labels == 2 else fine[:, None]
    content = b"".join(labels[i].tobytes() + images[i].transpose(2, 0, 1).tobytes() for i in range(n))
    return content, images, fine


def write_cifar10(folder: Path) -> None:
    """Write CIFAR-10's archive as published: five batches and a test batch in a folder."""
    folder.mkdir(parents=True)
    names = [f"data_batch_{k}.bin" for k in range(1, 6)] + ["test_batch.bin"]
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for seed, name in enumerate(names):
            add_member(archive, f"cifar-10-batches-bin/{name}", cifar_records(30, n_labels=1, seed=seed)[0])


def write_cifar100(folder: Path) -> None:
    """Write CIFAR-100's two binary files, unpacked."""
    folder.mkdir(parents=True)
    for seed, (name, n) in enumerate((("train.bin", 100), ("test.bin", 40))):
        (folder / name).write_bytes(cifar_records(n, n_labels=2, seed=seed)[0])


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def write_arrays(path: Path) -> None:
    """Write a user's own ``.npz``."""
    rng = np.random.default_rng(0)
    np.savez(path, x=rng.standard_normal((150, 4, 4, 2)), y=np.arange(150) % 3)
